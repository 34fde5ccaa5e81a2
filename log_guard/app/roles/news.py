"""What a role says of itself: each thing when it happens, and of what goes on and on, a reminder now and then.

A role that cannot go on starts session after session, and each would say anew what it took over and gave up:
that looks like recovery. So that is said at the level ``debug`` until the role runs again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar

import structlog
from confluent_kafka import KafkaException
from tenacity import RetryCallState, wait_exponential_jitter

REMIND_EVERY = 300.0
"""Seconds after which it is said again what is still so."""
SETTLED = 30.0
"""Seconds that a session has to last after one that broke off in its midst, for the role to be running again."""
LONGEST_PAUSE = 5.0
"""Seconds between two sessions, at most."""
_PAUSES = wait_exponential_jitter(multiplier=0.2, max=LONGEST_PAUSE, jitter=0.5)

_interrupted: ContextVar[set[str] | None] = ContextVar("interrupted", default=None)
"""Of the role that runs in this thread: the warnings that were given since it was interrupted; None: it is not."""


class News:
    """A part's log of what comes with each session: the role's own, or its part's in a group."""

    def __init__(self, **bound: str) -> None:
        self._log = structlog.get_logger().bind(**bound)

    def info(self, event: str, **about: object) -> None:
        """Say it, but not while the role is interrupted."""
        (self._log.info if _interrupted.get() is None else self._log.debug)(event, **about)

    def warning(self, event: str, **about: object) -> None:
        """Say it, but while the role is interrupted only once."""
        given, text = _interrupted.get(), f"{event} {sorted(about.items())}"
        if given is not None and text in given:
            self._log.debug(event, **about)
            return
        if given is not None:
            given.add(text)
        self._log.warning(event, **about)


class Course:
    """How a role fares over its sessions, in the thread that runs it.

    It is *interrupted* from a session's failure on until one has begun to run; or, where the last one broke off in
    its midst, or for what had broken one off so, until one has lasted: what comes before the failure may go well
    each time, or now and then.
    """

    def __init__(self, role: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = structlog.get_logger().bind(role=role)
        self._news = News(role=role)
        self._clock = clock
        self._running_since: float | None = None  # the session's first step
        self._since = 0.0  # so long interrupted, if it is
        self._to_last = 0.0  # seconds that a session has to last
        self._failures = 0
        self._at_once = False
        self._said: dict[str, float] = {}  # reason → when it was said
        self._midst: set[str] = set()  # reasons that have broken off a session in its midst

    def begin(self) -> None:
        """Hear that a session begins."""
        self._running_since = None

    def went_on(self) -> None:
        """Hear that a step was done; say that it runs, once it does."""
        now = self._clock()
        if self._running_since is None:
            self._running_since = now
            self._news.info("running")
        if _interrupted.get() is not None and now - self._running_since >= self._to_last:
            _interrupted.set(None)
            self._failures, self._to_last, self._said, self._midst = 0, 0.0, {}, set()
            self._log.info("running", interrupted_for=round(now - self._since))

    def shared_anew(self) -> None:
        """Hear that the session ended since members come or go."""
        self._news.info("partitions are shared out anew, starting again from what is committed")

    def failed(self, error: Exception, *, somewhere: bool, stopped: bool) -> None:
        """Hear why a session has ended, and say it if that is due.

        somewhere:  it had got somewhere: where it was not interrupted before, the next one starts at once.
        stopped:    there is no next one.
        """
        if stopped:
            self._log.warning("stopped while interrupted", reason=reason(error))
            return
        now = self._clock()
        if _interrupted.get() is None:
            _interrupted.set(set())
            self._since = now
        why = _kind(error)
        if self._running_since is not None:
            self._midst.add(why)
        self._to_last = SETTLED if why in self._midst else 0.0
        self._failures += 1
        self._at_once = somewhere and self._failures == 1
        self._say(error, now, somewhere=somewhere)

    def pause(self, state: RetryCallState) -> float:
        """Seconds until the next session; they grow over all sessions since the role was interrupted."""
        state.attempt_number = self._failures
        return 0.0 if self._at_once else float(_PAUSES(state))

    def _say(self, error: Exception, now: float, *, somewhere: bool) -> None:
        why, kind = reason(error), _kind(error)
        self._said = {k: t for k, t in self._said.items() if now - t < REMIND_EVERY}
        if kind in self._said:
            return
        self._said[kind] = now
        what = "starting again from what is committed" if somewhere else "trying again"
        since = {} if self._failures == 1 else {"interrupted_for": round(now - self._since)}
        self._log.warning(f"interrupted, {what}", reason=why, **since)


def _kind(error: BaseException) -> str:
    """The same for one and the same error: what the client adds to it differs from time to time."""
    return str(error.args[0].code()) if isinstance(error, KafkaException) else reason(error)


def reason(error: BaseException | None) -> str:
    """One line of what went wrong."""
    if isinstance(error, KafkaException):
        return str(error.args[0].str())
    return str(error)
