"""Ten minutes without processors, ten minutes without the database: no loss, flat memory, soon caught up.

Nobody waits for ten minutes: the events of ten minutes are written at full speed, each with the time
that it would have had, before the processors (or the database) come back.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import numpy as np

from benchmarks.measure import report
from log_guard.adapters.kafka.reading import committed, held
from log_guard.adapters.kafka.sending import Sender
from log_guard.core.events import SECOND
from servers import DatabaseServer
from tests.kafka import Pipeline, running

OUTAGE = 600
"""Seconds of events that have piled up."""
DONE = OUTAGE - 60
"""Rows are there when those of so many seconds are; the last windows wait for what comes after them."""
RATE = 200_000 / 60
GROUPS = 1_000
FLAT = 1.25
"""Peak memory of the second half of the catching up, over that of the first."""


TABLES = ("anomaly_results", "alerts", "accounts", "balances", "dead_letters", "pipeline")
"""What a measurement leaves behind, the name of its pipeline too: rows of two do not go together."""


def outages(address: str, database: DatabaseServer, directory: Path) -> bool:
    """Both outages; whether all goals were reached."""
    good = _processors_away(address, database.url, directory)
    return good & _database_away(address, database, directory)


def _processors_away(address: str, url: str, directory: Path) -> bool:
    pipeline = new_pipeline(address, url, directory)
    with running(pipeline):
        count, until = _write_events(pipeline, RATE, 20)
        began = time.monotonic()
        memory = _Memory(pipeline)
        for role in ("summarise", "detect", "write"):
            pipeline.start(role, role)
        pipeline.wait("the rows", lambda: pipeline.written_to(until), 200)
        seconds = time.monotonic() - began
        print(f"{count:,} events of {OUTAGE} s, processors back: rows there after {seconds:.1f} s")
        good = memory.report("processors back")
        good &= _caught_up("processors back", seconds)
        return good & _accounted(pipeline)


def _database_away(address: str, database: DatabaseServer, directory: Path) -> bool:
    pipeline = new_pipeline(address, database.url, directory)
    with running(pipeline):
        database.stop()
        for role in ("summarise", "detect", "write"):
            pipeline.start(role, role)
        _, until = _write_events(pipeline, GROUPS, GROUPS)
        s, cluster = pipeline.settings, pipeline.deployment.cluster("-bench")
        pipeline.wait("the summaries", lambda: _lag(pipeline, s.processor_group, s.topic) <= 0, 600)
        # Transactions end with markers, which are no messages, and quiet partitions report each second.
        pipeline.wait(
            "the results", lambda: _lag(pipeline, s.detector_group, s.summary_topic) <= 6, 600
        )
        waiting = sum(high - low for low, high in held(cluster, s.output_topic).values())
        memory = _Memory(pipeline)
        began = time.monotonic()
        database.start()
        pipeline.wait("the rows", lambda: pipeline.written_to(until), 200)
        seconds = time.monotonic() - began
        print(
            f"{waiting:,} records of {GROUPS} groups, database back: rows there after {seconds:.1f} s"
        )
        good = memory.report("database back")
        good &= _caught_up("database back", seconds)
        return good & _accounted(pipeline)


def new_pipeline(address: str, url: str, directory: Path) -> Pipeline:
    """Topics of its own, and tables in which nothing is left of an earlier measurement."""
    pipeline = Pipeline(address, url, f"bench-{uuid.uuid4().hex[:6]}", directory)
    for command in (("topics", "create"), ("db", "upgrade")):
        done = pipeline.run(*command)
        assert done.returncode == 0, done.stderr
    _forget(url)
    return pipeline


def _forget(url: str) -> None:
    """Rows of another measurement are none of this one's."""
    from sqlalchemy import create_engine, text

    engine = create_engine(url)
    with engine.begin() as connection:
        for table in TABLES:
            connection.execute(text(f"DELETE FROM {table}"))
    engine.dispose()


def _write_events(pipeline: Pipeline, rate: float, groups: int) -> tuple[int, int]:
    """How many events were written, and the time (µs) up to which their windows can close."""
    start = int(time.time()) // 60 * 60 - 3_600
    with Sender(pipeline.brokers, pipeline.settings.topic) as sender:
        count = 0
        for line in events(start, OUTAGE, rate, groups):
            sender.send_message(line)
            count += 1
    return count, (start + DONE) * SECOND


def events(start: float, seconds: float, rate: float, groups: int) -> Iterator[bytes]:
    """Evenly spread JSON events of so many services, 180 bytes each."""
    filler = "0" * 60
    stamps = start + np.arange(round(seconds * rate)) / rate
    for i, stamp in enumerate(stamps.tolist()):
        yield (
            b'{"timestamp": %.6f, "level": "INFO", "service": "service-%d", '
            b'"message": "request %d served in %d ms", "trace": "%s"}'
            % (stamp, i % groups, i, i * 7 % 400, filler.encode())
        )


def _lag(pipeline: Pipeline, group: str, topic: str) -> int:
    cluster = pipeline.deployment.cluster("-bench")
    read = committed(cluster, group, topic)
    return sum(high - read.get(p, 0) for p, (_, high) in held(cluster, topic).items())


def _caught_up(name: str, seconds: float) -> bool:
    times = DONE / seconds
    return report(f"{name}: caught up at", times, "x arrival", ">= 10", times >= 10)


def _accounted(pipeline: Pipeline) -> bool:
    """Nothing is lost: the audit has nothing to name, once the last windows are closed."""
    deadline = time.monotonic() + 180
    while (done := pipeline.run("audit")).returncode and time.monotonic() < deadline:
        time.sleep(1)  # between two audits
    pipeline.stop()
    print(done.stdout.strip())
    return report(
        "nothing lost: the audit's exit code", done.returncode, "", "0", not done.returncode
    )


class _Memory:
    """Resident memory of each process, looked at four times a second."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._stop = Event()
        self._seen: dict[str, list[float]] = {}
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._stop.wait(0.25):
            for name, process in list(self._pipeline.processes.items()):
                try:
                    status = Path(f"/proc/{process.pid}/status").read_text()
                except (FileNotFoundError, ProcessLookupError):
                    continue
                for line in status.splitlines():
                    if line.startswith("VmRSS:"):
                        self._seen.setdefault(name, []).append(int(line.split()[1]) / 1024)

    def report(self, name: str) -> bool:
        self._stop.set()
        self._thread.join()
        good = True
        for role, sizes in sorted(self._seen.items()):
            half = len(sizes) // 2
            growth = max(sizes[half:]) / max(sizes[:half] or sizes)
            print(f"{name}: {role} held {max(sizes):.0f} MB at most")
            good &= report(
                f"{name}: {role}, memory, 2nd half", growth, "of 1st", f"<= {FLAT}", growth <= FLAT
            )
        return good
