"""Partitions that run ahead in event time wait for the others.

Windows close when all partitions have passed them: what is ahead would pile up downstream.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer

from log_guard.app.roles.partition import Partition
from log_guard.core.events import SECOND

_LATEST = 1 << 62


@dataclass(frozen=True)
class Skew:
    """How far a partition may run ahead of one that has more to be read.

    seconds:   of event time.
    messages:  that it may run ahead at any rate. A producer fills partitions in runs of some ten thousand
               messages, the client brings them in such, and it forgets what it has fetched of a
               partition that is paused.
    """

    topic: str
    seconds: float
    messages: int

    def hold_back(
        self,
        consumer: Consumer,
        partitions: Sequence[Partition],
        is_behind: Callable[[Partition], bool],
    ) -> None:
        """Pause those that are too far ahead, resume those that are no more."""
        skew = self.seconds * SECOND
        behind = {ours.number for ours in partitions if is_behind(ours)}
        # One whose first event is still to come is behind all others.
        highs = [ours.intake.clock.high or 0 for ours in partitions if ours.number in behind]
        slowest = min(highs, default=_LATEST)
        for ours in partitions:
            ahead = (ours.intake.clock.high or 0) - slowest
            here = ours.place(self.topic)
            if ahead <= skew:
                ours.in_step = ours.next
            is_far = ahead > skew and ours.next - ours.in_step > self.messages
            if not ours.paused and ours.number in behind and is_far:
                consumer.pause([here])
                ours.paused, ours.at_end_since = True, None
            elif ours.paused and ahead <= skew / 2:
                # What was fetched and not taken is gone from the client: it starts again from here.
                consumer.seek(here)
                consumer.resume([here])
                ours.paused = False
