"""Access logs of nginx and Apache: the common and the combined log format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.formats.matching import sniffed
from log_guard.core.timestamps import CLF

_LINE = rf'^\S+ \S+ .*?\[(?<timestamp>{CLF})\] "(?<request>[^"]*)" (?<status>[1-5][0-9]{{2}}) (?<size>\S+)(?<rest>.*)$'


@dataclass(frozen=True)
class NginxAccess:
    """A request an event.

    The class of the status makes the level (5xx ERROR, 4xx WARN, else INFO) and, as numbers are
    masked in templates, stands in the message as a word.
    """

    name: str = "nginx"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _LINE.replace("?<", "?P<"))

    def parse(self, records: pl.Series) -> pl.DataFrame:
        raw = (
            records.to_frame("record")
            .select(pl.col("record").str.extract_groups(_LINE).alias("g"))
            .unnest("g")
        )
        kind = pl.col("status").str.head(1)
        words = {
            "1": "informational",
            "2": "ok",
            "3": "redirect",
            "4": "client-error",
            "5": "server-error",
        }
        levels = {"1": "INFO", "2": "INFO", "3": "INFO", "4": "WARN", "5": "ERROR"}
        message = pl.format(
            "{} -> {} {}, {} bytes", "request", kind.replace(words), "status", "size"
        )
        return raw.select(
            "timestamp",
            kind.replace(levels).alias("level"),
            pl.lit(None, dtype=pl.String).alias("service"),
            message.alias("message"),
            pl.when(pl.col("timestamp").is_null())
            .then(pl.lit("not an access log line"))
            .alias("reason"),
        )
