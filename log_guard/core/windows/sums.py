"""Sums of panes: of a window, of the whole stream, of windows that late events have changed."""

from __future__ import annotations

import polars as pl

from log_guard.core.windows.spec import WHOLE, WindowSpec


def sums_ending(panes: pl.DataFrame, start: int, upto: int, spec: WindowSpec) -> pl.DataFrame:
    """Sums of the windows that end in (start, upto] (µs)."""
    relevant = panes.lazy().filter(
        pl.col("pane").is_between(start - spec.window, upto, closed="left")
    )
    return (
        window_sums(relevant, spec)
        .filter(pl.col("end").is_between(start, upto, closed="right"))
        .collect()
    )


def revised_sums(
    panes: pl.DataFrame, touched: pl.DataFrame, closed: int, several_from: int, spec: WindowSpec
) -> pl.DataFrame:
    """Sums of the windows that hold a touched (pane, group) and end at ``closed`` (µs) or before."""
    ends = (
        in_windows(touched.lazy(), spec)
        .filter(pl.col("end") <= closed)
        .select("end", "group")
        .unique()
    )
    oldest = int(touched["pane"].to_numpy().min()) - spec.window
    relevant = panes.lazy().filter(pl.col("pane").is_between(oldest, closed, closed="left"))
    sums = window_sums(relevant, spec).join(ends, on=["end", "group"], how="semi")
    stream = window_sums(relevant, spec).join(ends.select("end").unique(), on="end", how="semi")
    return pl.concat([sums, stream_sums(stream, several_from)]).collect()


def in_windows(panes: pl.LazyFrame, spec: WindowSpec) -> pl.LazyFrame:
    """Give each pane row the ends of all windows that hold it."""
    offsets = pl.LazyFrame({"offset": [k * spec.slide for k in range(1, spec.panes + 1)]})
    return panes.join(offsets, how="cross").with_columns(
        (pl.col("pane") + pl.col("offset")).alias("end")
    )


def window_sums(panes: pl.LazyFrame, spec: WindowSpec) -> pl.LazyFrame:
    """Add up the panes of each window: ``end``, ``group``, ``level``, ``template``, ``count``."""
    entry = ["end", "group", "level", "template"]
    return in_windows(panes, spec).group_by(entry).agg(pl.col("count").sum())


def stream_sums(sums: pl.LazyFrame, several_from: int) -> pl.LazyFrame:
    """Add up the groups: sums of the whole stream, of the windows that have several groups.

    several_from:  windows that end after this (µs) have several, even where only one logged.
    """
    several = (pl.col("end") > several_from) | (pl.col("groups") > 1)
    ends = sums.group_by("end").agg(pl.col("group").n_unique().alias("groups"))
    return (
        sums.join(ends.filter(several), on="end", how="semi")
        .group_by("end", "level", "template")
        .agg(pl.col("count").sum())
        .select("end", pl.lit(WHOLE, dtype=pl.Int64).alias("group"), "level", "template", "count")
    )
