"""Access logs of nginx and Apache: the common and the combined log format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.decoding.formats.matching import sniffed
from log_guard.core.decoding.formats.status import CLASSES, LEVELS
from log_guard.core.decoding.timestamps import CLF

_LINE = (
    rf"(?s)^\S+ \S+ .*?\[(?P<timestamp>{CLF})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>[1-5][0-9]{2}) (?P<size>[0-9]+|-)(?: .*)?$'
)


@dataclass(frozen=True)
class NginxAccess:
    """A request an event.

    The class of the status makes the level (5xx ERROR, 4xx WARN, else INFO) and, as numbers are
    masked in templates, stands in the message as a word. nginx's 499 is a class of its own: a client that
    went away before it was answered made no mistake, and many of them have another cause than a scan's 404s.
    """

    name: str = "nginx"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _LINE)

    def parse(self, records: pl.Series) -> pl.DataFrame:
        line = records.to_frame("record").select(pl.col("record").str.extract_groups(_LINE))
        gone = pl.col("status") == "499"
        status_class = pl.when(gone).then(pl.lit("gone")).otherwise(pl.col("status").str.head(1))
        unread = pl.col("timestamp").is_null()
        return (
            line.unnest("record")
            .select(
                timestamp="timestamp",
                level=status_class.replace(LEVELS),
                service=pl.lit(None, dtype=pl.String),
                message=pl.format(
                    "{} -> {} {}, {} bytes",
                    "request",
                    status_class.replace(CLASSES),
                    "status",
                    "size",
                ),
                reason=pl.when(unread).then(pl.lit("not an access log line")),
            )
            .select(list(RAW_SCHEMA))
        )
