"""The rows against the events themselves: ``log-events`` is read again and counted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import polars as pl
from confluent_kafka import Message

from log_guard.adapters.scratch import Scratch
from log_guard.app.audit.comparing import ByTime
from log_guard.app.audit.findings import IN_FLIGHT, MISSING, WRONG, Finding
from log_guard.app.audit.rows import where_of
from log_guard.app.roles.messages import raw_batch
from log_guard.core.summarising.intake import Intake
from log_guard.core.windows import WHOLE_STREAM

NEVER = 1 << 62


@dataclass(frozen=True)
class Known:
    """What was known of the rows when they were asked for.

    revision:  up to which the events were counted; a newer row holds others as well.
    given_up:  events that came for panes that could be revised no more; a row may lack so many.
    final:     starts (µs) of the first and of the last final row, some time before.
    written:   whether all rows up to that revision had been written; else what is lacking is on its way.
    """

    revision: int
    given_up: int
    final: tuple[int, int] | None
    written: bool


class Recount:
    """Events by pane and service, counted from the messages with a fresh clock for each partition.

    new_intake:  makes the intake of a partition, with the settings that the summariser has.
    gone:        partitions whose first events are deleted.
    ahead:       µs that an event's time may be ahead of when it was appended.
    """

    def __init__(
        self,
        new_intake: Callable[[int], Intake],
        slide: int,
        gone: Set[int] = frozenset(),
        ahead: int = 0,
    ) -> None:
        self._begun: dict[int, int | None] = dict.fromkeys(gone)
        self._ahead = ahead
        self.slide = slide
        self.events = 0
        self.compared = 0  # rows
        self._new_intake = new_intake
        self._intakes: dict[int, Intake] = {}
        self._counts = Scratch(("events",), "events = kept.events + excluded.events")

    def close(self) -> None:
        self._counts.close()

    @property
    def complete_from(self) -> int:
        """Event time (µs) from which on no event is deleted; 0 where none is.

        What is deleted was appended before what is there, and is no more than so much ahead of that.
        """
        begun = [NEVER if at is None else at + self._ahead for at in self._begun.values()]
        return max(begun, default=0)

    def add(self, messages: Sequence[Message]) -> None:
        """Count messages, of each partition in their order."""
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            by_partition.setdefault(message.partition() or 0, []).append(message)
        for partition, mine in by_partition.items():
            if partition not in self._intakes:
                self._intakes[partition] = self._new_intake(partition)
            if partition in self._begun and self._begun[partition] is None:
                self._begun[partition] = mine[0].timestamp()[1] * 1000
            batch, appended, _ = raw_batch(mine, partition)
            taken = self._intakes[partition].take(batch, appended)
            self.events += taken.consumed
            counts = taken.summary.group_by("pane", "group").agg(pl.col("count").sum())
            self._counts.add(counts.iter_rows())

    def check(self, stored: ByTime, window: int, known: Known) -> Iterator[Finding]:
        """Findings on the final rows: each count must be that of the events in its window."""
        first, last = known.final or (1, 0)
        complete_from = self.complete_from
        for start, panes, rows in self._windows(stored, window):
            if start < complete_from:
                continue
            for service, row in sorted(rows.items()):
                whole = service == WHOLE_STREAM
                events = sum(p.total() if whole else p[service] for p in panes)
                missed = events - row["log_count"]
                counted = row["final"] and row["revision"] <= known.revision
                self.compared += counted
                if counted and missed and not 0 < missed <= known.given_up:
                    why = f"log_count {row['log_count']:g}, but {events} events are in log-events"
                    what = IN_FLIGHT if missed > 0 and not known.written else WRONG
                    yield Finding(what, where_of(start, service), why)
            if first <= start <= last and panes and panes[0]:
                # The window that begins with the pane; before the first and after the last is none.
                for service, events in sorted(panes[0].items()):
                    if service not in rows or not rows[service]["final"]:
                        what = MISSING if known.written else IN_FLIGHT
                        yield Finding(
                            what, where_of(start, service), f"{events} events, but no row"
                        )

    def _windows(
        self, stored: ByTime, window: int
    ) -> Iterator[tuple[int, list[Counter[str]], Mapping[str, Mapping[str, Any]]]]:
        """Start, counts of each of its panes and rows of all windows that have events or rows."""
        counted = self._counts.by_time()
        ahead: deque[tuple[int, Counter[str]]] = deque()  # panes that a window to come may hold
        pane, row = next(counted, None), next(stored, None)
        while pane is not None or row is not None or ahead:
            starts = [x[0] for x in (row, ahead[0] if ahead else pane) if x is not None]
            start = min(starts)
            while pane is not None and pane[0] < start + window:
                ahead.append((pane[0], Counter({s: c["events"] for s, c in pane[1].items()})))
                pane = next(counted, None)
            rows: Mapping[str, Mapping[str, Any]] = {}
            if row is not None and row[0] == start:
                rows, row = row[1], next(stored, None)
            own = ahead[0][0] == start if ahead else False
            yield start, [*([] if own else [Counter()]), *(c for _, c in ahead)], rows
            if own:
                ahead.popleft()
