"""Syslog: RFC 3164, RFC 5424, and RFC 3164 with the ISO timestamp of rsyslog and systemd."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.cri import with_text
from log_guard.core.decoding.formats.embedded import EMBEDDED, with_embedded
from log_guard.core.decoding.formats.json_record import SYSLOG_WORDS
from log_guard.core.decoding.formats.matching import cut, groups, sniffed
from log_guard.core.decoding.formats.objects import with_told_objects
from log_guard.core.decoding.formats.programs import taken_apart
from log_guard.core.decoding.formats.requests import with_router
from log_guard.core.decoding.levels import LEVEL_THREE, LEVEL_WORD
from log_guard.core.decoding.timestamps import BSD, ISO

_PRIORITY = r"<(?P<pri>[0-9]{1,3})>"
_ISO_T = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_COUNTED = r"(?:[0-9]+: )?[*.]?"  # Cisco's number of the message, and whether its clock is right
_TIME = rf"^(?:{_PRIORITY}{_COUNTED})?(?P<timestamp>{BSD}|{_ISO_T}):? "
_HOST = r"[^\s\[\]]*[^\s\[\]:] "
_PROGRAM = r"(?P<service>[0-9]{0,20}[^\s\[\]:0-9%][^\s\[\]:]{0,127})"
_TAG = rf"{_PROGRAM}(?:\[[^\]\n]*\])?:(?: |$)"

# The tag may be missing: "last message repeated 2 times" has none. So may the host: Heroku writes the tag alone.
_OLD = rf"{_TIME}(?:{_HOST})?(?:{_TAG})?"
_NEW = (
    rf"(?s)^{_PRIORITY}1 (?:(?P<timestamp>{ISO})|-) \S+ (?:-|(?P<service>\S+)) \S+ \S+ "
    r'(?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+)'
    "(?: \ufeff?|$)"
)

_CISCO = (
    rf"(?s)^(?:[0-9]+: )?(?:\S+: )?[*.]?(?:{BSD}(?: [A-Z]{{3,4}})?: )?"
    r"(?P<message>%[A-Z0-9_]+(?:-[A-Z0-9_]+)*-(?P<level>[0-7])-[A-Z0-9_]+: .*)$"
)
_WORDS = {str(number): word for number, word in enumerate(SYSLOG_WORDS)}


def _groupless(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>|^\(\?s\)", lambda group: "(?:" if "P" in group[0] else "", pattern)


# An ISO timestamp is no proof. There must be a tag, and the host must not be a level: a line like
# "2026-01-01T00:00:00Z INFO com.example.Cart: started" is an application's own.
_NO_LEVEL = rf"(?!\[?(?:{LEVEL_WORD}|{LEVEL_THREE})\b)"
_TAGGED = _groupless(rf"{_TIME}{_NO_LEVEL}(?:{_HOST}{_TAG}|{_PROGRAM}\[[^\]\n]+\]: )")
_CLAIMED = rf"{_TAGGED}|^(?:<[0-9]{{1,3}}>{_COUNTED})?{BSD}:? \S+ |{_groupless(_NEW)}"


@dataclass(frozen=True)
class Syslog:
    """The service is the program; the level comes from the priority, where there is one.

    A message that is a line of its own (of an access log, text with a time, JSON) is read as such, but for its time.
    """

    name: str = "syslog"
    starts_event: str | None = (
        rf"^(?:<[0-9]{{1,3}}>{_COUNTED})?(?:{BSD}|{_ISO_T}):? |^<[0-9]{{1,3}}>1 |{EMBEDDED}"
    )

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _CLAIMED)

    def parse(self, records: pl.Series) -> pl.DataFrame:
        line = _parts(records, _OLD)
        is_new = records.str.contains(r"^<[0-9]{1,3}>1 ").fill_null(False)
        if is_new.any():
            at = is_new.arg_true()
            new = _parts(records.gather(at), _NEW)
            line = line.with_columns(line[name].scatter(at, new[name]) for name in line.columns)
        raw = line.select(
            "timestamp",
            level=(pl.col("pri").cast(pl.Int64) % 8).cast(pl.String).replace(_WORDS),
            service="service",
            message="message",
            reason=pl.when(pl.col("message").is_null()).then(pl.lit("not a syslog line")),
        )
        raw = taken_apart(raw, raw["message"].str.contains("%", literal=True), _CISCO)
        raw = raw.with_columns(pl.col("level").replace(_WORDS))
        return with_embedded(records, with_router(with_told_objects(with_text(raw))))


def _parts(records: pl.Series, pattern: str) -> pl.DataFrame:
    """Priority, timestamp, service and message, all null where the pattern does not match, (n,)."""
    head, message = cut(records, pattern)
    line = groups(head, pattern).with_columns(message)
    return line.with_columns(message=pl.when(head != "").then("rest")).drop("rest")
