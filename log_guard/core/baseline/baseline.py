"""What is usual: for each (group, level, template), how often it occurs and in what numbers.

A baseline is a pure sum over history, so baselines add like summaries do: folds of a history, days
and machines are learnt apart and merged. It is immutable; learning gives a new one.

Two questions are asked of it:

* *presence*: in which share of the spells (2 minutes) that the group was watched did the key, or the
  statement behind it, occur? A burst counts once a spell, so an incident in the history does not make
  its own lines usual.
* *count*: mean and spread of its number in a window (tumbling windows, zeros included).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from log_guard.core.events import SECOND
from log_guard.core.statements import Templates
from log_guard.core.windows import WHOLE

SPELL = 120 * SECOND
"""How finely presence is told: longer spells forgive an incident of the history more, shorter ones
know more of a short history."""
EPOCH = 600 * SECOND
"""A running detector learns in steps of so much event time: within one, all are judged alike."""

_TEMPLATE_BITS = 32
_LEVEL_BITS = 4


def key_codes(groups: np.ndarray, levels: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Pack (group, level, template) ids into one int64 each."""
    high = groups.astype(np.int64) << (_TEMPLATE_BITS + _LEVEL_BITS)
    return high | (levels.astype(np.int64) << _TEMPLATE_BITS) | templates.astype(np.int64)


def code_groups(codes: np.ndarray) -> np.ndarray:
    """Group ids of packed codes."""
    return codes >> (_TEMPLATE_BITS + _LEVEL_BITS)


def code_levels(codes: np.ndarray) -> np.ndarray:
    """Levels of packed codes."""
    return (codes >> _TEMPLATE_BITS) & ((1 << _LEVEL_BITS) - 1)


def code_templates(codes: np.ndarray) -> np.ndarray:
    """Template ids of packed codes."""
    return codes & ((1 << _TEMPLATE_BITS) - 1)


@dataclass(frozen=True)
class Table:
    """Sorted int64 ids and, for each, a row of sums and one of maxima; tables add.

    ids:   (n,)
    sums:  (n, k) float64 holding multiples of 2**-20, so that adding is exact
    peaks: (n, p) float64 of 0 or more, merged by the larger
    """

    ids: np.ndarray
    sums: np.ndarray
    peaks: np.ndarray

    @staticmethod
    def empty(sums: int, peaks: int = 0) -> Table:
        return Table(np.empty(0, dtype=np.int64), np.empty((0, sums)), np.empty((0, peaks)))

    @staticmethod
    def of(ids: np.ndarray, sums: np.ndarray, peaks: np.ndarray | None = None) -> Table:
        """Merge the rows of equal ids."""
        unique, inverse = np.unique(ids, return_inverse=True)
        out = np.zeros((len(unique), sums.shape[1]))
        np.add.at(out, inverse, sums)
        peaks = np.empty((len(ids), 0)) if peaks is None else peaks
        highest = np.zeros((len(unique), peaks.shape[1]))
        np.maximum.at(highest, inverse, peaks)
        return Table(unique, out, highest)

    def __add__(self, other: Table) -> Table:
        return Table.of(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.sums, other.sums]),
            np.concatenate([self.peaks, other.peaks]),
        )

    def take(self, rows: np.ndarray) -> Table:
        """Return the rows of these indexes, which ascend."""
        return Table(self.ids[rows], self.sums[rows], self.peaks[rows])

    def look_up(self, ids: np.ndarray) -> np.ndarray:
        """Sums of these ids, (len(ids), k); zeros where unknown."""
        return self._found(ids, self.sums)

    def look_up_peaks(self, ids: np.ndarray) -> np.ndarray:
        """Maxima of these ids, (len(ids), p); zeros where unknown."""
        return self._found(ids, self.peaks)

    def _found(self, ids: np.ndarray, values: np.ndarray) -> np.ndarray:
        out = np.zeros((len(ids), *values.shape[1:]))
        if len(self.ids):
            at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
            hit = self.ids[at] == ids
            out[hit] = values[at[hit]]
        return out


SPELLS, COUNT, SQUARES, WINDOWS = range(4)
STATEMENT_SPELLS, STATEMENT_WINDOWS = range(2)
TRACE, LAST, AGE = range(3)
_FAR = 1 << 40
"""Beyond every number of a spell: what is earlier is further from it, so that maxima keep the first."""


STEADY = 0.2
"""A template's own count is judged if it occurs in at least this share of the group's windows."""


@dataclass(frozen=True)
class Baseline:
    """Sums over history.

    keys:        (group, level, template) code → spells with it, sum and sum of squares of its count
                 a tumbling window, windows with it.
    statements:  (group, level, statement) code → spells, windows with it; as its peaks, the largest
                 hash of a spell with it (its **trace**), the last spell with it, and how far the
                 first one lies before a point beyond all time. Statements that come together in history share their
                 trace, with a probability that is the Jaccard index of their spells (Broder, On the
                 resemblance and containment of documents, 1997).
    volumes:     (group, level) code with template 0; level 15 stands for all levels together, 14 for
                 events that speak of trouble → the same four sums as for keys.
    groups:      group → spells watched, windows watched (since the group was first seen).
    """

    keys: Table
    statements: Table
    volumes: Table
    groups: Table

    @staticmethod
    def empty() -> Baseline:
        return Baseline(Table.empty(4), Table.empty(2, 3), Table.empty(4), Table.empty(2))

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
        watched = self.groups.look_up(code_groups(self.keys.ids))[:, 1]
        often = self.keys.sums[:, WINDOWS] >= STEADY * np.maximum(watched, 1.0)
        return np.asarray(self.keys.ids[often])

    def bounded(self, most: int) -> tuple[Baseline, int]:
        """Keep the ``most`` keys, and statements, seen in most spells; also return how many keys went."""
        excess = max(len(self.keys.ids) - most, 0)
        keys, statements = self.keys, self.statements
        if excess:
            keys = _most_seen(keys, (-keys.sums[:, COUNT], -keys.sums[:, SPELLS]), most)
        if len(statements.ids) > most:
            statements = _most_seen(statements, (-statements.sums[:, STATEMENT_SPELLS],), most)
        return Baseline(keys, statements, self.volumes, self.groups), excess


def _most_seen(table: Table, order: tuple[np.ndarray, ...], most: int) -> Table:
    """Rows that come first in this order (the last array leads), ties by id."""
    return table.take(np.sort(np.lexsort((table.ids, *order))[:most]))


ALL_LEVELS = 15
TROUBLED = 14
"""Takes the place of a level: the events whose words speak of trouble, whatever their level."""


def learn(
    panes: pl.DataFrame,
    templates: Templates,
    start: int,
    end: int,
    window: int,
    since: Mapping[int, int],
    whole: bool = True,
) -> Baseline:
    """Baseline of one span of event time, ``[start, end)`` in µs, from its pane rows.

    panes:  frame of ``pane``, ``group``, ``level``, ``template``, ``count`` (``PANE_SCHEMA``).
    templates:  the table of their template ids.
    since:  when each known group was first seen, µs; others are watched from their first pane here.
    whole:  also learn the whole stream (group 0).
    """
    panes = panes.select("pane", "group", "level", "template", "count")
    if whole and not panes.is_empty():
        panes = pl.concat([panes, panes.with_columns(pl.lit(WHOLE, dtype=pl.Int64).alias("group"))])
    first = dict(since)
    for group, pane in panes.group_by("group").agg(pl.col("pane").min()).iter_rows():
        first.setdefault(group, pane)
    ids = np.array(sorted(first), dtype=np.int64)
    watched = np.array([max(end - max(first[g], start), 0) for g in ids.tolist()], dtype=float)
    groups = Table.of(ids, np.column_stack([np.ceil(watched / SPELL), np.ceil(watched / window)]))
    if panes.is_empty():
        return replace(Baseline.empty(), groups=groups)
    ids = panes["template"].to_numpy()
    said = panes.with_columns(pl.Series("template", templates.statements(ids)))
    troubled = panes.filter(pl.Series(templates.troubled(ids)))
    return Baseline(
        keys=_sums(panes, window),
        statements=_presence(said, window),
        volumes=_sums(_by_level(panes, troubled), window),
        groups=groups,
    )


def _by_level(panes: pl.DataFrame, troubled: pl.DataFrame) -> pl.DataFrame:
    zero = pl.lit(0, dtype=pl.Int64).alias("template")

    def under(level: int) -> pl.Expr:
        return pl.lit(level, dtype=pl.UInt8).alias("level")

    every = panes.with_columns(zero, under(ALL_LEVELS))
    return pl.concat(
        [panes.with_columns(zero), every, troubled.with_columns(zero, under(TROUBLED))]
    )


_KEY = ["group", "level", "template"]


def _sums(panes: pl.DataFrame, window: int) -> Table:
    """Spells, count, squares and windows by key."""
    windows = (
        panes.lazy()
        .with_columns((pl.col("pane") // window).alias("window"))
        .group_by(*_KEY, "window")
        .agg(pl.col("count").sum())
    )
    counts = windows.group_by(_KEY).agg(
        pl.col("count").sum(),
        (pl.col("count") * pl.col("count")).sum().alias("squares"),
        pl.len().alias("windows"),
    )
    spells = (
        panes.lazy()
        .with_columns((pl.col("pane") // SPELL).alias("spell"))
        .group_by(_KEY)
        .agg(pl.col("spell").n_unique().alias("spells"))
    )
    both = counts.join(spells, on=_KEY).collect()
    sums = both.select("spells", "count", "squares", "windows").to_numpy().astype(float)
    return Table.of(key_codes(*(both[name].to_numpy() for name in _KEY)), sums)


def _presence(panes: pl.DataFrame, window: int) -> Table:
    """Spells and windows by key, its trace, and when it was first and last there."""
    spells = panes["pane"].to_numpy() // SPELL
    found = (
        panes.lazy()
        .select(
            *_KEY,
            pl.Series("spell", spells),
            pl.Series("hash", spell_hashes(spells)),
            (pl.col("pane") // window).alias("window"),
        )
        .group_by(_KEY)
        .agg(
            pl.col("spell").n_unique(),
            pl.col("window").n_unique(),
            pl.col("hash").max(),
            pl.col("spell").max().alias("last"),
            (_FAR - pl.col("spell").min()).alias("age"),
        )
        .collect()
    )
    codes = key_codes(*(found[name].to_numpy() for name in _KEY))
    sums = found.select("spell", "window").to_numpy().astype(float)
    return Table.of(codes, sums, found.select("hash", "last", "age").to_numpy().astype(float))


def known_for(peaks: np.ndarray) -> np.ndarray:
    """Spells from the first to the last time that a statement was made, (n,), from its peaks, (n, 3)."""
    return np.where(peaks[:, AGE] > 0, peaks[:, LAST] + peaks[:, AGE] - _FAR, 0.0)


def there_for(peaks: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Spells that a statement has been known for at spell ``now``, (n,), from its peaks, (n, 3); 0: not at all."""
    first = _FAR - peaks[:, AGE]
    span = np.maximum(peaks[:, LAST], now) - np.minimum(first, now) + 1.0
    return np.where(peaks[:, AGE] > 0, span, 0.0)


def spell_hashes(spells: np.ndarray) -> np.ndarray:
    """Fibonacci hash of spells, 53 bits, so that a float64 holds it exactly."""
    with np.errstate(over="ignore"):
        mixed = spells.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64))
