"""What the formats that are one regular expression share."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from log_guard.core.decoding.formats.base import RAW_SCHEMA


def sniffed(lines: Sequence[str], pattern: str) -> float:
    """Share of the lines that match, of those that are not blank and continue no event."""
    own = [line for line in lines if line.strip() and not line[:1].isspace()]
    return sum(re.search(pattern, line) is not None for line in own) / max(len(own), 1)


def cut(records: pl.Series, pattern: str) -> tuple[pl.Series, pl.Series]:
    """What a pattern that begins with ``^`` matches of each record, and what stands behind it, (n,) String each.

    Where it does not match: "", and all of the record. This is done several times as fast as the rest is found by a
    group, for groups cost the more the longer the text is that they are looked for in.
    """
    rest = records.str.replace(pattern, "").alias("rest")
    both = pl.DataFrame({"head": records, "rest": rest})
    return both.select(pl.col("head").str.strip_suffix(pl.col("rest")))["head"], rest


def groups(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """What the groups of a pattern find, a column each, (n,); quick where many texts are alike."""
    distinct = texts.unique()
    if 2 * len(distinct) >= len(texts):
        return _groups(texts, pattern)
    numbers = pl.int_range(len(distinct), dtype=pl.UInt32, eager=True)
    return _groups(distinct, pattern)[texts.replace_strict(distinct, numbers)]


def _groups(texts: pl.Series, pattern: str) -> pl.DataFrame:
    return texts.to_frame("g").select(pl.col("g").str.extract_groups(pattern)).unnest("g")


def parsed(records: pl.Series, head: str, reason: str) -> pl.DataFrame:
    """Rows of the named groups ``timestamp``, ``level``, ``service`` of a pattern of how records begin; the rest is the message."""
    begins, message = cut(records, head)
    rows = groups(begins, head)
    missing = [pl.lit(None, dtype=pl.String).alias(n) for n in RAW_SCHEMA if n not in rows.columns]
    absent = pl.col("timestamp").is_null()
    rows = rows.with_columns(missing).with_columns(message)
    return rows.with_columns(
        message=pl.when(~absent).then("rest"), reason=pl.when(absent).then(pl.lit(reason))
    ).select(list(RAW_SCHEMA))
