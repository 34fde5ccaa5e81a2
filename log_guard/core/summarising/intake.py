"""Raw batches of one input partition → summaries, dead letters and their accounts.

Everything up to the summaries, the same for a file in one process and for a partition of Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from log_guard.core.compiled import available
from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.events import DEAD_LETTER_BYTES, Bytes, DeadLetter, Level, RawBatch
from log_guard.core.summarising.clock import Judged, PartitionClock, TimeRules
from log_guard.core.summarising.summaries import Summarizer, empty
from log_guard.core.windows import WHOLE_STREAM

COMPILED_AFTER = 32 << 20
"""Where compiled code is to be used, it is after so many bytes: it takes half a second and 120 MB to load."""
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

    compiled_after:  so many bytes are read before compiled code is loaded; None: it never is.
    """

    def __init__(
        self,
        decoder: Decoder,
        rules: TimeRules,
        summarizer: Summarizer,
        options: IntakeOptions | None = None,
        source: int = 0,
        compiled_after: int | None = None,
    ) -> None:
        self.decoder = decoder
        self.summarizer = summarizer
        self.options = options or IntakeOptions()
        self.source = source
        self.clock = PartitionClock(rules)
        self.compiled_after = compiled_after
        self._read = 0
        self._held: tuple[int, bytes] | None = (
            None  # position and text of the event that the clock holds
        )

    def take(self, batch: RawBatch, appended: np.ndarray | None = None) -> Taken:
        """Take in the next raw lines.

        appended:  for each line, when its record was appended to the log, µs, (lines,). An event far
                   ahead of that is none: its clock is wrong, and time must not follow it. It also
                   tells the year of times that name none.
        """
        if appended is not None and len(appended):
            self.decoder = replace(self.decoder, reference=int(appended.max()))
        decoded, text = self._decode(batch)
        events, dead = decoded.events, decoded.dead
        records = _Records(batch, decoded)
        if appended is not None and batch.positions is not None and not events.is_empty():
            row = np.searchsorted(batch.positions, events["position"].to_numpy())
            ahead = events["time"].to_numpy() > appended[row] + self.options.max_future
            if ahead.any():
                reason = "timestamp far ahead of the time at which the record was appended"
                dead = dead + self._dead(events.filter(pl.Series(ahead)), reason, records)
                events = events.filter(pl.Series(~ahead))
        held: list[int] = []

        def hold(event: pl.DataFrame) -> pl.DataFrame:
            held.extend(event["position"])
            return _whole(event, text)

        judged = self.clock.judge(events, hold)
        taken = self._summarise(judged, dead, decoded.records, text, records)
        self._held = (held[0], records.at(held[0])) if held else None
        return taken

    def _decode(self, batch: RawBatch) -> tuple[Decoded, Bytes | None]:
        """Decode a batch; the bytes with the messages, if compiled code did it."""
        self._read += len(batch.data)
        # An event that the clock holds has its message with it, and is judged with this batch.
        if self._is_large and not (batch.torn or self.clock.holds) and self._can_compile:
            from log_guard.core.summarising.flat import (
                decode_flat,  # late: loading it takes its time
            )

            flat = decode_flat(self.decoder, batch)
            if flat is not None:
                return flat
        return self.decoder.decode(batch), None

    @property
    def _is_large(self) -> bool:
        return self.compiled_after is not None and self._read > self.compiled_after

    @property
    def _can_compile(self) -> bool:
        return available() and not self.summarizer.masker.extra

    def finish(self) -> Taken | None:
        """Decide on what still awaits confirmation, at the end of the source."""
        judged = self.clock.finish()
        return None if judged is None else self._summarise(judged, [], 0)

    def _summarise(
        self,
        judged: Judged,
        dead: list[DeadLetter],
        consumed: int,
        text: Bytes | None = None,
        records: _Records | None = None,
    ) -> Taken:
        dead = dead + self._dead(judged.unreal, "timestamp far ahead of all others", records)
        events = judged.events
        if events.is_empty():
            summary = empty()
        else:
            if self.options.blank_level:
                events = events.with_columns(pl.lit(Level.INFO, dtype=pl.UInt8).alias("level"))
            group = pl.col("service") if self.options.grouped else pl.lit(WHOLE_STREAM)
            summary = self.summarizer.summarize(
                events.with_columns(group.alias("group")), self.source, text
            )
        return Taken(summary, dead, consumed, events.height, judged.too_late)

    def _dead(
        self, events: pl.DataFrame, reason: str, records: _Records | None
    ) -> list[DeadLetter]:
        """Events of these records, or the one that the clock held, as dead letters."""
        position, held = self._held or (None, b"")

        def raw(at: int) -> bytes:
            return held if records is None or at == position else records.at(at)

        return [DeadLetter(reason, at, self.source, raw(at)) for at in events["position"]]


class _Records:
    """The texts of the records of a batch, by their positions; nothing is done before one is asked for."""

    def __init__(self, batch: RawBatch, decoded: Decoded) -> None:
        self._batch, self._decoded = batch, decoded

    def at(self, position: int) -> bytes:
        """All lines of this record, cut to :data:`DEAD_LETTER_BYTES`."""
        batch, lines = self._batch, self._starts
        first = self._line(position)
        following = self._positions[np.searchsorted(self._positions, position, side="right") :]
        last = self._line(int(following[0])) if len(following) else len(lines)
        end = int(lines[last]) if last < len(lines) else len(batch.data)
        begin = int(lines[first])
        return batch.data[begin:end].rstrip(b"\r\n")[:DEAD_LETTER_BYTES]

    def _line(self, position: int) -> int:
        positions = self._batch.positions
        if positions is None:
            return position - self._batch.first
        return int(np.searchsorted(positions, position))

    @cached_property
    def _starts(self) -> np.ndarray:
        """Where each line begins, ascending."""
        breaks = np.flatnonzero(np.frombuffer(self._batch.data, np.uint8) == ord("\n"))
        return np.concatenate([[0], breaks + 1])

    @cached_property
    def _positions(self) -> np.ndarray:
        """Of all records of the batch, ascending."""
        dead = np.array([letter.position for letter in self._decoded.dead], np.uint64)
        return np.sort(np.concatenate([self._decoded.events["position"].to_numpy(), dead]))


def _whole(events: pl.DataFrame, text: Bytes | None) -> pl.DataFrame:
    """Events with their messages in the table."""
    if text is None or events.is_empty():
        return events
    from log_guard.core.summarising.flat import with_messages

    return with_messages(events, text)
