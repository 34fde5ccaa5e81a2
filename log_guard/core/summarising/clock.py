"""The clock of one input partition: what is on time, what is late, what is out of this world.

Everything is judged event by event from the partition's own order, never from arrival time or from
how the stream was cut into batches, so a replay judges the same.

* The **watermark** is the highest event time so far minus ``lateness``.
* An event is **late** if the watermark had passed the end of its pane: its windows get a revision.
* It is **too late**, and kept out, if it is more than ``max_lateness`` below the highest time.
* A **jump** of more than ``max_jump`` is believed only if the next event confirms it. A log that
  pauses over a weekend goes on; one line from the year 2099 does not close every window there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from log_guard.core.events import SECOND


@dataclass(frozen=True, slots=True)
class TimeRules:
    """How time is judged, microseconds."""

    slide: int = 5 * SECOND
    lateness: int = 2 * SECOND
    max_lateness: int = 600 * SECOND
    max_jump: int | None = 86_400 * SECOND
    """None: every event is believed at once, for something else has looked at its time."""
    max_unconfirmed: int = 366 * 86_400 * SECOND
    """How far ahead the very last event may be, which no other event can confirm."""


@dataclass(frozen=True)
class Judged:
    """A batch of events after judgement.

    events:    those to summarise, with a Boolean column ``late``.
    too_late:  how many were kept out.
    unreal:    events ahead of all others (a frame like the input); they go to the dead letters.
    """

    events: pl.DataFrame
    too_late: int
    unreal: pl.DataFrame


class PartitionClock:
    """State of one partition: at most one event awaiting confirmation, and its highest event time.

    high:  that time so far, µs; may be set where it is known from before. None before the first event.
    """

    def __init__(self, rules: TimeRules) -> None:
        self.rules = rules
        self.high: int | None = None
        self._held: pl.DataFrame | None = None

    @property
    def watermark(self) -> int | None:
        """Event time below which everything is taken to have come, or None before the first event."""
        return None if self.high is None else self.high - self.rules.lateness

    @property
    def holds(self) -> bool:
        """Whether an event awaits confirmation; it is judged before those that come next."""
        return self._held is not None

    def judge(
        self,
        events: pl.DataFrame,
        hold: Callable[[pl.DataFrame], pl.DataFrame] = lambda event: event,
    ) -> Judged:
        """Judge the next events of this partition (``EVENT_SCHEMA``), in their order.

        hold:  makes of an event of this table one that can be kept until others come.
        """
        if self._held is not None:
            events = pl.concat([self._held, events])
            self._held = None
        if events.is_empty():
            return _on_time(events, events)
        times = events["time"].to_numpy()
        outside = events[:0]
        if self._may_jump(times):
            keep, unreal, held = self._follow_jumps(times.tolist())
            self._held = hold(events[-1:]) if held else None
            outside = events[unreal]
            if not keep:
                return _on_time(events[:0], outside)
            if len(keep) < len(times):
                events, times = events[keep], times[keep]
        before = self._high_before(times)
        self.high = int(max(before[-1], times[-1]))
        too_late = times < before - self.rules.max_lateness
        slide = self.rules.slide
        late = (times - times % slide + slide) <= before - self.rules.lateness
        judged = events.with_columns(pl.Series("late", late))
        count = int(too_late.sum())
        if count:
            judged = judged.filter(pl.Series(~too_late))
        return Judged(judged, count, outside)

    def finish(self) -> Judged | None:
        """Decide on the event that still awaits confirmation; call once, at the end of the source."""
        held, self._held = self._held, None
        if held is None:
            return None
        time = int(held["time"][0])
        if self.high is not None and time - self.high > self.rules.max_unconfirmed:
            return _on_time(held[:0], held)
        self.high = time if self.high is None else max(self.high, time)
        return _on_time(held, held[:0])

    def _high_before(self, times: np.ndarray) -> np.ndarray:
        """Highest event time before each of these events, (n,) both; of the first of all, its own."""
        high = int(times[0]) if self.high is None else self.high
        return np.maximum.accumulate(np.concatenate([[high], times[:-1]]))

    def _may_jump(self, times: np.ndarray) -> bool:
        """Whether these events have to be looked at one by one."""
        jump = self.rules.max_jump
        if jump is None:
            return False
        # The first event of all is believed if the next one does not lie far before it.
        if self.high is None and (len(times) == 1 or times[1] < times[0] - jump):
            return True
        return bool((times - self._high_before(times) > jump).any())

    def _follow_jumps(self, times: list[int]) -> tuple[list[int], list[int], bool]:
        """Event by event: indexes to keep, indexes that are unreal, and whether the last is held."""
        keep: list[int] = []
        unreal: list[int] = []
        high, jump = self.high, self.rules.max_jump
        assert jump is not None
        for i, time in enumerate(times):
            if high is None or time - high > jump:
                if i + 1 == len(times):
                    return keep, unreal, True
                if times[i + 1] < time - jump:
                    unreal.append(i)
                    continue
            high = time if high is None else max(high, time)
            keep.append(i)
        return keep, unreal, False


def _on_time(events: pl.DataFrame, unreal: pl.DataFrame) -> Judged:
    return Judged(events.with_columns(pl.lit(False).alias("late")), 0, unreal)
