"""What a role says when a session ends that had begun, and of what goes on and on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from threading import Event
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from structlog.testing import capture_logs

from log_guard.app.roles.membership import Membership
from log_guard.app.roles.news import LONGEST_PAUSE, REMIND_EVERY, SETTLED
from log_guard.app.roles.session import run
from log_guard.errors import StoreError, StreamError


class Interrupted:
    """A role whose first session fails in its second step, and whose second runs until told to stop."""

    name = "interrupted"

    def __init__(self, code: int) -> None:
        self.failure: KafkaException | None = KafkaException(KafkaError(code))
        self.stop = Event()
        self.steps = 0

    def open(self) -> Interrupted:
        return self

    def step(self) -> bool:
        self.steps += 1
        if self.steps == 2 and self.failure is not None:
            raise self.failure
        if self.steps > 2:
            self.stop.set()
        return True

    def close(self, *, clean: bool) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "level"),
    [
        (KafkaError.ILLEGAL_GENERATION, "info"),
        (KafkaError.REBALANCE_IN_PROGRESS, "info"),
        (KafkaError.UNKNOWN_MEMBER_ID, "warning"),  # it was away for too long
        (KafkaError._TRANSPORT, "warning"),
    ],
)
def test_that_another_member_came_is_no_warning(code: int, level: str) -> None:
    role = Interrupted(code)
    with capture_logs() as told:
        run(role, role.stop)
    (one,) = [entry for entry in told if "starting again" in entry["event"]]
    assert one["log_level"] == level


class Hours(Event):
    """Stops a role after so many seconds of a clock that waits for nobody: a step takes one of them."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.now, self.seconds = 0.0, seconds
        self.pauses: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout or 0.0)
        self.go_on(timeout or 0.0)
        return self.is_set()

    def go_on(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.seconds:
            self.set()


class Troubled:
    """A role that does what ``step`` says, given the time and how many steps the session has done."""

    name = "troubled"

    def __init__(self, stop: Hours, step: Callable[[float, int], None]) -> None:
        self.stop, self._step = stop, step
        self.consumer = Consumer({"group.id": "g", "bootstrap.servers": "127.0.0.1:1"})

    def open(self) -> Troubled:
        self.steps = 0
        self.member = Membership("troubled", "group")
        self.member._on_assigned(self.consumer, HELD)  # the client calls this
        return self

    def step(self) -> bool:
        self.stop.go_on(1.0)
        self._step(self.stop.now, self.steps)
        self.steps += 1
        return True

    def close(self, *, clean: bool) -> None:
        self.member._on_gone(HELD, False)


HELD = [TopicPartition("log-events", 0)]


def told_of(seconds: float, step: Callable[[float, int], None]) -> tuple[Any, Troubled]:
    stop = Hours(seconds)
    role = Troubled(stop, step)
    with capture_logs() as told:
        run(role, stop, lambda: stop.now)
    role.consumer.close()
    return [entry for entry in told if entry["log_level"] != "debug"], role


def test_a_record_that_stops_a_role_is_said_once_and_every_five_minutes() -> None:
    def step(now: float, steps: int) -> None:
        if steps == 2:  # a little progress precedes it, each time
            raise StreamError("log-events-0@7 is of schema 99")

    told, role = told_of(4.2 * REMIND_EVERY, step)
    assert [entry["event"] for entry in told[:3]] == [
        "took over partitions",
        "running",
        "interrupted, starting again from what is committed",
    ]
    again = [entry for entry in told[3:] if "interrupted" in entry["event"]]
    assert again == told[3:], "nothing reads like recovery"
    assert [round(entry["interrupted_for"] / REMIND_EVERY) for entry in again] == [1, 2, 3, 4]
    assert {entry["reason"] for entry in again} == {"log-events-0@7 is of schema 99"}
    assert role.stop.pauses[0] == 0.0, "it may have passed already"
    assert all(pause >= LONGEST_PAUSE for pause in role.stop.pauses[6:-1])


def test_a_failure_that_comes_sooner_or_later_is_said_as_seldom() -> None:
    """A database that may not be written: a session fails at its first records, which come when they come."""
    sessions = cycle([3, 0, 0, 1])
    last = [next(sessions)]

    def step(now: float, steps: int) -> None:
        if steps == last[0]:
            last[0] = next(sessions)
            raise StoreError("read-only")

    told, _ = told_of(2.5 * REMIND_EVERY, step)
    assert [entry["event"].split(",")[0] for entry in told] == [
        *("took over partitions", "running"),
        *("interrupted", "interrupted", "interrupted"),
    ]


def test_it_is_said_when_a_role_is_running_again_and_the_next_trouble_is_a_new_one() -> None:
    def step(now: float, steps: int) -> None:
        if now < 100 or 500 < now <= 501:
            raise StoreError("the database is away")

    told, _ = told_of(1_000, step)
    assert [e["event"].split(",")[0] for e in told] == [
        "took over partitions",
        "interrupted",
        "running",
        "interrupted",
        "running",
        "gave up partitions",
    ]
    assert 95 <= told[2]["interrupted_for"] <= 110
    assert SETTLED <= told[4]["interrupted_for"] <= SETTLED + 2, "it broke off in its midst"


def test_another_reason_is_said_at_once() -> None:
    failures = cycle([StreamError("poisoned"), StoreError("the database is away")])

    def step(now: float, steps: int) -> None:
        raise next(failures)

    told, _ = told_of(REMIND_EVERY, step)
    reasons = [e["reason"] for e in told if "trying again" in e["event"]]
    assert reasons == ["poisoned", "the database is away"]
