"""Commits of ``window-summaries`` → summaries, each range of the input once, with the accounts of it.

A commit says which input offsets it covers. A range that was covered before is kept out and told of
as doubled, one that was skipped is told of as missing.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from log_guard.core.stream.progress import ACCEPTED, DOUBLED, MISSING, Account, Commit, Progress


class Commits:
    """Takes the records of the topic, in their order."""

    def __init__(self) -> None:
        self._partitions: dict[int, Progress] = {}  # the latest word of each input partition
        self._expected = 0  # how many there are
        self._taken = 0
        self._parts: dict[str, list[pl.DataFrame]] = {}  # of commits whose last record is to come
        self._ranges: dict[int, Account] = {}  # accepted since the last report, by partition

    @property
    def taken(self) -> int:
        """Events let through so far."""
        return self._taken

    @property
    def watermark(self) -> int | None:
        """Event time (µs) that all input partitions have passed; None while one was not heard of."""
        known = self._partitions.values()
        if len(known) < self._expected:
            return None
        if any(p.watermark is None and not p.idle for p in known):
            return None
        return min((p.watermark for p in known if p.watermark is not None), default=None)

    def take(self, commit: Commit, offset: int) -> tuple[pl.DataFrame | None, list[Account]]:
        """Summary of the commit that this record ends, and what is to be told of its ranges now.

        The summary is None if the record ends none.
        """
        parts = self._parts.setdefault(commit.id, [])
        parts.append(commit.summary)
        if not commit.last:
            return None, []
        del self._parts[commit.id]
        self._expected = max(self._expected, commit.partitions)
        told: list[Account] = []
        accepted = [p.partition for p in commit.progress if self._accept(p, offset, told)]
        return pl.concat(parts).filter(pl.col("source").is_in(accepted)), told

    def report(self) -> list[Account]:
        """Ranges accepted since the last report, by partition."""
        ranges = [self._ranges[partition] for partition in sorted(self._ranges)]
        self._ranges.clear()
        return ranges

    def _accept(self, progress: Progress, offset: int, told: list[Account]) -> bool:
        """Enter a range into the accounts; whether its events may go into the windows."""
        partition = progress.partition
        last = self._partitions.get(partition)
        expected = progress.first if last is None else last.next
        if progress.first < expected:
            if progress.next > progress.first:
                told.append(_account(progress, DOUBLED, offset))
            if progress.next > expected:
                # The end of the range is new, but its events cannot be told from the doubled ones.
                told.append(Account(partition, expected, progress.next, MISSING, offset))
                self._partitions[partition] = progress
            return False
        if progress.first > expected:
            told.append(Account(partition, expected, progress.first, MISSING, offset))
        self._partitions[partition] = progress
        self._taken += progress.summarised
        account, before = _account(progress, ACCEPTED, offset), self._ranges.get(partition)
        if before is not None and before.next_offset == account.first_offset:
            account = _joined(before, account)
        elif before is not None:
            told.append(before)
        if account.next_offset > account.first_offset:
            self._ranges[partition] = account
        return True


def _account(progress: Progress, status: str, offset: int) -> Account:
    p = progress
    counts = p.consumed, p.summarised, p.late, p.dead_lettered, p.filtered
    return Account(p.partition, p.first, p.next, status, offset, *counts)


def _joined(a: Account, b: Account) -> Account:
    """Two ranges of a partition that follow one another, as one."""
    return replace(
        b,
        first_offset=a.first_offset,
        consumed=a.consumed + b.consumed,
        summarised=a.summarised + b.summarised,
        late=a.late + b.late,
        dead_lettered=a.dead_lettered + b.dead_lettered,
        filtered=a.filtered + b.filtered,
    )
