"""XML as log4j writes it: an ``<Event>`` of log4j 2, a ``<log4j:event>`` of log4j 1, mostly of several lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.decoding.formats.matching import sniffed

_TAG = r"^[ \t]*<(?:Event|log4j:event)[ \t]"
_EVENT = rf"(?s){_TAG}(?:[^>]*[ \t])?"
_MILLIS = rf'{_EVENT}(?:timeMillis|timestamp)="([0-9]+)"'
_INSTANT = r'<Instant [^>]*epochSecond="([0-9]+)"(?:[^>]*nanoOfSecond="([0-9]{1,9})")?'
_LEVEL = rf'{_EVENT}level="([A-Za-z]+)"'
_MESSAGE = r"(?s)<(?:log4j:m|M)essage(?:>|\s[^>]*>)(.*?)</(?:log4j:m|M)essage>"
_CDATA = r"(?s)^\s*<!\[CDATA\[(.*)\]\]>\s*$"
# Attributes of log4j 2 are in the order of the alphabet; log4j 1 writes all of a trace.
_THROWN = r'<Thrown [^>]*?\bmessage="([^"]*)"[^>]*\bname="([^"]*)"'
_BARE_THROWN = r'<Thrown [^>]*\bname="([^"]*)"'
_TRACE = r"(?s)<log4j:throwable>(.*?)</log4j:throwable>"
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#xD;": "", "&amp;": "&"}


@dataclass(frozen=True)
class Log4jXml:
    """Time, level and message of an event, and below it what was thrown, as in a stack trace."""

    name: str = "log4j-xml"
    starts_event: str | None = _TAG

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _TAG)

    def parse(self, records: pl.Series) -> pl.DataFrame:
        record = pl.col("record")
        instant = record.str.extract_groups(_INSTANT).struct
        exact = pl.format(
            "{}.{}", instant.field("1"), instant.field("2").fill_null("0").str.zfill(9)
        )
        thrown = record.str.extract_groups(_THROWN).struct
        told = pl.format("Caused by: {}: {}", thrown.field("2"), thrown.field("1"))
        cause = pl.coalesce(
            _text(record.str.extract(_TRACE, 1)),
            _text(told),
            pl.format("Caused by: {}", record.str.extract(_BARE_THROWN, 1)),
        )
        message = _text(record.str.extract(_MESSAGE, 1)).fill_null("")
        timestamp = pl.coalesce(record.str.extract(_MILLIS, 1), exact)
        is_event = record.str.contains(_TAG) & timestamp.is_not_null()
        return (
            records.to_frame("record")
            .select(
                timestamp=pl.when(is_event).then(timestamp),
                level=pl.when(is_event).then(record.str.extract(_LEVEL, 1)),
                service=pl.lit(None, dtype=pl.String),
                message=pl.when(is_event).then(
                    pl.coalesce(pl.format("{}\n{}", message, cause), message)
                ),
                reason=pl.when(~is_event.fill_null(False)).then(pl.lit("not an event of log4j's")),
            )
            .select(list(RAW_SCHEMA))
        )


def _text(content: pl.Expr) -> pl.Expr:
    """What XML says: as it stands in CDATA, or with entities read."""
    return pl.coalesce(content.str.extract(_CDATA, 1), content.str.replace_many(_ENTITIES))
