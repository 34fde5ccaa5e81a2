"""CRI: what Kubernetes' container runtimes write, ``TIME stdout F MESSAGE``; and ``TIME {...}``, as `kubectl logs --timestamps` shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.json_record import ALIASES
from log_guard.core.decoding.formats.matching import parsed, sniffed
from log_guard.core.decoding.formats.plain import STAMP, PlainText
from log_guard.core.decoding.formats.spring import with_spring
from log_guard.core.decoding.timestamps import ISO

# Some shippers strip spaces at the end of a line, and with them the one before an empty message.
_STREAM = r"(?:stdout|stderr) [FP](?::[A-Za-z0-9:]*)?(?: |$)"
_LINE = rf"(?s)^(?P<timestamp>{ISO}) (?:{_STREAM})?(?P<message>.*)$"
# A program's own times seldom have so many digits, and lines of stack traces below them belong to its events.
_RUNTIMES = r"[0-9-]{10}T[0-9:]{8}\.[0-9]{8,9}(?:Z|[+-][0-9]{2}:[0-9]{2})"
_CLAIMED = rf"^(?:{ISO} {_STREAM}|{_RUNTIMES} \{{.*\}}\s*$)"
_HEAD = r"^\S+ (stdout|stderr) [FP](?::[A-Za-z0-9:]*)?(?: |$)"

PIECE = r"^\S+ (?:stdout|stderr) P\b"
"""Regular expression of a line that the next one of its stream completes (Rust and Python syntax)."""

_TIME = "cri.time"
"""Under this name the runtime's time is put into a message that is JSON."""

_INNER = JsonLines(
    keys=replace(ALIASES, timestamp=(_TIME,)), fields=replace(ALIASES, timestamp=(_TIME,))
)


@dataclass(frozen=True)
class Cri:
    """Container lines. A message that is a JSON object, or text with a time of its own, is read as such; its time is the runtime's.

    Long messages are written in pieces (``P``), which :func:`join_pieces` puts together; a piece
    that stands alone is an event of its own.
    """

    name: str = "cri"
    starts_event: str | None = None
    inner: JsonLines = field(default=_INNER, repr=False)

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _CLAIMED)

    def tuned(self, lines: Sequence[str]) -> Cri:
        """Aim the reading of JSON messages at the names that these sample lines use."""
        raw = parsed(pl.Series(lines, dtype=pl.String), _LINE, "")
        objects = raw.filter(_is_object(raw)).select(_with_time()).to_series()
        return replace(self, inner=_INNER.tuned(objects.to_list())) if len(objects) else self

    def parse(self, records: pl.Series) -> pl.DataFrame:
        raw = with_spring(parsed(records, _LINE, "not a CRI line"))
        return with_records(raw, self.inner)


def with_records(raw: pl.DataFrame, inner: JsonLines = _INNER) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with messages that are records themselves read as such, but for their times."""
    raw = _with_text(raw)
    at = _is_object(raw).arg_true()
    if not len(at):
        return raw
    objects = raw[at].select(_with_time()).to_series()
    read = inner.parse_data("\n".join(objects.to_list()).encode(), len(objects))
    fit = read["reason"].is_null()
    at, read = at.filter(fit), read.filter(fit)
    return raw.with_columns(
        raw[name].scatter(at, read[name]) for name in ("level", "service", "message")
    )


def _with_text(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` with the messages that begin with a time of their own read as plain text."""
    at = raw["message"].str.contains(rf"^{STAMP}[\s,:|-]").fill_null(False).arg_true()
    if not len(at):
        return raw
    text = PlainText().parse(raw["message"].gather(at))
    return raw.with_columns(
        raw[name].scatter(at, text[name].fill_null(raw[name].gather(at)))
        for name in ("level", "service", "message")
    )


def _is_object(raw: pl.DataFrame) -> pl.Series:
    message = raw["message"].str.strip_chars_end()
    looks = message.str.starts_with("{") & message.str.ends_with("}")
    return (looks & ~message.str.contains("\n", literal=True)).fill_null(False)


def _with_time() -> pl.Expr:
    rest = pl.col("message").str.strip_chars_end().str.slice(1)
    return pl.concat_str(pl.lit(f'{{"{_TIME}":"'), "timestamp", pl.lit('",'), rest)


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
