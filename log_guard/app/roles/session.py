"""Running a role: sessions one after another, until told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from threading import Event
from typing import Protocol

from confluent_kafka import KafkaException
from tenacity import Retrying, retry_if_exception_type
from tenacity.stop import stop_when_event_set

from log_guard.adapters.kafka.transactions import is_rebalance
from log_guard.app.roles.news import Course
from log_guard.errors import StoreError, StreamError

Failure = (KafkaException, StreamError, StoreError)
"""What ends a session and may have passed when the next one begins."""


class Session(Protocol):
    """One life of a role: its clients, and what it has in memory."""

    def step(self) -> bool:
        """Do a run of records, or wait for a moment if there are none; whether there were any."""
        ...

    def close(self, *, clean: bool) -> None:
        """Leave; ``clean``: the last step succeeded, so what is in hand may be finished."""
        ...


class Role(Protocol):
    """Makes sessions."""

    name: str

    def open(self) -> Session:
        """Connect."""
        ...


def run(role: Role, stop: Event, clock: Callable[[], float] = time.monotonic) -> None:
    """Run sessions until ``stop``; while they fail, the pauses between them grow."""
    copy_context().run(_sessions, role, stop, Course(role.name, clock))


def _sessions(role: Role, stop: Event, course: Course) -> None:
    def sleep(seconds: float) -> None:
        stop.wait(seconds)

    retrying = Retrying(
        wait=course.pause,
        retry=retry_if_exception_type(Failure),
        stop=stop_when_event_set(stop),
        sleep=sleep,
        reraise=True,
    )
    while not stop.is_set():
        try:
            retrying(_session, role, stop, course)
        except Failure:
            if not stop.is_set():
                raise


def _session(role: Role, stop: Event, course: Course) -> None:
    """Run one session; raises if it failed."""
    session: Session | None = None
    done = clean = False
    course.begin()
    try:
        session = role.open()
        while not stop.is_set():
            done = session.step() or done
            course.went_on()
        clean = True
    except Failure as e:
        # It is said before the session leaves, and says what it gives up.
        if not (done and is_rebalance(e)):
            course.failed(e, somewhere=done, stopped=stop.is_set())
            raise
        course.shared_anew()
    finally:
        if session is not None:
            _close(session, clean, stop, course)


def _close(session: Session, clean: bool, stop: Event, course: Course) -> None:
    try:
        session.close(clean=clean)
    except Failure as e:
        course.failed(e, somewhere=False, stopped=stop.is_set())
        raise
