"""Bytes → event table and dead letters. Columnar; a record at a time only where a record is odd."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from log_guard.core.decoding.formats.base import Format
from log_guard.core.decoding.formats.beside import with_text_beside, with_times
from log_guard.core.decoding.formats.container import Container
from log_guard.core.decoding.formats.cri import Cri, join_pieces, with_wrapped_text
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.otlp import MARK, unpack
from log_guard.core.decoding.formats.plain import PlainText, goes_on, without_heads
from log_guard.core.decoding.levels import infer_levels, normalise_levels
from log_guard.core.decoding.timestamps import parse_timestamps
from log_guard.core.events import (
    DEAD_LETTER_BYTES,
    EVENT_SCHEMA,
    UNKNOWN_SERVICE,
    DeadLetter,
    RawBatch,
)
from log_guard.core.masking import clean_names

MAX_LINE_BYTES = 1 << 20
"""A source cuts longer lines to one byte more than this; where the cut breaks the record, this is the reason."""


@dataclass(frozen=True)
class Decoder:
    """How the records of a source are read.

    service:    name for records that do not give one.
    timezone:   IANA name, for times without a zone.
    reference:  when the records were written at the latest, µs, for times without a year.
    """

    format: Format
    service: str = UNKNOWN_SERVICE
    timezone: str = "UTC"
    reference: int | None = None

    def decode(self, batch: RawBatch) -> Decoded:
        """Decode a batch: every record ends as one event or as one dead letter."""
        data = batch.data[:-1] if batch.data.endswith(b"\n") else batch.data
        if not batch.data:
            return Decoded(pl.DataFrame(schema=EVENT_SCHEMA), [], 0)
        if batch.torn:
            letter = DeadLetter("cut off", batch.first, batch.source, _raw(batch.data))
            return Decoded(pl.DataFrame(schema=EVENT_SCHEMA), [letter], 1)
        lines = int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n"))) + 1
        positions = (
            batch.positions
            if batch.positions is not None
            else np.arange(batch.first, batch.first + lines, dtype=np.uint64)
        )
        if isinstance(self.format, JsonLines):
            if MARK in data:
                data, positions = unpack(data, positions)
                lines = len(positions)
            raw = self.format.parse_data(data, lines)
            if raw["reason"].null_count():
                raw = with_wrapped_text(raw)
            raw = with_text_beside(raw, partial(_lines_at, data), but="{")
            records = None
        else:
            whole = pl.Series("record", [data.decode("utf-8", errors="replace")])
            text = whole.str.split("\n").explode().str.strip_chars_end("\r")
            # Some editors begin a file with a byte order mark, and files are joined.
            text = text.str.strip_prefix("\ufeff")
            if batch.multiline:
                text, positions = self._joined(text, positions)
            raw = self.format.parse(text)
            if not self.format.starts_event:
                raw = with_text_beside(raw, lambda at: text.gather(at).to_list())
            records = text
        return self._normalise(raw, positions, batch, data, records)

    def _joined(self, lines: pl.Series, positions: np.ndarray) -> tuple[pl.Series, np.ndarray]:
        """Records of lines, and the positions of their first ones."""
        if isinstance(self.format, Cri):
            return join_pieces(lines, positions)
        if not self.format.starts_event:
            return lines, positions
        starts = lines.str.contains(self.format.starts_event)
        if isinstance(self.format, Container):
            lines, starts = with_times(lines, starts, self.format.before)
        if not isinstance(self.format, PlainText):
            return join_lines(lines, positions, starts)
        lines, starts = with_times(lines, starts)
        further = goes_on(lines)
        records, positions = join_lines(lines, positions, starts & ~further)
        return (without_heads(records) if (starts & further).any() else records), positions

    def _normalise(
        self,
        raw: pl.DataFrame,
        positions: np.ndarray,
        batch: RawBatch,
        data: bytes,
        records: pl.Series | None,
    ) -> Decoded:
        time = parse_timestamps(raw["timestamp"], timezone=self.timezone, reference=self.reference)
        good = time.is_not_null() & raw["reason"].is_null()
        if good.all():
            return Decoded(self._events(raw, time, positions), [], raw.height)
        at = (~good).arg_true()
        split = records.to_list() if records is not None else data.split(b"\n")
        said = raw.select("reason", "timestamp")[at].rows()
        dead = [
            DeadLetter(
                _reason(reason, timestamp, len(split[i])),
                int(positions[i]),
                batch.source,
                _raw(split[i]),
            )
            for i, (reason, timestamp) in zip(at.to_list(), said, strict=True)
        ]
        if len(at) == raw.height:
            return Decoded(pl.DataFrame(schema=EVENT_SCHEMA), dead, raw.height)
        events = self._events(raw.filter(good), time.filter(good), positions[good.to_numpy()])
        return Decoded(events, dead, raw.height)

    def _events(self, raw: pl.DataFrame, time: pl.Series, positions: np.ndarray) -> pl.DataFrame:
        """Make the event table of records that are events."""
        level = normalise_levels(raw["level"])
        unsaid = raw["level"].is_null()
        if unsaid.any():
            level = _fill_levels(level, raw["message"], unsaid)
        return pl.DataFrame(
            {
                "time": time,
                "level": level,
                "service": clean_names(raw["service"].replace("", None).fill_null(self.service)),
                "message": raw["message"].fill_null(""),
                "position": pl.Series(positions, dtype=pl.UInt64),
            },
            schema=EVENT_SCHEMA,
        )


@dataclass(frozen=True)
class Decoded:
    """A decoded batch: ``records == events.height + len(dead)``."""

    events: pl.DataFrame
    dead: list[DeadLetter]
    records: int


def join_lines(
    lines: pl.Series, positions: np.ndarray, starts: pl.Series
) -> tuple[pl.Series, np.ndarray]:
    """Join lines that start no event (``starts``, (n,)) to the one before; return records and their first positions.

    Blank lines end nothing and add nothing. Lines before the first start are records of their own.
    """
    if starts.all():
        return lines, positions
    number = starts.cast(pl.Int64).cum_sum()
    headless = number == 0
    blank = lines.str.strip_chars() == ""
    kept = ~(blank & ~headless)
    frame = pl.DataFrame(
        {
            "n": number,
            "line": lines,
            "position": pl.Series(positions, dtype=pl.UInt64),
            "own": headless,
        }
    )
    frame = frame.filter(kept).with_row_index("i")
    joined = (
        frame.with_columns(
            pl.when("own").then(-pl.col("i").cast(pl.Int64)).otherwise(pl.col("n")).alias("n")
        )
        .group_by("n", maintain_order=True)
        .agg(pl.col("line").str.join("\n"), pl.col("position").first())
    )
    return joined["line"], joined["position"].to_numpy()


def _fill_levels(level: pl.Series, message: pl.Series, unsaid: pl.Series) -> pl.Series:
    """Where the record gives no level, look for one in its text."""
    guessed = infer_levels(message.filter(unsaid).fill_null(""))
    return level.scatter(unsaid.arg_true(), guessed)


def _reason(said: str | None, timestamp: str | None, length: int) -> str:
    if length > MAX_LINE_BYTES:
        return "line too long"
    return said or ("no timestamp" if timestamp is None else "unreadable timestamp")


def _lines_at(data: bytes, at: pl.Series) -> list[str]:
    """Lines of these numbers."""
    lines = data.split(b"\n")
    return [lines[i].decode("utf-8", errors="replace").rstrip("\r") for i in at.to_list()]


def _raw(record: str | bytes) -> bytes:
    raw = record.encode("utf-8", errors="replace") if isinstance(record, str) else record
    return raw[:DEAD_LETTER_BYTES]
