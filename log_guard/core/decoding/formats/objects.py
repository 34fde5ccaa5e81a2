"""Messages that are a record of JSON themselves: the line has the time, and the record the rest."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.json_record import ALIASES

_TIME = "line.time"
"""Under this name the time of the line is put into the record."""

_NAMES = replace(ALIASES, timestamp=(_TIME,))
RECORDS = JsonLines(keys=_NAMES, fields=_NAMES)

_MESSAGE = rf'"(?:{"|".join(name for name in ALIASES.message if "." not in name)})"[ \t]*:'


def records_within(raw: pl.DataFrame, at: pl.Series) -> pl.Series:
    """Records of these rows, with the time of the line in them."""
    rest = pl.col("message").str.strip_chars_end().str.slice(1)
    return raw[at].select(pl.concat_str(pl.lit(f'{{"{_TIME}":"'), "timestamp", pl.lit('",'), rest))[
        :, 0
    ]


def are_objects(raw: pl.DataFrame) -> pl.Series:
    """Which rows, by their numbers."""
    at = raw["message"].str.starts_with("{").fill_null(False).arg_true()
    if not len(at):
        return at
    message = raw["message"].gather(at).str.strip_chars_end()
    return at.filter(message.str.ends_with("}") & ~message.str.contains("\n", literal=True))


def with_objects(raw: pl.DataFrame, inner: JsonLines = RECORDS) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with messages that are objects read as such, but for their times."""
    return _with_objects(raw, are_objects(raw), inner)


def with_told_objects(raw: pl.DataFrame) -> pl.DataFrame:
    """The same for objects that have a message: the body of an answer, logged as such, has none."""
    at = are_objects(raw)
    if len(at):
        at = at.filter(raw["message"].gather(at).str.contains(_MESSAGE))
    return _with_objects(raw, at, RECORDS)


def _with_objects(raw: pl.DataFrame, at: pl.Series, inner: JsonLines) -> pl.DataFrame:
    if not len(at):
        return raw
    objects = records_within(raw, at)
    read = inner.parse_data("\n".join(objects.to_list()).encode(), len(objects))
    fit = read["reason"].is_null()
    at, read = at.filter(fit), read.filter(fit)
    return raw.with_columns(
        raw[name].scatter(at, read[name].fill_null(raw[name].gather(at)))
        for name in ("level", "service", "message")
    )
