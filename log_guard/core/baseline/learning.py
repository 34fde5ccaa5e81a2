"""Pane rows of a span of event time → what it teaches, as sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import FAR, SPELL, Baseline
from log_guard.core.baseline.believable import believed
from log_guard.core.baseline.gaps import gap_counts
from log_guard.core.baseline.keys import ALL_LEVELS, TROUBLED, key_codes
from log_guard.core.baseline.table import Table
from log_guard.core.events import Level
from log_guard.core.statements import Templates
from log_guard.core.windows import WHOLE
from log_guard.core.windows.panes import first_panes
from log_guard.core.windows.spec import LASTING


def learn(
    panes: pl.DataFrame,
    templates: Templates,
    start: int,
    end: int,
    window: int,
    since: Mapping[int, int],
    whole: bool = True,
    known: Baseline | None = None,
    heard: Mapping[int, int] | None = None,
) -> Baseline:
    """Baseline of one span of event time, ``[start, end)`` in µs, from its pane rows.

    panes:  frame of ``pane``, ``group``, ``level``, ``template``, ``count`` (``PANE_SCHEMA``).
    templates:  the table of their template ids.
    since:  when each known group was first seen, µs; others are watched from their first pane here.
    whole:  also learn the whole stream (group 0).
    known:  what was known before: counts of trouble, and gaps, are learnt as far as it believes them. None: as they are.
    heard:  last pane before ``start`` of each group that had one, µs: where it is not known no gap begins.
    """
    panes = panes.select("pane", "group", "level", "template", "count")
    panes = with_whole(panes, whole)
    first = {**first_panes(panes), **since}
    ids = np.array(sorted(first), dtype=np.int64)
    watched = np.array([max(end - max(first[g], start), 0) for g in ids.tolist()], dtype=float)
    begins = end - watched.astype(np.int64)
    stretches = np.maximum(end // (LASTING * window) - -(-begins // (LASTING * window)), 0)
    watched = np.column_stack([np.ceil(watched / SPELL), np.ceil(watched / window), stretches])
    before = {g: pane for g, pane in (heard or {}).items() if g in first}
    gaps = gap_counts(panes, ids, before, None if known is None else known.groups)
    groups = Table.of(ids, np.column_stack([watched, gaps]))
    whole_from = pl.DataFrame({"group": ids, "from": -(-begins // (LASTING * window))})
    if panes.is_empty():
        return replace(Baseline.empty(), groups=groups)
    ids = panes["template"].to_numpy()
    said = panes.with_columns(pl.Series("template", templates.statements(ids)))
    talk = pl.Series(templates.troubled(ids))
    keys = panes.with_columns(trouble=(pl.col("level") >= Level.ERROR) | talk)
    volumes = _by_level(panes, panes.filter(talk))
    span = whole_from, end // (LASTING * window)
    return Baseline(
        keys=_sums(keys, window, span, None if known is None else (known.keys, known.groups)),
        statements=_presence(said, window),
        volumes=_sums(
            volumes, window, span, None if known is None else (known.volumes, known.groups)
        ),
        groups=groups,
    )


def with_whole(panes: pl.DataFrame, whole: bool) -> pl.DataFrame:
    """Pane rows and, if asked for, the same as those of the whole stream."""
    if not whole or panes.is_empty():
        return panes
    return pl.concat([panes, panes.with_columns(pl.lit(WHOLE, dtype=pl.Int64).alias("group"))])


def _by_level(panes: pl.DataFrame, troubled: pl.DataFrame) -> pl.DataFrame:
    """Rows of each level, of all levels and of talk of trouble, as :func:`volume_codes` numbers them."""
    zero = pl.lit(0, dtype=pl.Int64).alias("template")

    def under(level: int) -> pl.Expr:
        return pl.lit(level, dtype=pl.UInt8).alias("level")

    each = panes.with_columns(zero, trouble=pl.col("level") >= Level.ERROR)
    every = panes.with_columns(zero, under(ALL_LEVELS), trouble=False)
    return pl.concat([each, every, troubled.with_columns(zero, under(TROUBLED), trouble=True)])


_KEY = ["group", "level", "template"]


def _sums(
    panes: pl.DataFrame,
    window: int,
    whole: tuple[pl.DataFrame, int],
    known: tuple[Table, Table] | None,
) -> Table:
    """Sums by key, as in :class:`Baseline`.

    whole:  frame of ``group`` and ``from``, the number of its first whole stretch, and the number after the last.
    known:  what was known before of these keys and of groups.
    """
    windows = (
        panes.lazy()
        .with_columns((pl.col("pane") // window).alias("window"))
        .group_by(*_KEY, "window")
        .agg(pl.col("count").sum(), pl.col("trouble").first())
        .collect()
    )
    if known is not None:
        at = np.flatnonzero(windows["trouble"].to_numpy())
        counts = windows["count"].to_numpy().astype(float)
        codes = key_codes(*(windows[name].to_numpy()[at] for name in _KEY))
        counts[at] = believed(codes, counts[at], *known)
        windows = windows.with_columns(count=pl.Series(counts))
    sums = (
        windows.lazy()
        .group_by(_KEY)
        .agg(
            pl.col("count").sum(),
            (pl.col("count") * pl.col("count")).sum().alias("squares"),
            pl.len().alias("windows"),
        )
    )
    spells = (
        panes.lazy()
        .with_columns((pl.col("pane") // SPELL).alias("spell"))
        .group_by(_KEY)
        .agg(pl.col("spell").n_unique().alias("spells"))
    )
    stretches = (
        windows.lazy()
        .with_columns(stretch=pl.col("window") // LASTING)
        .join(whole[0].lazy(), on="group")
        .filter(pl.col("stretch").is_between(pl.col("from"), whole[1], closed="left"))
        .group_by(*_KEY, "stretch")
        .agg(pl.col("count").sum())
        .group_by(_KEY)
        .agg(
            pl.col("count").sum().alias("long"),
            (pl.col("count") * pl.col("count")).sum().alias("long_squares"),
            pl.len().alias("stretches"),
        )
    )
    both = sums.join(spells, on=_KEY).join(stretches, on=_KEY, how="left").fill_null(0).collect()
    columns = "spells", "count", "squares", "windows", "long", "long_squares", "stretches"
    rows = both.select(columns).to_numpy().astype(float)
    return Table.of(key_codes(*(both[name].to_numpy() for name in _KEY)), rows)


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
            (FAR - pl.col("spell").min()).alias("age"),
        )
        .collect()
    )
    codes = key_codes(*(found[name].to_numpy() for name in _KEY))
    sums = found.select("spell", "window").to_numpy().astype(float)
    return Table.of(codes, sums, found.select("hash", "last", "age").to_numpy().astype(float))


def spell_hashes(spells: np.ndarray) -> np.ndarray:
    """Fibonacci hash of spells, 53 bits, so that a float64 holds it exactly."""
    with np.errstate(over="ignore"):
        mixed = spells.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64))
