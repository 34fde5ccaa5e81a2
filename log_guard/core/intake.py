"""Raw batches of one input partition → summaries, dead letters and their accounts.

Everything up to the summaries, the same for a file in one process and for a partition of Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from log_guard.core.clock import Judged, PartitionClock, TimeRules
from log_guard.core.decode import Decoder
from log_guard.core.events import DEAD_LETTER_BYTES, DeadLetter, Level, RawBatch
from log_guard.core.summaries import Summarizer, empty
from log_guard.core.windows import WHOLE_STREAM

LINE_BITS = 20
"""Of a position that stands for a record's offset and a line in it: a record holds less than 2**20."""


@dataclass(frozen=True)
class IntakeOptions:
    """How events are taken in.

    grouped:      by service; False: the whole stream is one group.
    blank_level:  forget every event's level: how does detection do when levels lie?
    max_future:   how far (µs) an event may be ahead of the time at which its record was appended.
    """

    grouped: bool = True
    blank_level: bool = False
    max_future: int = 600_000_000


@dataclass(frozen=True)
class Taken:
    """``consumed == summarised + late + len(dead)``, but for an event that awaits confirmation."""

    summary: pl.DataFrame
    dead: list[DeadLetter]
    consumed: int
    summarised: int
    late: int


class Intake:
    """One partition: its decoder and its clock.

    high:  highest event time of the partition so far, where it is known from before, µs.
    """

    def __init__(
        self,
        decoder: Decoder,
        rules: TimeRules,
        summarizer: Summarizer,
        options: IntakeOptions | None = None,
        source: int = 0,
        high: int | None = None,
    ) -> None:
        self.decoder = decoder
        self.summarizer = summarizer
        self.options = options or IntakeOptions()
        self.source = source
        self.clock = PartitionClock(rules)
        self.clock.high = high

    def take(self, batch: RawBatch, appended: np.ndarray | None = None) -> Taken:
        """Take in the next raw lines.

        appended:  for each line, when its record was appended to the log, µs, (lines,). An event far
                   ahead of that is none: its clock is wrong, and time must not follow it.
        """
        decoded = self.decoder.decode(batch)
        events, dead = decoded.events, decoded.dead
        if appended is not None and batch.positions is not None and not events.is_empty():
            row = np.searchsorted(batch.positions, events["position"].to_numpy())
            ahead = events["time"].to_numpy() > appended[row] + self.options.max_future
            if ahead.any():
                reason = "timestamp far ahead of the time at which the record was appended"
                dead = dead + self._dead(events.filter(pl.Series(ahead)), reason)
                events = events.filter(pl.Series(~ahead))
        return self._summarise(self.clock.judge(events), dead, decoded.records)

    def finish(self) -> Taken | None:
        """Decide on what still awaits confirmation, at the end of the source."""
        judged = self.clock.finish()
        return None if judged is None else self._summarise(judged, [], 0)

    def _summarise(self, judged: Judged, dead: list[DeadLetter], consumed: int) -> Taken:
        dead = dead + self._dead(judged.unreal, "timestamp far ahead of all others")
        events = judged.events
        summary = empty()
        if not events.is_empty():
            if self.options.blank_level:
                events = events.with_columns(pl.lit(Level.INFO, dtype=pl.UInt8).alias("level"))
            group = pl.col("service") if self.options.grouped else pl.lit(WHOLE_STREAM)
            summary = self.summarizer.summarize(
                events.with_columns(group.alias("group")), self.source
            )
        return Taken(summary, dead, consumed, events.height, judged.too_late)

    def _dead(self, events: pl.DataFrame, reason: str) -> list[DeadLetter]:
        return [
            DeadLetter(
                reason,
                position,
                self.source,
                message.encode("utf-8", errors="replace")[:DEAD_LETTER_BYTES],
            )
            for message, position in events.select("message", "position").iter_rows()
        ]
