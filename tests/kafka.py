"""The pipeline on real servers, in processes of its own, for tests to disturb."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from log_guard.adapters.store import Store
from log_guard.app.deployment import Deployment
from log_guard.app.settings import Settings
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import RawBatch
from log_guard.core.results import Result
from log_guard.core.stream.fold import Fold
from log_guard.core.stream.progress import Commit, Progress
from log_guard.core.summarising.summaries import empty
from tests.streams import fold_in

_WITH_US = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""Ends a process when its starter is gone, were it by a kill (Linux)."""
_QUICKER = (
    "from log_guard.app.roles import partition, same_topic; from log_guard.cli import main; "
    "partition.HEARTBEAT = {}; same_topic.LOOK_EVERY = 1.0; main()"
)
"""Accounts are told every so many records, of which a quiet pipeline gets one a second, and a topic is looked at every ten
seconds: tests would wait for that."""
PARTITIONS = 4
Lines = list[list[bytes]]
"""For each partition its messages, in order."""


@dataclass
class Pipeline:
    """Topics, groups and tables of one test; its processes.

    url:        of the database, upgraded already.
    heartbeat:  seconds between the reports of a quiet partition, instead of those of the product.
    """

    brokers: str
    url: str
    prefix: str
    directory: Path
    changes: dict[str, Any] = field(default_factory=dict)
    heartbeat: float | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        p = self.prefix
        named = {
            "topic": f"{p}-log-events",
            "summary_topic": f"{p}-window-summaries",
            "state_topic": f"{p}-detector-state",
            "output_topic": f"{p}-anomaly-results",
            "dead_letter_topic": f"{p}-dead-letters",
            "processor_group": f"{p}-processor",
            "detector_group": f"{p}-detector",
            "writer_group": f"{p}-writer",
        }
        return Settings(kafka_brokers=self.brokers, db_url=self.url, **named | self.changes)

    @property
    def deployment(self) -> Deployment:
        return Deployment(self.settings)

    def environment(self, **more: Any) -> dict[str, str]:
        plain = self.settings.model_dump() | {"db_url": self.url} | more
        said = {
            f"LOGGUARD_{name.upper()}": str(value)
            for name, value in plain.items()
            if name not in ("db_password", "kafka_properties")
        }
        if plain["kafka_properties"]:
            said["LOGGUARD_KAFKA_PROPERTIES"] = json.dumps(plain["kafka_properties"])
        return {**os.environ, "PYTHONFAULTHANDLER": "1", **said}

    def _command(self, *command: str) -> list[str]:
        quicker = self.heartbeat and ("-c", _QUICKER.format(self.heartbeat))
        return [sys.executable, *(quicker or ("-m", "log_guard.cli")), *command]

    def start(self, name: str, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        """Start a process under a name, which is its instance too."""
        with (self.directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*_WITH_US, *self._command(*command)],
                env=self.environment(instance=f"{self.prefix}-{name}", **more),
                stdout=log,
                stderr=log,
            )
        self.processes[name] = process
        return process

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "log_guard.cli", *command],
            env=self.environment(instance=f"{self.prefix}-run", log_level="error"),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def signal(self, name: str, number: int) -> None:
        os.kill(self.processes[name].pid, number)
        if number == signal.SIGKILL:
            self.processes[name].wait()

    def stop(self, names: Sequence[str] | None = None) -> dict[str, int]:
        """End processes as a person would; their exit codes."""
        chosen = list(self.processes) if names is None else list(names)
        for name in chosen:
            if self.processes[name].poll() is None:
                self.processes[name].send_signal(signal.SIGCONT)
                self.processes[name].send_signal(signal.SIGTERM)
        codes = {name: self._ended(name) for name in chosen}
        for name in chosen:
            del self.processes[name]
        return codes

    def _ended(self, name: str) -> int:
        try:
            return self.processes[name].wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.signal(name, signal.SIGABRT)  # it says where it hangs
            self.processes[name].wait()
            raise AssertionError(f"{name} did not stop: {self.log(name)}") from None

    def kill_all(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()

    def produce(self, lines: Lines, seconds: float = 0.0) -> None:
        """Write each partition's lines in order, spread over so many seconds."""
        producer = Producer(
            {
                "bootstrap.servers": self.brokers,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 20,
                **self.settings.kafka_properties,
            }
        )
        topic = self.settings.topic
        slices = max(int(seconds * 10), 1)
        began = time.monotonic()
        for i in range(slices):
            for partition, mine in enumerate(lines):
                a, b = (len(mine) * k // slices for k in (i, i + 1))
                for line in mine[a:b]:
                    while True:
                        try:
                            producer.produce(topic, line, partition=partition)
                            break
                        except BufferError:
                            producer.poll(0.1)
            producer.poll(0)
            time.sleep(max(0.0, began + (i + 1) * seconds / slices - time.monotonic()))
        assert producer.flush(60) == 0

    def wait(self, what: str, done: Callable[[], bool], seconds: float = 120.0) -> None:
        """Wait until something is so; on the way no process may die by itself.

        What takes long to ask is asked less often: it takes its time from what is waited for.
        """
        deadline = time.monotonic() + seconds
        while True:
            asked = time.monotonic()
            if done():
                return
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} died: {self.log(name)}"
            now = time.monotonic()
            assert now < deadline, f"waited in vain for {what}: {self.logs()}"
            time.sleep(max(0.2, now - asked))

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")[-3000:]

    def logs(self) -> str:
        return "\n".join(f"== {name}\n{self.log(name)}" for name in self.processes)

    def table(self, until: int, run: str | None = None) -> dict[tuple[int, str], Any]:
        """The rows of windows that end up to a time, without what may differ between two runs."""
        from sqlalchemy import create_engine, text

        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = [r._asdict() for r in connection.execute(text("SELECT * FROM anomaly_results"))]
        engine.dispose()
        found = {}
        for row in rows:
            start = round(row["window_start"].timestamp() * 1_000_000)
            end = round(row["window_end"].timestamp() * 1_000_000)
            if end <= until and run in (None, row["run"]):
                names = (*_COMPARED, *_VOLUME)
                found[start, row["service"]] = {name: row[name] for name in names}
        return found

    def written_to(self, until: int) -> bool:
        """Whether the table has reached a time."""
        with Store(self.url, upgrade=False) as store:
            balance = store.balance()
        return balance is not None and (balance["watermark"] or 0) >= until

    def clean(self) -> None:
        """Leave the broker as it was found."""
        self.kill_all()
        admin = AdminClient({"bootstrap.servers": self.brokers})
        s = self.settings
        topics = [s.topic, s.summary_topic, s.state_topic, s.output_topic, s.dead_letter_topic]
        there = admin.list_topics(timeout=30).topics
        for future in admin.delete_topics([t for t in topics if t in there]).values():
            future.result()


_COMPARED = ("final", "is_anomaly", "anomaly_score", "model_version", "warming")
_VOLUME = (
    *("log_count", "error_count", "fatal_count", "warn_count", "info_count", "debug_count"),
    *("error_rate", "fatal_rate", "warn_rate", "warn_to_info_ratio"),
    *("critical_count", "critical_rate"),
)


def made_stream(seed: int, events: int, start: int, seconds: int) -> Lines:
    """Out of order, late, doubled and malformed events over the partitions; one service falls silent.

    start: of the first event, seconds since 1970. The last 30 s are quiet INFO on all partitions.
    """
    random = Random(seed)
    services = ("api", "billing", "cart", "db", "mail")
    made: list[tuple[float, bytes]] = []
    for _ in range(events):
        at = random.random() * seconds
        service = random.choice(services)
        if service == "mail" and at > seconds * 0.7:
            service = "api"
        burst = 0.8 < at / seconds < 0.81 and random.random() < 0.3
        body = {
            "timestamp": round(start + at, 3),
            "level": "ERROR" if burst else random.choice(("INFO", "INFO", "INFO", "WARN")),
            "service": service,
            "message": "connection to 10.0.0.1 refused"
            if burst
            else random.choice(
                ("served in {} ms", "cache miss for key {}", "user {} logged in")
            ).format(random.randrange(1000)),
        }
        line = json.dumps(body).encode()
        arrives = at + random.random() * 1.5
        if random.random() < 0.001:
            arrives += random.random() * 300  # late, and revises
        if random.random() < 0.0003:
            arrives += 700  # too late
        made.append((arrives, line))
        if random.random() < 0.001:
            made.append((arrives, line))  # the producer wrote it twice: two events
        if random.random() < 0.0005:
            made.append((arrives, random.choice((b"not json", b"[1]", b"\xff\xfe", b"{}", b""))))
    made.sort(key=lambda pair: pair[0])
    lines: Lines = [[] for _ in range(PARTITIONS)]
    for at, line in made:
        if at < seconds + 10:
            lines[random.randrange(PARTITIONS)].append(line)
    for partition in range(PARTITIONS):
        for second in range(30):
            quiet = {
                "timestamp": start + seconds + 20 + second,
                "level": "INFO",
                "service": "api",
                "message": "idling",
            }
            lines[partition].append(json.dumps(quiet).encode())
    return lines


def truth(pipeline: Pipeline, lines: Lines, until: int) -> dict[tuple[int, str], Any]:
    """The table of an undisturbed run, computed without Kafka and without a database."""
    import numpy as np

    from log_guard.adapters.kafka.records import pack

    deployment = pipeline.deployment
    intakes = [deployment.new_intake(p) for p in range(PARTITIONS)]
    fold = Fold(deployment.window, DetectOptions())
    done = [0] * PARTITIONS
    latest: dict[tuple[int, str], Result] = {}
    offset = 0
    while any(done[p] < len(lines[p]) for p in range(PARTITIONS)):
        summaries, told = [empty()], []
        for p, intake in enumerate(intakes):
            upto = min(done[p] + 1_777, len(lines[p]))
            if upto > done[p]:
                at = pack(np.arange(done[p], upto))
                data = b"\n".join(lines[p][done[p] : upto]) + b"\n"
                taken = intake.take(RawBatch(data, 0, p, positions=at))
                summaries.append(taken.summary)
            told.append(Progress(p, done[p], upto, intake.clock.watermark, False))
            done[p] = upto
        out = fold_in(
            fold, Commit(pl.concat(summaries), tuple(told), PARTITIONS, str(offset)), offset
        )
        offset += 1
        for result in out.results:
            if result.window_end <= until:
                latest[result.window_start, result.service] = result
    rows = {}
    for key, result in latest.items():
        body = result.as_dict()
        rows[key] = {name: body[name] for name in (*_COMPARED, *_VOLUME)}
    return rows


@contextmanager
def running(pipeline: Pipeline) -> Iterator[Pipeline]:
    """Whatever happens, no process and no topic stays."""
    try:
        yield pipeline
    finally:
        pipeline.clean()
