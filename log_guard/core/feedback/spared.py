"""How many events each suppression takes out of judging."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from log_guard.core.feedback.suppression import Suppression
from log_guard.core.windows import WHOLE_STREAM

MAX_KNOWN = 20_000
"""Templates of which it is remembered what covers them; a full memory is emptied, nothing depends on it."""


class Spared:
    """Sums of what is suppressed, over summaries.

    slide:  length of a pane, µs.
    since:  event time (µs) from which on is judged; None: all is.
    """

    def __init__(self, entries: Sequence[Suppression], slide: int, since: int | None) -> None:
        self.entries = tuple(entries)
        self.slide = slide
        self.since = since
        self.events = [0] * len(self.entries)
        """Of each, in their order. An event that two cover counts for both."""
        self._known: dict[str, tuple[bool, ...]] = {}

    def take(self, summary: pl.DataFrame) -> None:
        """Take in a summary (``SUMMARY_SCHEMA``)."""
        if not self.entries or summary.is_empty():
            return
        covers = self._covers(summary["template"].unique().to_list())
        for i, entry in enumerate(self.entries):
            words = [word for word, covered in covers.items() if covered[i]]
            if not words:
                continue
            mine = pl.col("template").is_in(words) & (pl.col("pane") + self.slide < entry.until)
            if self.since is not None:
                mine &= pl.col("pane") >= self.since
            if entry.level is not None:
                mine &= pl.col("level") == entry.level
            if entry.service:
                mine &= pl.col("group").is_in([entry.service, WHOLE_STREAM])
            self.events[i] += int(summary.filter(mine)["count"].sum())

    def _covers(self, words: Sequence[str]) -> dict[str, tuple[bool, ...]]:
        if len(self._known) > MAX_KNOWN:
            self._known.clear()
        for word in words:
            if word not in self._known:
                self._known[word] = tuple(entry.covers(word) for entry in self.entries)
        return {word: self._known[word] for word in words}
