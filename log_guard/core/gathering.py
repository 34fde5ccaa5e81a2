"""Summaries → a history to learn from, the same however the log was cut, stored and read again."""

from __future__ import annotations

import polars as pl

from log_guard.core.schedule import MAX_HISTORY_ROWS
from log_guard.core.training import History
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WHOLE_STREAM
from log_guard.errors import InputError

MERGE_ROWS = 200_000
"""Rows that may pile up before equal ones are merged; the history does not depend on it."""
_ALL = -(1 << 62)


class Gathering:
    """Adds summaries up. Late events teach nothing, as in a running detector.

    max_rows:  of a longer history only the latest panes are kept that fit, whole.
    """

    def __init__(self, max_rows: int = MAX_HISTORY_ROWS) -> None:
        self.max_rows = max_rows
        self.dropped = 0  # panes that the bound has dropped
        self._groups = Vocabulary([WHOLE_STREAM])
        self._templates = Vocabulary()
        self._rows = pl.DataFrame(schema=PANE_SCHEMA)
        self._merge_at = MERGE_ROWS
        self._floor = _ALL  # panes below it are out

    def add(self, summary: pl.DataFrame) -> None:
        """Take in a summary (``SUMMARY_SCHEMA``), in any order."""
        on_time = summary.filter(~pl.col("late") & (pl.col("pane") >= self._floor))
        if on_time.is_empty():
            return
        rows = on_time.with_columns(
            self._groups.ids(on_time["group"]).alias("group"),
            self._templates.ids(on_time["template"]).alias("template"),
        ).select(list(PANE_SCHEMA))
        self._rows = pl.concat([self._rows, rows])
        if self._rows.height > self._merge_at:
            self._merge()
            self._merge_at = 2 * self._rows.height + MERGE_ROWS

    def history(self) -> History:
        """All of it, ids and rows in the order of their words; InputError if there is nothing."""
        if self._rows.is_empty():
            raise InputError("nothing to learn from: no events were read")
        self._merge()
        used = self._rows["template"].unique().to_list()
        words = sorted(self._templates.words[i] for i in used)
        groups = [WHOLE_STREAM, *sorted(set(self._groups.words) - {WHOLE_STREAM})]
        history = History(self._rows, Vocabulary(groups), Vocabulary(words))
        rows = self._rows.with_columns(
            _renumbered(self._rows["group"], self._groups, history.groups),
            _renumbered(self._rows["template"], self._templates, history.templates),
        ).sort("pane", "group", "level", "template")
        return History(rows, history.groups, history.templates)

    def _merge(self) -> None:
        self._rows = (
            self._rows.group_by("pane", "group", "level", "template")
            .agg(pl.lit(False).alias("late"), pl.col("count").sum())
            .select(list(PANE_SCHEMA))
        )
        if self._rows.height <= self.max_rows:
            return
        # The same panes whatever came first: what does not fit now never will, for rows only grow.
        sizes = self._rows.group_by("pane").len().sort("pane", descending=True)
        fitting = sizes.filter(pl.col("len").cum_sum() <= self.max_rows)
        fewest = sizes.head(max(fitting.height, 1))
        self._floor = int(fewest["pane"][-1])
        self.dropped += sizes.height - fewest.height
        self._rows = self._rows.filter(pl.col("pane") >= self._floor)


def _renumbered(ids: pl.Series, old: Vocabulary, new: Vocabulary) -> pl.Series:
    words = pl.Series(old.words, dtype=pl.String)
    return new.ids(words.gather(ids)).alias(ids.name)
