"""A week of five services with what a week brings: day and night, a nightly job, restarts, a deploy, a
service full of harmless errors, a slow leak; and six things that are wrong.

Made apart from the simulator of ``logguard simulate``: another vocabulary, other kinds of change.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

DAY = 86_400.0
HOUR = 3_600.0
START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday

Text = tuple[str, str]  # level, text with {n} for numbers

WEB: list[Text] = [
    ("INFO", "GET /basket {n} 200 in {n} ms"),
    ("INFO", "GET /article/{n} 200 in {n} ms"),
    ("INFO", "POST /order 201 in {n} ms for customer {n}"),
    ("INFO", "session {n} opened from 10.0.{n}.{n}"),
    ("WARN", "slow answer from catalogue: {n} ms"),
    ("ERROR", "customer {n} sent a form without a token"),
]
WEB_NEXT: list[Text] = [
    ("INFO", "served basket v2 for {n} in {n} ms"),
    ("INFO", "served article v2 {n} in {n} ms"),
    ("INFO", "POST /order 201 in {n} ms for customer {n}"),
    ("INFO", "visitor {n} arrived by campaign {n}"),
    ("WARN", "catalogue took {n} ms, using stale copy"),
    ("ERROR", "customer {n} sent a form without a token"),
]
DB: list[Text] = [
    ("INFO", "checkpoint complete: wrote {n} buffers"),
    ("INFO", "automatic vacuum of table orders: removed {n} rows"),
    ("DEBUG", "plan cache hit for statement {n}"),
    ("WARN", "lock wait of {n} ms on relation {n}"),
]
MAIL: list[Text] = [
    ("INFO", "queued message {n} for delivery"),
    ("INFO", "delivered message {n} after {n} tries"),
    ("WARN", "greylisted by receiver, retry in {n} s"),
]
NOISY: list[Text] = [
    ("ERROR", "cannot parse user agent of request {n}"),
    ("ERROR", "legacy endpoint {n} failed with code {n}"),
    ("ERROR", "feature flag {n} not found, using default"),
    ("WARN", "deprecated call from client {n}"),
    ("INFO", "polled partner feed, {n} entries"),
]
WORKER: list[Text] = [
    ("INFO", "job {n} took {n} ms"),
    ("INFO", "heartbeat {n}"),
    ("DEBUG", "picked job {n} from queue thumbnails"),
]
NIGHT: list[Text] = [
    ("INFO", "nightly invoice run started, {n} accounts"),
    ("INFO", "invoice {n} written"),
    ("WARN", "account {n} has no address, skipped"),
    ("INFO", "nightly invoice run done in {n} s"),
]
RESTART: list[Text] = [
    ("INFO", "received fast shutdown request"),
    ("INFO", "shutting down, waiting for {n} sessions"),
    ("WARN", "terminating connection {n} due to administrator command"),
    ("INFO", "database system is shut down"),
    ("INFO", "starting server, version {n}"),
    ("INFO", "listening on port {n}"),
    ("INFO", "recovery not needed, last checkpoint at {n}"),
    ("INFO", "database system is ready to accept connections"),
]
LEAK: Text = ("WARN", "resident memory {n} MB above soft limit")
WRONG: dict[str, Text] = {
    "burst": ("ERROR", "connection to db refused, attempt {n}"),
    "fatal": ("FATAL", "could not write block {n} of file base: no space left"),
    "warning": ("WARN", "login of admin from unknown host {n}"),
    "loop": ("INFO", "cart {n} recalculated again"),
}


@dataclass(frozen=True)
class Happening:
    """Something that happens: ``harmless`` ones may cost an alert, wrong ones should."""

    name: str
    start: float  # seconds from the start of the week
    end: float
    harmless: bool

    def touches(self, start: float, end: float) -> bool:
        return start <= self.end + 120.0 and end >= self.start


Line = tuple[float, str, str, str]  # seconds from the start, service, level, text


class Lines:
    """Makes lines; ``rate``: about how many a second there are of all services."""

    def __init__(self, seed: int, rate: float) -> None:
        self.seed, self.rate = seed, rate
        self._random = np.random.default_rng(seed)
        self.happenings: list[Happening] = []
        self._lines: list[Line] = []

    def _json(self, at: float, service: str, level: str, text: str) -> bytes:
        time = (START + timedelta(seconds=at)).isoformat(timespec="milliseconds")
        record = {"timestamp": time, "level": level, "service": service, "message": text}
        return json.dumps(record).encode() + b"\n"

    def _say(self, service: str, text: Text, times: np.ndarray) -> None:
        numbers = self._random.integers(1, 999, (len(times), 4)).tolist()
        for at, some in zip(times.tolist(), numbers, strict=True):
            words = text[1]
            for number in some:
                words = words.replace("{n}", str(number), 1)
            self._lines.append((at, service, text[0], words))

    def _poisson(
        self, start: float, end: float, per_second: float, swing: float = 0.0
    ) -> np.ndarray:
        """Times of a Poisson process that is busiest at 15 h and quietest at 3 h."""
        most = per_second * (1 + swing)
        times = self._random.uniform(start, end, self._random.poisson(most * (end - start)))
        share = (1 + swing * np.sin(2 * np.pi * (times / DAY - 0.375))) / (1 + swing)
        return times[self._random.random(len(times)) < share]

    def _mix(
        self, service: str, texts: list[Text], start: float, end: float, rate: float, swing: float
    ) -> None:
        for text, weight in zip(texts, (0.4, 0.3, 0.15, 0.1, 0.04, 0.01), strict=False):
            self._say(service, text, self._poisson(start, end, rate * weight, swing))

    def _bursts(self, start: float, end: float) -> None:
        for burst in self._poisson(
            start, end, 8 / DAY
        ):  # the noisy one's errors come in bursts too
            size = int(self._random.integers(5, 25))
            self._say("noisy", NOISY[1], burst + np.sort(self._random.uniform(0, 60, size)))

    def _nightly(self, day: int) -> None:
        night = day * DAY + 2 * HOUR
        times = night + np.sort(self._random.uniform(5, 590, 400))
        self._say("worker", NIGHT[0], np.array([night]))
        self._say("worker", NIGHT[1], times[::2])
        self._say("worker", NIGHT[2], times[1::40])
        self._say("worker", NIGHT[3], np.array([night + 600]))
        self.happenings.append(Happening(f"nightly job {day + 1}", night, night + 600, True))

    def _restart(self, number: int, at: float) -> None:
        for i, text in enumerate(RESTART):
            count = 12 if i == 2 else 1
            self._say("db", text, at + i * 2 + np.sort(self._random.uniform(0, 2, count)))
        self.happenings.append(Happening(f"restart {number}", at, at + 20, True))

    def _wrong(self, kind: int, at: float, texts: dict[str, Text] | None = None) -> Happening:
        """Let something go wrong; ``texts``: what is said then, in place of some of :data:`WRONG`."""
        say = {**WRONG, **(texts or {})}
        spread = at + np.sort(self._random.uniform(0, 180, 90))
        if kind == 0:
            self._say("web", say["burst"], spread)
            return Happening("errors in a burst", at, at + 180, False)
        if kind == 1:
            self._lines = [x for x in self._lines if x[1] != "mail" or not at <= x[0] < at + 1800]
            return Happening("mail silent", at, at + 1800, False)
        if kind == 2:
            extra = self._poisson(at, at + 600, 6 * 0.15 * self.rate)
            self._say("worker", WORKER[0], extra)
            return Happening("a count times seven", at, at + 600, False)
        if kind == 3:
            self._say("db", say["fatal"], spread[:3])
            return Happening("a new fatal line", at, at + 180, False)
        if kind == 4:
            self._say("mail", say["warning"], spread[:40])
            return Happening("a new warning, forty times", at, at + 180, False)
        self._say("web", say["loop"], spread)
        return Happening("an endless loop at INFO", at, at + 180, False)


class Week(Lines):
    """The lines of a week and what happened in it."""

    def __init__(self, seed: int, days: int = 7, rate: float = 1.5) -> None:
        super().__init__(seed, rate)
        self.days = days
        self._usual()
        self._changes()
        self._wrongs()
        self._lines.sort()

    def batches(self, size: int = 20_000) -> Iterator[bytes]:
        """JSON lines in order of time."""
        for i in range(0, len(self._lines), size):
            yield b"".join(self._json(*line) for line in self._lines[i : i + size])

    def _usual(self) -> None:
        end, deploy = self.days * DAY, 3.5 * DAY
        self._mix("web", WEB, 0, min(deploy, end), 0.5 * self.rate, 0.7)
        if end > deploy:
            self._mix("web", WEB_NEXT, deploy, end, 0.5 * self.rate, 0.7)
            self.happenings.append(Happening("deploy of web", deploy, deploy + HOUR, True))
        self._mix("db", DB, 0, end, 0.15 * self.rate, 0.3)
        self._mix("mail", MAIL, 0, end, 0.12 * self.rate, 0.5)
        self._mix("worker", WORKER, 0, end, 0.15 * self.rate, 0.2)
        self._mix("noisy", NOISY, 0, end, 0.06 * self.rate, 0.0)
        self._bursts(0, end)

    def _changes(self) -> None:
        for day in range(self.days):
            self._nightly(day)
        for number, day in enumerate(np.sort(self._random.uniform(1.1, self.days, 4)).tolist()):
            self._restart(number + 1, day * DAY)
        leak = 4 * DAY
        if self.days > 4:
            times = np.sort(self._random.triangular(leak, self.days * DAY, self.days * DAY, 3_000))
            self._say("worker", LEAK, times)
            self.happenings.append(Happening("leak", leak, self.days * DAY, True))

    def _wrongs(self) -> None:
        places = np.linspace(1.25, self.days - 0.25, 6) + self._random.uniform(-0.08, 0.08, 6)
        order = self._random.permutation(6)
        for kind, day in zip(order.tolist(), places.tolist(), strict=True):
            self.happenings.append(self._wrong(kind, day * DAY))
