"""What is published: rows of windows, and what each of them holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from log_guard.core.windows.recent import RecentWindows


@dataclass(frozen=True)
class WindowBatch:
    """Closed (or still open) windows of all groups.

    rows:     frame, a row a window and group, sorted by (end, group): ``end`` (µs), ``group`` (id),
              ``late`` (a revision), ``whole`` (the stream was watched for all of the window),
              ``silent`` (of an empty window: for how long the group has been so, in windows; else 0).
    entries:  frame, a row a (window, level, template) that occurred: ``row`` (index into rows),
              ``level``, ``template`` (id), ``count``.
    final:    False for an early look at windows that are still open.
    recent:   the tumbling windows before.
    """

    rows: pl.DataFrame
    entries: pl.DataFrame
    final: bool = True
    recent: RecentWindows = field(default_factory=RecentWindows.none)

    def only(self, chosen: np.ndarray) -> WindowBatch:
        """Return the windows where the mask over the rows, (n,), is true."""
        index = np.cumsum(chosen) - 1
        row = self.entries["row"].to_numpy()
        entries = self.entries.with_columns(pl.Series("row", index[row])).filter(
            pl.Series(chosen[row])
        )
        return replace(self, rows=self.rows.filter(pl.Series(chosen)), entries=entries)


def batch_of(
    entries: pl.DataFrame,
    revised: pl.DataFrame | None,
    silent: pl.DataFrame | None,
    full_from: int,
    final: bool,
    recent: RecentWindows,
) -> WindowBatch | None:
    """Put windows together; None if there are none.

    entries, revised:  sums (``end``, ``group``, ``level``, ``template``, ``count``) of the windows
                       that are new, and of those that late events have changed.
    silent:            (``end``, ``group``, ``silent``) of windows without an event on time.
    full_from:         windows that end here (µs) or later were watched for all of their length.
    """
    entries = entries.with_columns(pl.lit(False).alias("late"))
    if revised is not None and not revised.is_empty():
        entries = pl.concat([entries, revised.with_columns(pl.lit(True).alias("late"))])
    rows = entries.select("end", "group", "late").unique()
    rows = rows.with_columns(pl.lit(0.0).alias("silent"))
    if silent is not None:
        empty = silent.join(rows, on=["end", "group"], how="anti")  # but for late events
        empty = empty.with_columns(pl.lit(False).alias("late")).select(rows.columns)
        rows = pl.concat([rows, empty])
    if rows.is_empty():
        return None
    rows = (
        rows.sort("end", "group", "late")
        .with_columns((pl.col("end") >= full_from).alias("whole"))
        .with_row_index("row")
        .with_columns(pl.col("row").cast(pl.Int64))
    )
    entries = entries.join(rows.select("row", "end", "group", "late"), on=["end", "group", "late"])
    entries = entries.select("row", "level", "template", "count").sort("row", "level", "template")
    return WindowBatch(rows.drop("row"), entries, final, recent)
