"""Faults at random moments, from a seed; afterwards the table must be that of an undisturbed run."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from typing import TextIO

from log_guard.app.audit.auditing import audit
from log_guard.core.events import SECOND
from log_guard.errors import LogGuardError
from servers import DatabaseServer, KafkaServer
from tests.kafka import Pipeline, made_stream, truth

COMMANDS = {
    "one": "summarise",
    "two": "summarise",
    "detect": "detect",
    "standby": "detect",
    "write": "write",
}
"""Instance → its role: two summarise, one detects while another stands by, one writes."""


@dataclass
class Chaos:
    """One run: what is disturbed, and a diary of it."""

    pipeline: Pipeline
    kafka: KafkaServer
    database: DatabaseServer
    seed: int
    out: TextIO
    session_seconds: float = 3.0
    refuse_seconds: float = 5.0
    diary: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self.began:6.1f} s  {text}"
        self.diary.append(line)
        print(line, file=self.out, flush=True)

    def start(self, name: str, **more: object) -> None:
        self.pipeline.start(name, COMMANDS[name], **more)

    def faults(self) -> dict[str, Callable[[], None]]:
        return {
            **{f"kill -9 {name}": self._killing(name) for name in COMMANDS},
            **{f"freeze {name}": self._freezing(name) for name in ("one", "detect", "write")},
            "kill -9 both summarisers": self.kill_both,
            "kill -9 the broker": self.kill_broker,
            "kill -9 the database": self.kill_database,
            "the database refuses": self.stop_database,
            "remove a summariser, then add it again": self.remove,
        }

    def _killing(self, name: str) -> Callable[[], None]:
        def kill() -> None:
            self.pipeline.signal(name, signal.SIGKILL)
            self.start(name)

        return kill

    def _freezing(self, name: str) -> Callable[[], None]:
        def freeze() -> None:
            self.pipeline.signal(name, signal.SIGSTOP)
            time.sleep(2 * self.session_seconds)  # how long it is frozen is the fault itself
            self.pipeline.signal(name, signal.SIGCONT)

        return freeze

    def kill_both(self) -> None:
        for name in ("one", "two"):
            self.pipeline.signal(name, signal.SIGKILL)
        for name in ("one", "two"):
            self.start(name)

    def kill_broker(self) -> None:
        self.kafka.kill()
        self.kafka.start()

    def kill_database(self) -> None:
        self.database.kill()
        self.database.start()

    def stop_database(self) -> None:
        self.database.stop()
        time.sleep(self.refuse_seconds)  # as above
        self.database.start()

    def remove(self) -> None:
        self.pipeline.stop(["two"])
        self.start("two")

    def schedule(self, rounds: int) -> Iterator[tuple[str, Callable[[], None]]]:
        """Every fault, in a random order, ``rounds`` times."""
        for _ in range(rounds):
            named = list(self.faults().items())
            self.random.shuffle(named)
            yield from named

    def run(self, events: int, rounds: int, pause: float) -> None:
        """Disturb, then compare; raises AssertionError with the first difference."""
        event_seconds = max(events // 20, 1_500)
        begin = int(time.time()) // 60 * 60 - event_seconds - 3_600
        until = (begin + event_seconds) * SECOND
        lines = made_stream(self.seed, events, begin, event_seconds)
        faults = list(self.schedule(rounds))
        for name in COMMANDS:
            self.start(name)
        producing = Thread(
            target=self.pipeline.produce, args=(lines, len(faults) * (pause + 2.0)), daemon=True
        )
        producing.start()
        for name, fault in faults:
            time.sleep(self.random.random() * 2 * pause)  # a random moment is the point
            self.say(name)
            fault()
        producing.join()
        self.say(f"{sum(map(len, lines)):,} events are written; waiting for the table")
        self.pipeline.wait("the table", lambda: self.pipeline.written_to(until), 180)
        self.pipeline.stop(["one", "two"])
        self.pipeline.start("last", "summarise", idle_seconds=1.0)
        self._wait_for_audit()
        self.pipeline.stop()
        self._compare(lines, until)

    def _wait_for_audit(self) -> None:
        said = ""

        def accounted() -> bool:
            nonlocal said
            try:
                outcome = audit(self.pipeline.deployment, recount=False)
            except LogGuardError as error:
                said = str(error)
                return False
            said = "\n".join(map(str, outcome.findings))
            return outcome.complete

        try:
            self.pipeline.wait("the audit", accounted)
        except AssertionError:
            self.say(f"what the audit said last:\n{said}")
            raise

    def _compare(self, lines: list[list[bytes]], until: int) -> None:
        expected, actual = truth(self.pipeline, lines, until), self.pipeline.table(until)
        missing, extra = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        other = {k for k in expected.keys() & actual.keys() if expected[k] != actual[k]}
        self.say(
            f"{len(expected):,} rows expected: {len(missing)} missing, {len(extra)} too many, {len(other)} different"
        )
        for key in sorted(other)[:3]:
            self.say(f"{key}: expected {expected[key]}, found {actual[key]}")
        assert (missing, extra, other) == (set(), set(), set())
        done = self.pipeline.run("audit", "--recount")
        self.say(done.stdout.strip())
        assert done.returncode == 0, done.stdout + done.stderr
