"""``make pipeline``: real servers, the simulator, and every role as a process of its own.

The simulator says half an hour at once, of which twenty minutes are quiet, to learn from, and goes on for
another half at the clock's pace.
Prints alerts as they come and, at the end, what is in the database. Ends on Ctrl-C or after SECONDS.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated, Any

import typer
from confluent_kafka import Consumer
from sqlalchemy import create_engine, text

from log_guard.core.windows import WHOLE_STREAM
from servers import DatabaseServer, KafkaServer, ServerError
from servers.in_order import InOrder

LOGGUARD = (sys.executable, "-m", "log_guard.cli")


PAST = timedelta(minutes=30)
"""What the simulator says at once, so that there is something to have learnt from."""
LEGEND = """\
Alerts, as they are told: number, what is new (opened, updated, resolved), the time of its events (UTC), and what happened.
The simulator has half an hour behind it, told of at once; from then on it is the clock's time."""
DRAIN = 20.0
"""Seconds that the roles are given to finish what was written, once nothing more is."""


def main(
    seconds: Annotated[float, typer.Option(help="End after so many; 0: on Ctrl-C.")] = 0.0,
    rate: Annotated[float, typer.Option(help="Events a second.")] = 200.0,
) -> None:
    """Run the pipeline on this machine."""
    stop = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    # Under /tmp itself: the database's unprivileged user must be able to walk there.
    directory = Path(tempfile.mkdtemp(prefix="logguard-pipeline-", dir="/tmp"))
    directory.chmod(0o755)
    kafka, database = KafkaServer(directory / "kafka"), DatabaseServer(directory / "database")
    try:
        typer.echo("starting Kafka and TimescaleDB ...", err=True)
        address, url = kafka.start(), database.start()
    except ServerError as e:
        _away(kafka, database, directory)
        if stop.is_set():  # the same signal ended the servers
            raise typer.Exit(130) from None
        typer.echo(f"make pipeline: {e}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Kafka at {address}, database {url}", err=True)
    own = {**os.environ, "LOGGUARD_KAFKA_BROKERS": address, "LOGGUARD_DB_URL": url}
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for command in (("topics", "create"), ("db", "upgrade")):
            subprocess.run([*LOGGUARD, *command], env=own, check=True)
        for role in ("summarise", "detect", "write"):
            quiet = {
                **own,
                "LOGGUARD_LOG_LEVEL": "warning",
                "LOGGUARD_INSTANCE": f"pipeline-{role}",
            }
            # A session of their own: Ctrl-C is ours to handle, and they end in order.
            processes.append(subprocess.Popen([*LOGGUARD, role], env=quiet, start_new_session=True))
        start = (datetime.now(UTC) - PAST).strftime("%Y-%m-%dT%H:%M:%S")
        simulate = ("simulate", "--real-time", "--minutes", "60", "--start", start)
        producer = [*LOGGUARD, *simulate, "--rate", str(rate), "--kafka-brokers", address]
        processes.insert(0, subprocess.Popen(producer, env=own, start_new_session=True))
        _show_alerts(address, time.monotonic() + seconds if seconds else None, stop)
    finally:
        audit = partial(
            subprocess.run, [*LOGGUARD, "audit"], env={**own, "LOGGUARD_LOG_LEVEL": "error"}
        )
        for process in processes:
            process.terminate()
            process.wait()
            if process is processes[0]:  # the producer; the others finish what it has written
                _drain(audit)
        _show_rows(url)
        typer.echo("the account of every event: ", nl=False)
        audit(check=False)
        _away(kafka, database, directory)


def _drain(audit: Callable[..., subprocess.CompletedProcess[Any]]) -> None:
    """Let the roles come to the end of the events, but not for ever."""
    deadline = time.monotonic() + DRAIN
    while time.monotonic() < deadline:
        if audit(check=False, capture_output=True).returncode == 0:
            return


def _away(kafka: KafkaServer, database: DatabaseServer, directory: Path) -> None:
    kafka.stop()
    database.stop()
    shutil.rmtree(directory, ignore_errors=True)


def _show_alerts(address: str, deadline: float | None, stop: Event) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": f"pipeline-{os.getpid()}",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe(["anomaly-results"])
    typer.echo(LEGEND)
    judged, alerts = False, InOrder()
    while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
        messages = consumer.consume(500, 0.5)
        for message in messages:
            if message.error() is not None:
                continue
            body = json.loads(message.value() or b"{}")
            if body["kind"] == "alert":
                alerts.add(body)
            elif body["kind"] == "result" and body["warming"] is None and not judged:
                typer.echo(f"it has learnt, and judges from {body['window_end']} on")
                judged = True
        _tell(alerts.take(quiet=not messages))
    _tell(alerts.take(quiet=True))
    consumer.close()


def _tell(alerts: Iterable[dict[str, Any]]) -> None:
    for alert in alerts:
        typer.echo(_line(alert))


def _line(alert: dict[str, Any]) -> str:
    return (
        f"alert {alert['id']} {alert['state']}, {alert['start']} to {alert['end']}: {_news(alert)}"
    )


def _news(alert: dict[str, Any]) -> str:
    """What an alert says for the first time; later, who joined and how much of it there is."""
    course = alert["course"]
    if alert["state"] == "opened":
        return str(alert["evidence"]["sentence"])
    said = [f"+{service}" for service in course["joined"]]
    said += [f"{name} {course[name]:,}" for name in ("count", "peak") if course[name] is not None]
    return ", ".join([f"since {course['onset']}", *said])


def _show_rows(url: str) -> None:
    engine = create_engine(url)
    query = """SELECT service, count(*), sum(CASE WHEN is_anomaly THEN 1 ELSE 0 END), max(window_end)
               FROM anomaly_results GROUP BY service ORDER BY service"""
    with engine.connect() as connection:
        typer.echo(f"{'service':<24}{'windows':>9}{'anomalies':>11}  last window ends")
        for service, windows, anomalies, last in connection.execute(text(query)):
            typer.echo(f"{service:<24}{windows:>9,}{anomalies:>11,}  {last}")
    typer.echo(f"{WHOLE_STREAM}: all services together; windows overlap, a new one every 5 s")
    engine.dispose()


if __name__ == "__main__":
    typer.run(main)
