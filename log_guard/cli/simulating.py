"""``logguard simulate`` and ``demo``: commands that make their own logs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from log_guard.cli import options as o
from log_guard.cli.terminal import console, data_directory, errors


def demo(
    seed: Annotated[int, typer.Option(help="Another seed is another hour.", min=0)] = 42,
    minutes: Annotated[float, typer.Option(help="Event time to simulate.", min=15)] = 60,
    rate: Annotated[float, typer.Option(help="Events a second.", min=1)] = 100.0,
    database: Annotated[
        Path | None,
        typer.Option(
            "--database",
            metavar="FILE",
            help="SQLite file to write; in the user's data directory if not given.",
        ),
    ] = None,
) -> None:
    """Watch LogGuard find the incidents in an hour of simulated logs.

    Simulates seven services with incidents among them, runs the stream through the real line into a
    SQLite file, prints each alert with its evidence, and then sets the alerts against the truth.
    """
    from log_guard.app.demo_report import show_demo
    from log_guard.app.simulate import SimulationSpec

    target = database if database is not None else data_directory() / "demo.sqlite"
    show_demo(
        SimulationSpec(seed=seed, rate=rate, duration_s=minutes * 60),
        target,
        console(),
        errors(),
    )


def simulate(
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="Where the events go.")] = "-",
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="Where the labels go (JSON).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.", min=0)] = 42,
    rate: Annotated[float, typer.Option(help="Events a second.", min=0.1)] = 100.0,
    minutes: Annotated[float, typer.Option(help="Event time to simulate.", min=0.1)] = 60,
    anomaly_share: Annotated[
        float, typer.Option(help="Share of events that incidents add.", min=0, max=0.5)
    ] = 0.005,
    start: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            parser=o.a_time,
            help="Time of the first event (UTC unless it names a zone).",
        ),
    ] = None,
    real_time: Annotated[
        bool,
        typer.Option(
            "--real-time",
            help="At the pace of the clock; from now on, or after catching up from --start.",
        ),
    ] = False,
    kafka_brokers: Annotated[
        str | None,
        typer.Option("--kafka-brokers", help="Write to Kafka at HOST:PORT, not to a file."),
    ] = None,
    topic: Annotated[
        str, typer.Option("--topic", help="Topic of Kafka to write to.")
    ] = "log-events",
    kafka_property: Annotated[
        list[str] | None,
        typer.Option(
            "--kafka-property",
            metavar="NAME=VALUE",
            help="Any librdkafka setting (SASL, TLS, ...). Repeatable. By environment: "
            "LOGGUARD_KAFKA_PROPERTIES, as a=b,c=d or a JSON object.",
        ),
    ] = None,
) -> None:
    """Write a seeded stream of logs with labelled incidents.

    The events are JSON lines. With --kafka-brokers to a topic, one event a message (idempotent, acknowledged by all replicas).
    """
    from log_guard.app.simulate import SimulationSpec
    from log_guard.app.simulate.spec import DEFAULT_START
    from log_guard.app.simulating import write_stream

    begin = start or (datetime.now(UTC) if real_time else None)
    spec = SimulationSpec(
        seed=seed,
        rate=rate,
        duration_s=minutes * 60,
        anomaly_share=anomaly_share,
        start=begin or DEFAULT_START,
    )
    if kafka_brokers is None:
        made = write_stream(spec, out, truth, real_time=real_time)
        _say_made(*made, "standard output" if out == "-" else out, truth)
        return
    from log_guard.adapters.kafka.sending import Sender
    from log_guard.app.settings_loading import properties, properties_of_environment

    security = properties(kafka_property) if kafka_property else properties_of_environment()
    with Sender(kafka_brokers, topic, security) as sender:
        made = write_stream(spec, out, truth, real_time=real_time, sink=sender.send)
    _say_made(*made, f"topic {topic}", truth)


def _say_made(events: int, incidents: int, where: str, truth: Path | None) -> None:
    """On standard error: the events themselves may go to standard output."""
    kept = f"labels in {truth}" if truth is not None else "labels not kept (--truth FILE)"
    what = "incident" if incidents == 1 else "incidents"
    typer.echo(f"{where}: {events:,} events, {incidents:,} {what}; {kept}", err=True)
