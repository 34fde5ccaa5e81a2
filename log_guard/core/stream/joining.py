"""Commits of ``window-summaries`` → summaries, each range of the input once."""

from __future__ import annotations

import polars as pl

from log_guard.core.stream.progress import Commit
from log_guard.core.summarising.summaries import empty


class Joining:
    """Joins the records of a commit, and keeps out ranges that were read before, as the fold does."""

    def __init__(self) -> None:
        self._parts: dict[str, list[pl.DataFrame]] = {}  # of commits whose last record is to come
        self._next: dict[int, int] = {}  # input partition → first offset that is new

    def take(self, commit: Commit) -> pl.DataFrame:
        """Summary of the commit that this record ends (``SUMMARY_SCHEMA``); empty if it ends none."""
        parts = self._parts.setdefault(commit.id, [])
        parts.append(commit.summary)
        if not commit.last:
            return empty()
        del self._parts[commit.id]
        accepted = []
        for progress in commit.progress:
            expected = self._next.get(progress.partition, progress.first)
            if progress.first >= expected:
                accepted.append(progress.partition)
            self._next[progress.partition] = max(expected, progress.next)
        return pl.concat(parts).filter(pl.col("source").is_in(accepted))
