"""The rows against the events themselves: ``log-events`` is read again and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Message

from log_guard.app.audit.findings import MISSING, WRONG, Finding
from log_guard.app.audit.rows import Key
from log_guard.app.roles.messages import raw_batch
from log_guard.app.times import microseconds
from log_guard.core.intake import Intake
from log_guard.core.results import iso
from log_guard.core.windows import WHOLE_STREAM


@dataclass
class Recount:
    """Events by pane and service, counted from the messages with a fresh clock for each partition.

    new_intake:  makes the intake of a partition, with the settings that the summariser has.
    """

    new_intake: Callable[[int], Intake]
    slide: int
    events: int = 0
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    _intakes: dict[int, Intake] = field(default_factory=dict)

    def add(self, messages: Sequence[Message]) -> None:
        """Count messages, of each partition in their order."""
        by_partition: dict[int, list[Message]] = {}
        for message in messages:
            by_partition.setdefault(message.partition() or 0, []).append(message)
        for partition, mine in by_partition.items():
            if partition not in self._intakes:
                self._intakes[partition] = self.new_intake(partition)
            batch, appended, _ = raw_batch(mine, partition)
            taken = self._intakes[partition].take(batch, appended)
            self.events += taken.consumed
            for pane, group, count in taken.summary.select("pane", "group", "count").iter_rows():
                self.counts[pane, group] += count

    def check(
        self, rows: Mapping[Key, Mapping[str, Any]], window: int, given_up: int
    ) -> Iterator[Finding]:
        """Findings on the final rows: each count must be that of the events in its window.

        given_up:  events that came for panes that could be revised no more; a row may lack so many.
        """
        by_pane: dict[int, Counter[str]] = {}
        for (pane, group), count in self.counts.items():
            by_pane.setdefault(pane, Counter())[group] += count
        shown: set[tuple[int, str]] = set()
        last = 0
        for (start, service), row in sorted(rows.items()):
            begin = microseconds(start)
            panes = [by_pane.get(p) for p in range(begin, begin + window, self.slide)]
            whole = service == WHOLE_STREAM
            events = sum(c.total() if whole else c[service] for c in panes if c is not None)
            if row["final"]:
                shown.add((begin, service))
                last = max(last, begin)
            missed = events - row["log_count"]
            if row["final"] and missed and not 0 < missed <= given_up:
                why = f"log_count {row['log_count']:g}, but {events} events are in log-events"
                yield Finding(WRONG, f"anomaly_results {start} {service}", why)
        first = min((begin for begin, _ in shown), default=0)
        for pane, group in sorted(self.counts):
            # The window that begins with the pane; before the first and after the last there is none.
            if first <= pane <= last and (pane, group) not in shown:
                where = f"anomaly_results {iso(pane)} {group}"
                yield Finding(MISSING, where, f"{self.counts[pane, group]} events, but no row")
