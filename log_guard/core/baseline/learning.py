"""Pane rows of a span of event time → what it teaches, as sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import FAR, SPELL, Baseline
from log_guard.core.baseline.keys import ALL_LEVELS, TROUBLED, key_codes
from log_guard.core.baseline.table import Table
from log_guard.core.statements import Templates
from log_guard.core.windows import WHOLE
from log_guard.core.windows.panes import first_panes


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
    first = {**first_panes(panes), **since}
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
    """Rows of each level, of all levels and of talk of trouble, as :func:`volume_codes` numbers them."""
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
