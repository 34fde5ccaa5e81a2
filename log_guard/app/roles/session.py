"""Running a role: sessions one after another, until told to stop."""

from __future__ import annotations

from threading import Event
from typing import Protocol

import structlog
from confluent_kafka import KafkaError, KafkaException
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter
from tenacity.stop import stop_when_event_set

from log_guard.errors import StoreError, StreamError

Failure = (KafkaException, StreamError, StoreError)
"""What ends a session and may have passed when the next one begins."""

REBALANCED = (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS)
"""What Kafka says to whoever commits while members come or go: nothing is wrong."""


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


def run(role: Role, stop: Event) -> None:
    """Run sessions until ``stop``; a session that got nowhere makes the next one wait longer."""
    log = structlog.get_logger().bind(role=role.name)
    while not stop.is_set():
        trouble = False

        def say_once(state: RetryCallState) -> None:
            nonlocal trouble
            if not trouble and state.outcome is not None:
                log.warning("interrupted, trying again", reason=reason(state.outcome.exception()))
                trouble = True

        def wait(seconds: float) -> None:
            stop.wait(seconds)

        retrying = Retrying(
            wait=wait_exponential_jitter(multiplier=0.2, max=5.0, jitter=0.5),
            retry=retry_if_exception_type(Failure),
            stop=stop_when_event_set(stop),
            before_sleep=say_once,
            sleep=wait,
            reraise=True,
        )
        try:
            retrying(_session, role, stop, log)
        except Failure as e:
            if not stop.is_set():
                raise
            log.warning("stopped while interrupted", reason=reason(e))


def reason(error: BaseException | None) -> str:
    """One line of what went wrong."""
    if isinstance(error, KafkaException):
        return str(error.args[0].str())
    return str(error)


def _session(role: Role, stop: Event, log: structlog.stdlib.BoundLogger) -> None:
    """Run one session; raises if it failed before it had done anything, else returns."""
    session = role.open()
    running = done = clean = False
    try:
        while not stop.is_set():
            done = session.step() or done
            if not running:
                log.info("running")
                running = True
        clean = True
    except Failure as e:
        if not done:
            raise
        if isinstance(e, KafkaException) and e.args[0].code() in REBALANCED:
            log.info("partitions are shared out anew, starting again from what is committed")
        else:
            log.warning("interrupted, starting again from what is committed", reason=reason(e))
    finally:
        session.close(clean=clean)
