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


def parsed(records: pl.Series, pattern: str, reason: str) -> pl.DataFrame:
    """Rows of the named groups ``timestamp``, ``level``, ``service``, ``message`` of a pattern."""
    groups = (
        records.to_frame("record")
        .select(pl.col("record").str.extract_groups(pattern).alias("g"))
        .unnest("g")
    )
    missing = [
        pl.lit(None, dtype=pl.String).alias(n) for n in RAW_SCHEMA if n not in groups.columns
    ]
    rows = groups.with_columns(missing)
    absent = pl.col("timestamp").is_null()
    return rows.with_columns(pl.when(absent).then(pl.lit(reason)).alias("reason")).select(
        list(RAW_SCHEMA)
    )
