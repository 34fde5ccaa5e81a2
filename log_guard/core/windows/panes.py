"""Panes as rows: counts as integers, each with one sample."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.windows.spec import WHOLE

PANE_SCHEMA: dict[str, pl.DataType] = {
    "pane": pl.Int64(),
    "group": pl.Int64(),
    "level": pl.UInt8(),
    "template": pl.Int64(),
    "late": pl.Boolean(),
    "count": pl.Int64(),
}

SAMPLE_SCHEMA: dict[str, pl.DataType] = {
    "sample_hash": pl.UInt64(),
    "source": pl.UInt32(),
    "position": pl.UInt64(),
    "sample": pl.String(),
}

NO_SAMPLE: dict[str, pl.Expr] = {
    name: pl.lit("" if kind == pl.String() else 0, dtype=kind)
    for name, kind in SAMPLE_SCHEMA.items()
}
"""The columns of samples, for rows of history: it keeps no raw lines."""


def first_panes(panes: pl.DataFrame) -> dict[int, int]:
    """Group → its first pane, µs."""
    return dict(panes.group_by("group").agg(pl.col("pane").min()).iter_rows())


def with_templates(panes: pl.DataFrame, mapping: np.ndarray) -> pl.DataFrame:
    """Pane rows under other template ids; ``mapping``: old id → new id."""
    return panes.with_columns(pl.Series("template", mapping[panes["template"].to_numpy()]))


def merged(panes: pl.DataFrame) -> pl.DataFrame:
    """Add up equal pane rows, each with the one sample of smallest hash."""
    rank = list(SAMPLE_SCHEMA)
    return (
        panes.sort(rank)
        .group_by("pane", "group", "level", "template", "late")
        .agg(pl.col("count").sum(), *(pl.col(name).first() for name in rank))
        .select([*PANE_SCHEMA, *SAMPLE_SCHEMA])
    )


def on_time(panes: pl.DataFrame, start: int, end: int) -> pl.DataFrame:
    """Rows with ``start <= pane < end`` (µs) of events that came on time."""
    return panes.filter(pl.col("pane").is_between(start, end, closed="left") & ~pl.col("late"))


def window_samples(panes: pl.DataFrame, group: int) -> pl.DataFrame:
    """Samples of a group: ``pane``, ``level``, ``template``, ``count``, ``source``, ``position``, ``sample``.

    panes:  those of a window, by group.
    """
    if group != WHOLE:
        first, last = (
            panes["group"].search_sorted(group),
            panes["group"].search_sorted(group, "right"),
        )
        panes = panes.slice(first, last - first)
    key = ["pane", "group", "level", "template", "late"]
    kept = (
        panes.with_columns(pl.col("count").sum().over(key))
        .sort("sample_hash", "source", "position")
        .unique(key, keep="first", maintain_order=True)
    )
    return kept.select("pane", "level", "template", "count", "source", "position", "sample")
