"""Panes that are held: of windows that are open, and of those that late events can still revise."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from log_guard.core.windows.panes import PANE_SCHEMA, SAMPLE_SCHEMA, merged

MERGE_ROWS = 100_000
"""Pane rows that may pile up before equal ones are merged; sums do not depend on it."""


class HeldPanes:
    """Rows of ``PANE_SCHEMA`` and ``SAMPLE_SCHEMA``, bounded by event time.

    too_late:  events for panes that were given up.
    """

    def __init__(self) -> None:
        self._panes = pl.DataFrame(schema={**PANE_SCHEMA, **SAMPLE_SCHEMA})
        self._oldest: int | None = None  # first pane that can still be revised
        self.too_late = 0
        self._merge_at = MERGE_ROWS

    @property
    def rows(self) -> pl.DataFrame:
        """All that is held."""
        return self._panes

    @property
    def newest(self) -> int | None:
        """The last pane, µs."""
        return None if self._panes.is_empty() else int(self._panes["pane"].to_numpy().max())

    def in_time(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of panes that are not given up; events of others are counted.

        A source that was idle may come back with events that are late by no more than its own clock
        allows and yet belong to panes long given up.
        """
        if self._oldest is None:
            return rows
        gone = rows["pane"] < self._oldest
        if not gone.any():
            return rows
        self.too_late += int(rows.filter(gone)["count"].sum())
        return rows.filter(~gone)

    def add(self, rows: pl.DataFrame) -> None:
        """Hold these, too."""
        self._panes = pl.concat([self._panes, rows])
        if self._panes.height > self._merge_at:
            self._panes = merged(self._panes)
            self._merge_at = 2 * self._panes.height + MERGE_ROWS

    def change(self, changed: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Put other ids into the rows."""
        self._panes = changed(self._panes)

    def give_up(self, oldest: int, window: int) -> None:
        """Revise only panes from ``oldest`` on, µs.

        A window is revised from all of its panes, so those before, for its length, are held as well.
        """
        self._oldest = oldest
        self._panes = self._panes.filter(pl.col("pane") >= oldest - window)

    def count(self, start: int, end: int) -> int:
        """Events with ``start <= pane < end``, µs."""
        inside = pl.col("pane").is_between(start, end, closed="left")
        return int(self._panes.filter(inside)["count"].sum())

    def within(self, start: int, end: int) -> pl.DataFrame:
        """Rows with ``start <= pane < end``, µs, by group."""
        inside = pl.col("pane").is_between(start, end, closed="left")
        return self._panes.filter(inside).sort("group")

    def first_from(self, time: int) -> int | None:
        """The first pane at or after this event time, µs."""
        panes = self._panes["pane"]
        later = panes.filter(panes >= time).to_numpy()
        return int(later.min()) if len(later) else None
