"""One input partition, while it is ours to summarise."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
from confluent_kafka import Message, TopicPartition

from log_guard.app.roles.messages import Pending, offsets_of
from log_guard.core.events import SECOND
from log_guard.core.stream.progress import Progress
from log_guard.core.summarising.intake import Intake, Taken

HEARTBEAT = 1.0
"""Seconds between the reports of a partition that is quiet."""


class Partition:
    """What was read of it, up to where, and since when nothing more has come.

    next:          first offset that no commit covers yet.
    appended:      when its last record was appended, seconds since 1970; None: there was none.
    at_end_since:  when its end was reached, by our clock (monotonic); None: it is not, or we are behind.
    end:           where that was; past a transaction's marker, which is no message.
    seen:          what it held then; more, if a transaction in it is still open.
    in_step:       where it was when it was last not too far ahead of the others in event time.
    paused:        whether it is so much further that it has to wait for them.
    pending:       what was read and no commit covers yet.
    known:         up to where commits had covered it already, if hands have set it back. No commit goes across: what it
                   would summarise could not be told apart, and the new would be kept out with what was read before.
    """

    def __init__(
        self,
        intake: Intake,
        next: int,
        metadata: str | None,
        idle_after: float,
        known: int | None = None,
    ) -> None:
        """Go on with what the last owner committed, and knew.

        metadata:    as :meth:`mark` makes it; nothing where the offset was set by other hands.
        idle_after:  seconds at its end after which it holds time no more.
        """
        told = _known(metadata)
        self.intake = intake
        self.intake.clock.high = told.get("high")
        self.next = next
        known = told.get("known", known)
        self.known = known if known is not None and known > next else None
        self.appended: float | None = told.get("appended")
        self.idle_after = idle_after
        self.at_end_since: float | None = None
        self.end = 0
        self.seen = 0
        self.in_step = next
        self.paused = False
        self.pending = Pending(intake.source, next)
        self._beyond = False  # something from ``known`` on was seen, and left to be read again
        self._reported: float | None = None  # by our clock
        self._ended: float | None = (
            None  # when the end had been reached before what is pending came
        )
        self._within: float | None = None  # seconds within which what was taken had been appended
        # Of an ``at_end_since``: seconds for which nothing had come by then.
        self._before: tuple[float, float] | None = None

    @property
    def number(self) -> int:
        """Which partition of the topic it is."""
        return self.intake.source

    def place(self, topic: str) -> TopicPartition:
        """Where to read on."""
        return TopicPartition(topic, self.number, self.next)

    def add(self, messages: Sequence[Message]) -> None:
        """Take in messages, in their order; those from ``known`` on belong to the next commit."""
        if self.known is not None and (messages[-1].offset() or 0) >= self.known:
            self._beyond = True
            messages = messages[: int(np.searchsorted(offsets_of(messages), self.known))]
        if messages:
            if not self.pending.messages:
                self._ended = self.at_end_since
            self.pending.add(messages)

    def reach_end(self, offset: int, held: int, now: float) -> None:
        """Hear that it ends here, and what it holds; not while something before that is left to be read."""
        if not self._beyond:
            self.end, self.seen = offset, held
            self.at_end_since = now if self.at_end_since is None else self.at_end_since

    def is_due(self, now: float) -> bool:
        """Whether it has something to say though nothing was read."""
        if self._reported is None or self._beyond or self.end > self.next:
            return True
        return self.at_end_since is not None and now - self._reported >= HEARTBEAT

    def take(self, now: float) -> list[Taken]:
        """Summarise what was read."""
        taken = [self.intake.take(*batch) for batch in self.pending.batches()]
        if self.pending.messages:
            self.next, self.appended = self.pending.next, self.pending.appended
            self._within = None if self._ended is None else now - self._ended
            if self.at_end_since is not None:
                self.at_end_since = now  # the end was reached again, or there is more
        return taken

    def go_on(self, now: float) -> bool:
        """What was taken goes into a commit; begin with what comes after it.

        Returns whether that was read before, and must be read again.
        """
        again = self._beyond
        if self.known is not None and (again or self.end >= self.known):
            self.next, self.known, self._beyond = self.known, None, False
        else:
            self.next = max(self.next, self.end)
        self.pending = Pending(self.number, self.next)
        self._reported = now
        return again

    def progress(
        self, first: int, taken: list[Taken], filtered: int, now: float, wall: float
    ) -> Progress:
        """What a commit of this, from offset ``first`` on, says; ``filtered``: messages that held nothing."""
        idle = self.at_end_since is not None and now - self.at_end_since >= self.idle_after
        mark, quiet = self.intake.clock.watermark, self._quiet(now, wall)
        if mark is not None and idle:
            mark += int(quiet * SECOND)
        return Progress(
            self.number,
            first,
            self.next,
            mark,
            idle,
            consumed=sum(t.consumed for t in taken) + filtered,
            summarised=sum(t.summarised for t in taken),
            late=sum(t.late for t in taken),
            dead_lettered=sum(len(t.dead) for t in taken),
            filtered=filtered,
        )

    def mark(self, topic: str) -> TopicPartition:
        """The offset to commit, with what the next owner has to know."""
        told = {"high": self.intake.clock.high, "appended": self.appended}
        if self.known is not None:
            told["known"] = self.known
        return TopicPartition(topic, self.number, self.next, metadata=json.dumps(told))

    def _quiet(self, now: float, wall: float) -> float:
        """Seconds for which nothing has come, known since the end was reached; else 0.

        Of the time before only the host's clock knows. It is asked once, for it may be set while nothing comes; and
        not believed where we were at the end before: what came then had just been appended.
        """
        since = self.at_end_since
        if since is None:
            return 0.0
        if self._before is None or self._before[0] != since:
            before = 0.0 if self.appended is None else wall - self.appended - (now - since)
            if self._within is not None:
                before = min(before, self._within)
            self._before = since, max(before, 0.0)
        return now - since + self._before[1]


def _known(metadata: str | None) -> dict[str, int]:
    try:
        known = json.loads(metadata or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}
