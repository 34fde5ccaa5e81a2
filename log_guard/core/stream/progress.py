"""What a summariser says in one commit: summaries, and for each input partition how far it has come.

A commit is one record (or a few, see ``last``) of the topic ``window-summaries``. It is written in
the transaction that commits the input offsets, so what it covers and what was read are one.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Progress:
    """One input partition's part of a commit.

    first, next:  the offsets covered, ``[first, next)``. Offsets have gaps and one message may hold
                  many events, so the accounts below are told and not derived.
    watermark:    event time (µs) below which everything is taken to have come; None without events.
    idle:         the owner has read to the end and nothing has come for a while.
    consumed = summarised + late + dead_lettered + filtered: records.
    """

    partition: int
    first: int
    next: int
    watermark: int | None
    idle: bool
    consumed: int = 0
    summarised: int = 0
    late: int = 0
    dead_lettered: int = 0
    filtered: int = 0

    @property
    def balanced(self) -> bool:
        """Whether every record of the range is accounted for."""
        return self.consumed == self.summarised + self.late + self.dead_lettered + self.filtered


@dataclass(frozen=True)
class Commit:
    """A record of ``window-summaries``.

    summary:     rows of ``SUMMARY_SCHEMA``, not added over partitions: ``source`` is the partition.
    progress:    of each partition that the commit covers.
    partitions:  how many partitions the input topic has; time stands still until all were heard of.
    id, last:    a commit too large for one record comes as several of one id; the last one carries
                 the progress.
    """

    summary: pl.DataFrame
    progress: tuple[Progress, ...]
    partitions: int
    id: str = ""
    last: bool = True


ACCEPTED, DOUBLED, MISSING = "accepted", "doubled", "missing"


@dataclass(frozen=True, slots=True)
class Account:
    """What became of a range of input offsets, ``[first_offset, next_offset)`` of one partition.

    status:  accepted; doubled (read a second time, kept out of the windows); missing (skipped by
             whoever moved the group's offsets).
    summary_offset:  the record of ``window-summaries`` that says so.
    """

    partition: int
    first_offset: int
    next_offset: int
    status: str
    summary_offset: int
    consumed: int = 0
    summarised: int = 0
    late: int = 0
    dead_lettered: int = 0
    filtered: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """The accounts of all windows, after the record ``summary_offset``: taken = scored + late + open."""

    summary_offset: int
    taken: int
    scored: int
    late: int
    open: int
    watermark: int | None

    @property
    def balanced(self) -> bool:
        """Whether every event that was taken in is where it belongs."""
        return self.taken == self.scored + self.late + self.open
