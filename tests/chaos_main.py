"""``make chaos``: every fault several times, at moments drawn from a seed."""

from __future__ import annotations

import sys
import tempfile
import uuid
from pathlib import Path

import typer

from servers import DatabaseServer, KafkaServer
from tests.chaos import Chaos
from tests.kafka import Pipeline, running


def main(seed: int = 1, rounds: int = 5, events: int = 1_000_000) -> None:
    """Disturb everything, then compare the table with that of an undisturbed run."""
    directory = Path(tempfile.mkdtemp(prefix="logguard-chaos-", dir="/tmp"))
    directory.chmod(0o755)
    kafka, database = KafkaServer(directory / "kafka"), DatabaseServer(directory / "database")
    address, url = kafka.start(), database.start()
    try:
        pipeline = Pipeline(address, url, f"chaos-{uuid.uuid4().hex[:6]}", directory)
        pipeline.changes |= {"idle_seconds": 60.0, "session_timeout_seconds": 3.0}
        with running(pipeline):
            for command in (("topics", "create"), ("db", "upgrade")):
                done = pipeline.run(*command)
                assert done.returncode == 0, done.stderr
            chaos = Chaos(pipeline, kafka, database, seed, sys.stdout, refuse_seconds=60.0)
            chaos.run(events, rounds, pause=3.0)
    finally:
        kafka.kill()
        database.kill()


if __name__ == "__main__":
    typer.run(main)
