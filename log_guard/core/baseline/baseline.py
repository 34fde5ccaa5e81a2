"""What is usual: for each (group, level, template), how often it occurs and in what numbers.

A baseline is a pure sum over history, so baselines add like summaries do: folds of a history, days
and machines are learnt apart and merged. It is immutable; learning gives a new one.

Three questions are asked of it:

* *presence*: in which share of the spells (2 minutes) that the group was watched did the key, or the
  statement behind it, occur? A burst counts once a spell, so an incident in the history does not make
  its own lines usual.
* *count*: mean and spread of its number in a window (tumbling windows, zeros included).
* *stretch*: the same of the sum of ten windows, which tells how load wanders in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from log_guard.core.baseline.columns import (
    AGE,
    COUNT,
    GAPS,
    LAST,
    LENGTHS,
    SPELLS,
    STATEMENT_SPELLS,
    WATCHED_WINDOWS,
    WINDOWS,
)
from log_guard.core.baseline.keys import code_groups, without_groups
from log_guard.core.baseline.stretches import UsualStretches
from log_guard.core.baseline.table import Table
from log_guard.core.events import SECOND
from log_guard.core.windows import WHOLE

SPELL = 120 * SECOND
"""How finely presence is told: longer spells forgive an incident of the history more, shorter ones
know more of a short history."""
EPOCH = 600 * SECOND
"""A running detector learns in steps of so much event time: within one, all are judged alike."""

FAR = 1 << 40
"""Beyond every number of a spell: what is earlier is further from it, so that maxima keep the first."""
STEADY = 0.2
"""A template's own count is judged if it occurs in at least this share of the group's windows."""


@dataclass(frozen=True)
class Baseline:
    """Sums over history.

    keys:        (group, level, template) code → spells with it, sum and sum of squares of its count
                 a tumbling window, windows with it; the same two sums of whole stretches, and those with it.
    statements:  (group, level, statement) code → spells, windows with it; as its peaks, the largest
                 hash of a spell with it (its **trace**), the last spell with it, and how far the
                 first one lies before a point beyond all time. Statements that come together in
                 history share their trace, with a probability that is the Jaccard index of their
                 spells (Broder, On the resemblance and containment of documents, 1997).
    volumes:     code of a volume → the same sums as for keys.
    groups:      group → spells, windows and whole stretches watched (since the group was first seen); how many of its
                 gaps were at least so long (``gaps.py``).
    """

    keys: Table
    statements: Table
    volumes: Table
    groups: Table

    @staticmethod
    def empty() -> Baseline:
        return Baseline(
            Table.empty(7), Table.empty(2, 3), Table.empty(7), Table.empty(GAPS + LENGTHS)
        )

    def __add__(self, other: Baseline) -> Baseline:
        return Baseline(
            self.keys + other.keys,
            self.statements + other.statements,
            self.volumes + other.volumes,
            self.groups + other.groups,
        )

    @cached_property
    def steady(self) -> np.ndarray:
        """Codes of the keys that occur in at least :data:`STEADY` of their group's windows, sorted."""
        watched = self.groups.look_up(code_groups(self.keys.ids))[:, WATCHED_WINDOWS]
        often = self.keys.sums[:, WINDOWS] >= STEADY * np.maximum(watched, 1.0)
        return np.asarray(self.keys.ids[often])

    @cached_property
    def numbers(self) -> Table:
        """Group → the sums of all its keys: in what numbers its lines come, in windows that have them."""
        return Table.of(code_groups(self.keys.ids), self.keys.sums)

    @cached_property
    def spread(self) -> Table:
        """(level, statement) code → how many groups make the statement, the whole stream not counted."""
        ids = self.statements.ids[code_groups(self.statements.ids) != WHOLE]
        return Table.of(without_groups(ids), np.ones((len(ids), 1)))

    @cached_property
    def key_stretches(self) -> UsualStretches:
        """What is usual of keys in a stretch."""
        return UsualStretches.of(self.keys, self.groups)

    @cached_property
    def volume_stretches(self) -> UsualStretches:
        """The same of volumes."""
        return UsualStretches.of(self.volumes, self.groups)

    def bounded(self, most: int) -> tuple[Baseline, int]:
        """Keep the ``most`` keys, and statements, seen in most spells; also return how many keys went."""
        excess = max(len(self.keys.ids) - most, 0)
        keys, statements = self.keys, self.statements
        if excess:
            keys = _most_seen(keys, (-keys.sums[:, COUNT], -keys.sums[:, SPELLS]), most)
        if len(statements.ids) > most:
            statements = _most_seen(statements, (-statements.sums[:, STATEMENT_SPELLS],), most)
        return Baseline(keys, statements, self.volumes, self.groups), excess


@dataclass(frozen=True)
class Known:
    """What windows are judged by: all that was learnt, and what of it the last hour taught."""

    baseline: Baseline
    lately: Baseline = field(default_factory=Baseline.empty)


def _most_seen(table: Table, order: tuple[np.ndarray, ...], most: int) -> Table:
    """Rows that come first in this order (the last array leads), ties by id."""
    return table.take(np.sort(np.lexsort((table.ids, *order))[:most]))


def known_for(peaks: np.ndarray) -> np.ndarray:
    """Spells from the first to the last time that a statement was made, (n,), from its peaks, (n, 3)."""
    return np.where(peaks[:, AGE] > 0, peaks[:, LAST] + peaks[:, AGE] - FAR, 0.0)


def there_for(peaks: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Spells that a statement has been known for at spell ``now``, (n,), from its peaks, (n, 3); 0: not at all."""
    first = FAR - peaks[:, AGE]
    span = np.maximum(peaks[:, LAST], now) - np.minimum(first, now) + 1.0
    return np.where(peaks[:, AGE] > 0, span, 0.0)
