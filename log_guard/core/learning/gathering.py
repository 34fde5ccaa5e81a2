"""Summaries → a history to learn from, the same however the log was cut, stored and read again."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.events import SECOND
from log_guard.core.learning.history import MAX_HISTORY_ROWS, History
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WHOLE_STREAM
from log_guard.errors import InputError

MERGE_ROWS = 200_000
"""Rows that may pile up before equal ones are merged; the history does not depend on it."""
STRETCH = 3_600 * SECOND
"""Rows lie in stretches of so much event time: what is merged or dropped at a time."""
_ALL = -(1 << 62)


class Gathering:
    """Adds summaries up. Late events teach nothing, as in a running detector.

    max_rows:  of a longer history only the latest panes are kept that fit, whole.
    """

    def __init__(self, max_rows: int = MAX_HISTORY_ROWS) -> None:
        self.max_rows = max_rows
        self.dropped = 0  # panes that the bound has left out
        self._groups = Vocabulary([WHOLE_STREAM])
        self._templates = Vocabulary()
        self._stretches: dict[int, list[pl.DataFrame]] = {}
        self._grown: set[int] = set()  # stretches that are not merged
        self._piled = 0  # rows since the last merging
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
        stretches = rows.group_by(pl.col("pane") // STRETCH, maintain_order=True)
        for (stretch,), part in stretches:
            number = int(str(stretch))
            self._stretches.setdefault(number, []).append(part)
            self._grown.add(number)
        self._piled += rows.height
        if self._piled > MERGE_ROWS:
            self._merge()

    def history(self) -> History:
        """All of it, ids and rows in the order of their words; InputError if there is nothing."""
        self._merge()
        parts = [self._stretches[stretch][0] for stretch in sorted(self._stretches)]
        if not parts:
            raise InputError("nothing to learn from: no events were read")
        used = np.unique(np.concatenate([part["template"].unique().to_numpy() for part in parts]))
        templates = Templates(sorted(self._templates.words[i] for i in used.tolist()))
        groups = Vocabulary([WHOLE_STREAM, *sorted(set(self._groups.words) - {WHOLE_STREAM})])
        group, template = (_new_ids(self._groups, groups), _new_ids(self._templates, templates))
        rows = [
            part.with_columns(
                pl.Series("group", group[part["group"].to_numpy()]),
                pl.Series("template", template[part["template"].to_numpy()]),
            ).sort("pane", "group", "level", "template")
            for part in parts
        ]
        return History(pl.concat(rows), groups, templates)

    def _merge(self) -> None:
        """Make one frame of each stretch, without equal rows, and hold to the bound."""
        for stretch in self._grown:
            self._stretches[stretch] = [_added(self._stretches[stretch])]
        self._grown.clear()
        self._piled = 0
        room = self.max_rows
        for stretch in sorted(self._stretches, reverse=True):
            (rows,) = self._stretches[stretch]
            newest = room == self.max_rows
            if rows.height > room:
                # What does not fit now never will, for rows only grow: so whatever came first, the
                # same panes are left.
                sizes = rows.group_by("pane").len().sort("pane", descending=True)
                fitting = sizes.filter(pl.col("len").cum_sum() <= room).height
                kept = sizes.head(max(fitting, int(newest)))
                floor = int(kept["pane"][-1]) if kept.height else (stretch + 1) * STRETCH
                self._drop_below(floor)
                return
            room -= rows.height

    def _drop_below(self, floor: int) -> None:
        self._floor = floor
        for stretch in sorted(self._stretches):
            if stretch * STRETCH >= floor:
                continue
            (rows,) = self._stretches[stretch]
            kept = rows.filter(pl.col("pane") >= floor)
            self.dropped += rows["pane"].n_unique() - kept["pane"].n_unique()
            if kept.is_empty():
                del self._stretches[stretch]
            else:
                self._stretches[stretch] = [kept]


def _added(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return (
        pl.concat(parts)
        .group_by("pane", "group", "level", "template")
        .agg(pl.lit(False).alias("late"), pl.col("count").sum())
        .select(list(PANE_SCHEMA))
    )


def _new_ids(old: Vocabulary, new: Vocabulary) -> np.ndarray:
    """Old id → new id; -1 where the word is not used."""
    known = {word: i for i, word in enumerate(new.words)}
    return np.array([known.get(word, -1) for word in old.words], dtype=np.int64)
