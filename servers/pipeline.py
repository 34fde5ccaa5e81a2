"""``make pipeline``: real servers, the simulator, and every role as a process of its own.

Prints alerts as they come and, at the end, what is in the database. Ends on Ctrl-C or after SECONDS.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event
from types import FrameType

import typer
from confluent_kafka import Consumer
from sqlalchemy import create_engine, text

from servers import DatabaseServer, KafkaServer, ServerError

LOGGUARD = (sys.executable, "-m", "log_guard.cli")


def main(
    seconds: float = typer.Option(0.0, help="End after so many seconds; 0: on Ctrl-C."),
    rate: float = typer.Option(1000.0, help="Events a second."),
    directory: Path = typer.Option(
        Path("/tmp/logguard-pipeline"), help="Where the servers keep their files."
    ),
) -> None:
    """Run the pipeline on this machine."""
    stop = Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    kafka, database = KafkaServer(directory / "kafka"), DatabaseServer(directory / "database")
    try:
        typer.echo("starting Kafka and TimescaleDB ...", err=True)
        address, url = kafka.start(), database.start()
    except ServerError as e:
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
        simulate = ("simulate", "--real-time", "--minutes", "10000", "--rate", str(rate))
        processes.insert(
            0,
            subprocess.Popen(
                [*LOGGUARD, *simulate, "--kafka-brokers", address], env=own, start_new_session=True
            ),
        )
        _show_alerts(address, time.monotonic() + seconds if seconds else None, stop)
    finally:
        for process in processes:  # the producer first, so that the others can finish
            process.terminate()
            process.wait()
        _show_rows(url)
        kafka.stop()
        database.stop()


def _show_alerts(address: str, deadline: float | None, stop: Event) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": f"pipeline-{os.getpid()}",
            "auto.offset.reset": "latest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe(["anomaly-results"])
    warmed = False
    while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
        for message in consumer.consume(500, 0.5):
            if message.error() is not None:
                continue
            body = json.loads(message.value() or b"{}")
            if body["kind"] == "alert":
                sentence = body["evidence"]["sentence"]
                typer.echo(f"{body['end']}  alert {body['id']} {body['state']}: {sentence}")
            elif body["kind"] == "result" and not warmed:
                typer.echo(
                    f"first results: {body['warming'] or 'judged'} "
                    "(warming up; alerts follow once it has learnt)"
                )
                warmed = True
    consumer.close()


def _show_rows(url: str) -> None:
    engine = create_engine(url)
    query = """SELECT service, count(*), sum(CASE WHEN is_anomaly THEN 1 ELSE 0 END), max(window_end)
               FROM anomaly_results GROUP BY service ORDER BY service"""
    with engine.connect() as connection:
        typer.echo(f"{'service':<24}{'windows':>9}{'anomalies':>11}  last window ends")
        for service, windows, anomalies, last in connection.execute(text(query)):
            typer.echo(f"{service:<24}{windows:>9,}{anomalies:>11,}  {last}")
    engine.dispose()


if __name__ == "__main__":
    typer.run(main)
