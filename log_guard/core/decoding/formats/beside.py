"""Lines that a program writes beside those of its format: text with a time, or none, among its requests or its JSON."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import polars as pl

from log_guard.core.decoding.formats.base import RAW_COLUMNS
from log_guard.core.decoding.formats.embedded import ACCESS, EMBEDDED
from log_guard.core.decoding.formats.plain import STAMP, PlainText

_TIMED = rf"^{STAMP}(?:[\s,:|\[-]|$)|{EMBEDDED}"

_CLOCK = re.compile("[0-9]:[0-9]{2}:[0-9]{2}")
"""All of these have a time of day, but for some JSON."""

# What begins a stack trace, whose further lines belong to it though some are not indented.
_TRACE = (
    r"^(?:Traceback \(|panic: |fatal error: |goroutine [0-9]+ \[|Exception in thread "
    r"|(?:[\w$]+\.)*[A-Z][\w$]*(?:Error|Exception)\b)"
)


def with_text_beside(
    raw: pl.DataFrame, records_at: Callable[[pl.Series], list[str]], *, but: str = ""
) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with the records that could not be read and are text with a time read as such.

    records_at:  records of rows, by their numbers.
    but:         what begins with this is looked at no more ("": all is).
    """
    at = raw["reason"].is_not_null().arg_true()
    if not len(at):
        return raw
    # Few have a time, and a large expression takes longer to be made ready than they to be read.
    texts = {
        i: text
        for i, text in zip(at.to_list(), records_at(at), strict=True)
        if (_CLOCK.search(text) or text.startswith("{")) and not (but and text.startswith(but))
    }
    if not texts:
        return raw
    at, records = pl.Series(list(texts)), pl.Series(list(texts.values()), dtype=pl.String)
    timed = records.str.contains(_TIMED)
    at, records = at.filter(timed), records.filter(timed)
    if not len(at):
        return raw
    read = PlainText().parse(records)
    fit = read["reason"].is_null()
    at, read = at.filter(fit), read.filter(fit)
    return raw.with_columns(raw[name].scatter(at, read[name]) for name in RAW_COLUMNS)


def with_times(
    lines: pl.Series, starts: pl.Series, before: str = ""
) -> tuple[pl.Series, pl.Series]:
    """Lines without a time below a request's, with its time put before them; and which lines start an event now.

    Nothing is said of a request in further lines: they are events of their own, printed at that time. Indented ones
    and those of a stack trace continue the one before.

    lines, starts:  lines, and which of them start an event (Boolean), (n,) each.
    before:         regular expression of what stands before each line, such as a container's name; may be empty.
    """
    if starts.all():
        return lines, starts
    begins = starts.to_numpy()
    own = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), -1))
    at = np.flatnonzero(~begins & (own >= 0))
    heads = lines.gather(own[at]).str.extract_groups(rf"^({before})(?:{ACCESS})")
    found = heads.struct.unnest().select(before="1", gin="2", clf="3")
    line = pl.col("line")
    rest = line.str.strip_prefix(pl.col("before"))
    frame = (
        found.with_columns(
            line=lines.gather(at),
            at=pl.Series(at),
            own=pl.Series(own[at]),
            stamp=pl.coalesce(pl.col("gin").str.replace(" - ", " ", literal=True), "clf"),
        )
        .filter(pl.col("stamp").is_not_null() & line.str.starts_with(pl.col("before")))
        .with_columns(rest=rest)
        .with_columns(trace=pl.col("rest").str.contains(_TRACE))
        .filter(((pl.col("trace").cum_sum() - pl.col("trace")) == 0).over("own"))
        .filter(pl.col("rest").str.contains(r"^\S"))
        .select("at", line=pl.concat_str("before", "stamp", pl.lit(" "), "rest"))
    )
    if frame.is_empty():
        return lines, starts
    put = frame["at"]
    return lines.clone().scatter(put, frame["line"]), starts.clone().scatter(put, True)
