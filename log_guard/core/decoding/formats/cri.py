"""CRI: what Kubernetes' container runtimes write, ``TIME stdout F MESSAGE``; and ``TIME {...}``, as `kubectl logs --timestamps` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from log_guard.core.decoding.formats.embedded import NO_OBJECT
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.matching import parsed, sniffed
from log_guard.core.decoding.formats.objects import (
    RECORDS,
    are_objects,
    records_within,
    with_objects,
)
from log_guard.core.decoding.formats.plain import STAMP, PlainText
from log_guard.core.decoding.formats.spring import with_spring
from log_guard.core.decoding.timestamps import ISO

# Some shippers strip spaces at the end of a line, and with them the one before an empty message.
_STREAM = r"(?:stdout|stderr) [FP](?::[A-Za-z0-9:]*)?(?: |$)"
_BEGINS = rf"^(?P<timestamp>{ISO}) (?:{_STREAM})?"
# A program's own times seldom have so many digits, and lines of stack traces below them belong to its events.
_RUNTIMES = r"[0-9-]{10}T[0-9:]{8}\.[0-9]{8,9}(?:Z|[+-][0-9]{2}:[0-9]{2})"
_CLAIMED = rf"^(?:{ISO} {_STREAM}|{_RUNTIMES} \{{.*\}}\s*$)"
_HEAD = r"^\S+ (stdout|stderr) [FP](?::[A-Za-z0-9:]*)?(?: |$)"

_READ = ("level", "service", "message")

PIECE = r"^\S+ (?:stdout|stderr) P\b"
"""Regular expression of a line that the next one of its stream completes (Rust and Python syntax)."""


@dataclass(frozen=True)
class Cri:
    """Container lines. A message that is a JSON object, or text with a time of its own, is read as such; its time is the runtime's.

    Long messages are written in pieces (``P``), which :func:`join_pieces` puts together; a piece
    that stands alone is an event of its own.
    """

    name: str = "cri"
    starts_event: str | None = None
    inner: JsonLines = field(default=RECORDS, repr=False)

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _CLAIMED)

    def tuned(self, lines: Sequence[str]) -> Cri:
        """Aim the reading of JSON messages at the names that these sample lines use."""
        raw = parsed(pl.Series(lines, dtype=pl.String), _BEGINS, "")
        objects = records_within(raw, are_objects(raw))
        return replace(self, inner=RECORDS.tuned(objects.to_list())) if len(objects) else self

    def parse(self, records: pl.Series) -> pl.DataFrame:
        raw = with_spring(parsed(records, _BEGINS, "not a CRI line"))
        return with_records(raw, self.inner)


def with_records(raw: pl.DataFrame, inner: JsonLines = RECORDS) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with messages that are records themselves read as such, but for their times."""
    return with_objects(with_text(raw), inner)


def with_text(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` with the messages that are lines with a time of their own read as plain text reads them.

    What the text says of the level and the service goes before.
    """
    message = raw["message"]
    found = message.str.contains(rf"^{STAMP}[\s,:|\[-]").fill_null(False)
    other = message.str.contains('] "', literal=True) | message.str.starts_with("t")
    other |= message.str.starts_with("[GIN]") | message.str.ends_with('"')
    other = other.fill_null(False).arg_true()
    if len(other):  # few are, and this is found much quicker
        found = found.scatter(
            other, found.gather(other) | message.gather(other).str.contains(f"^(?:{NO_OBJECT})")
        )
    at = found.arg_true()
    if not len(at):
        return raw
    text = PlainText().parse(message.gather(at))
    return raw.with_columns(
        raw[name].scatter(at, text[name].fill_null(raw[name].gather(at))) for name in _READ
    )


def with_wrapped_text(raw: pl.DataFrame) -> pl.DataFrame:
    """The same for messages of JSON records, in which a shipper put each line of a log as it was.

    What the record says goes before.
    """
    message = raw["message"]
    at = message.str.starts_with("20") | message.str.starts_with("[20")
    at |= message.str.starts_with("[GIN]") | message.str.contains('] "', literal=True)
    at = at.fill_null(False).arg_true()  # few are, and this is found much quicker
    if len(at):
        own = message.gather(at).str.contains(rf"^\[?{ISO}\]?[\s,:|-]|^(?:{NO_OBJECT})")
        at = at.filter(own)
    if not len(at):
        return raw
    said = raw[at].with_columns(message=None)
    text = with_text(raw[at])
    return raw.with_columns(
        raw[name].scatter(at, said[name].fill_null(text[name])) for name in _READ
    )


def join_pieces(lines: pl.Series, positions: np.ndarray) -> tuple[pl.Series, np.ndarray]:
    """Put the pieces of long messages together; return records and their first positions.

    A piece is completed by the line after it, if that is of the same stream (stdout or stderr).
    """
    is_piece = lines.str.contains(PIECE)
    if not is_piece.any():
        return lines, positions
    stream = lines.str.extract(_HEAD, 1)
    goes_on = (is_piece & (stream == stream.shift(-1))).fill_null(False)
    continues = goes_on.shift(1, fill_value=False)
    rest = lines.zip_with(~continues, lines.str.replace(_HEAD, ""))
    joined = (
        pl.DataFrame({"n": (~continues).cum_sum(), "text": rest})
        .group_by("n", maintain_order=True)
        .agg(pl.col("text").str.join(""))
    )
    return joined["text"], positions[~continues.to_numpy()]
