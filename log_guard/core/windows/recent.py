"""The tumbling windows that have closed: what has lasted is told from several of them together.

By the events that came on time alone, so that what is published last does not depend on when a late one
arrived.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from log_guard.core.windows.panes import on_time
from log_guard.core.windows.spec import LASTING, WHOLE, WindowSpec

_SCHEMA: dict[str, pl.DataType] = {
    "end": pl.Int64(),
    "group": pl.Int64(),
    "level": pl.UInt8(),
    "template": pl.Int64(),
    "count": pl.Int64(),
}


@dataclass(frozen=True)
class RecentWindows:
    """Tumbling windows, those of the whole stream among them.

    rows:    frame of ``end`` (µs), ``group``, ``level``, ``template``, ``count``.
    began:   since when there is anything, µs.
    window:  their length, µs.
    """

    rows: pl.DataFrame
    began: int
    window: int

    @staticmethod
    def none() -> RecentWindows:
        return RecentWindows(pl.DataFrame(schema=_SCHEMA), 0, 1)

    def between(self, start: int, end: int) -> pl.DataFrame:
        """Rows of the windows that end in (start, end], µs."""
        return self.rows.filter(pl.col("end").is_between(start, end, closed="right"))

    @staticmethod
    def grown(
        rows: pl.DataFrame, panes: pl.DataFrame, start: int, upto: int, spec: WindowSpec
    ) -> pl.DataFrame:
        """These rows and those of the windows that end in (start, upto], µs."""
        first, last = start - start % spec.window, upto - upto % spec.window
        if first == last:
            return rows
        mine = on_time(panes, first, last).lazy()
        ends = mine.select(
            ((pl.col("pane") // spec.window + 1) * spec.window).alias("end"),
            "group",
            "level",
            "template",
            "count",
        )
        entry = ["end", "group", "level", "template"]
        sums = ends.group_by(entry).agg(pl.col("count").sum()).select(list(_SCHEMA))
        stream = sums.with_columns(pl.lit(WHOLE, dtype=pl.Int64).alias("group"))
        stream = stream.group_by(entry).agg(pl.col("count").sum()).select(list(_SCHEMA))
        return pl.concat([rows, *pl.collect_all([sums, stream])])

    @staticmethod
    def kept(rows: pl.DataFrame, oldest: int, spec: WindowSpec) -> pl.DataFrame:
        """Those of these rows that windows with a pane from ``oldest`` (µs) on still look back at."""
        if rows.is_empty():
            return rows
        return rows.filter(pl.col("end") > oldest - LASTING * spec.window)
