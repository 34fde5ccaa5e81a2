"""Syslog: RFC 3164, RFC 5424, and RFC 3164 with an ISO timestamp as rsyslog and systemd write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.formats.json_record import SYSLOG_WORDS
from log_guard.core.formats.matching import sniffed
from log_guard.core.levels import LEVEL_WORD
from log_guard.core.timestamps import BSD, ISO

_RSYSLOG = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_APP = r"[^\s\[\]:]{1,128}"
_OLD = rf"(?s)^(?:<(?<pri>[0-9]{{1,3}})>)?(?<timestamp>{BSD}|{_RSYSLOG}) (?<host>\S+) (?<service>{_APP})(?:\[[^\]]*\])?: ?(?<message>.*)$"
_NEW = (
    rf"(?s)^<(?<pri>[0-9]{{1,3}})>1 (?<timestamp>{ISO}|-) (?<host>\S+) (?<service>\S+) \S+ \S+ "
    r'(?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?(?:\u{FEFF})?(?<message>.*)$'
)


@dataclass(frozen=True)
class Syslog:
    """The service is the program; the level comes from the priority, where there is one."""

    name: str = "syslog"
    starts_event: str | None = rf"^(?:<[0-9]{{1,3}}>(?:1 )?)?(?:{BSD}|{_RSYSLOG}|-) "

    def sniff(self, lines: Sequence[str]) -> float:
        # What stands where the host should be must not be a level: then it is an application's log.
        old = _OLD.replace("?<", "?P<").replace(
            r"(?P<host>\S+)", rf"(?!\[?(?:{LEVEL_WORD})\b)(?P<host>\S+)"
        )
        return sniffed(lines, rf"{old}|^<[0-9]{{1,3}}>1 (?:{ISO}|-) ")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        old = _groups(records, _OLD)
        new = _groups(records, _NEW).rename(lambda name: f"new_{name}")
        both = pl.concat([old, new], how="horizontal")

        def either(name: str) -> pl.Expr:
            return pl.coalesce(f"new_{name}", name)

        severity = (either("pri").cast(pl.Int64) % 8).cast(pl.String)
        words = {str(n): word for n, word in enumerate(SYSLOG_WORDS)}
        service = either("service")
        return both.select(
            either("timestamp").alias("timestamp"),
            severity.replace(words).alias("level"),
            pl.when(service != "-").then(service).alias("service"),
            either("message").alias("message"),
            pl.when(either("timestamp").is_null())
            .then(pl.lit("not a syslog line"))
            .alias("reason"),
        )


def _groups(records: pl.Series, pattern: str) -> pl.DataFrame:
    return (
        records.to_frame("record")
        .select(pl.col("record").str.extract_groups(pattern).alias("g"))
        .unnest("g")
    )
