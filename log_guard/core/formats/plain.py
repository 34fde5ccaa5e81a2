"""Plain text with a leading timestamp: Python's logging, log4j, dpkg and their many kin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.formats.base import RAW_SCHEMA
from log_guard.core.formats.matching import sniffed
from log_guard.core.levels import LEVEL_WORD
from log_guard.core.timestamps import CLF, CTIME, ISO

_STAMP = rf"[\[(]?(?:{ISO}|{CLF}|{CTIME})[\])]?"
_LINE = rf"(?s)^[\[(]?({ISO}|{CLF}|{CTIME})[\])]?[\s,:|-]*(.*)$"

# The level stands near the beginning, alone or in brackets, perhaps between dashes; it and what sets
# it off are cut out. A logger, a thread or a process before it stays in the message.
_BEFORE = r"(?:[^\s\[\]:]+(?:\[\d+\])?:?\s+|\[[^\]\n]{0,60}\]\s*|-\s+|\|\s*){0,4}?"
_LEVEL = rf"^({_BEFORE})[\[<(]?\b({LEVEL_WORD}|(?i:trace|debug|info|notice|warning|warn|error|err|fatal|critical|crit|alert|emerg))\b[\])>]?(?:\s*[-:|]+\s+|:?\s+|$)"
_BARE = rf"^{_BEFORE}(?:[\[<(]|(?:{LEVEL_WORD})\b)"


@dataclass(frozen=True)
class PlainText:
    """Timestamp, perhaps a level, message; the service is the caller's to give."""

    name: str = "plain"
    starts_event: str | None = rf"^{_STAMP}"

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, rf"^{_STAMP}(?:[\s,:|-]|$)")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        cut = (
            records.to_frame("record")
            .select(pl.col("record").str.extract_groups(_LINE).alias("g"))
            .unnest("g")
            .rename({"1": "timestamp", "2": "rest"})
        )
        # A lower-case word is taken for a level only in brackets: prose is full of "error".
        rest = pl.when(pl.col("rest").str.contains(_BARE)).then(pl.col("rest"))
        found = cut.with_columns(rest.str.extract_groups(_LEVEL).alias("l")).unnest("l")
        level = pl.col("2")
        message = (
            pl.when(level.is_not_null())
            .then(pl.concat_str(pl.col("1"), pl.col("rest").str.replace(_LEVEL, "")))
            .otherwise(pl.col("rest"))
        )
        return found.select(
            "timestamp",
            level.alias("level"),
            pl.lit(None, dtype=pl.String).alias("service"),
            message.alias("message"),
            pl.when(pl.col("timestamp").is_null()).then(pl.lit("no timestamp")).alias("reason"),
        ).select(list(RAW_SCHEMA))
