"""Plain text with a leading timestamp: Python's logging, log4j, Spring Boot, dpkg and their many kin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.decoding.formats.embedded import EMBEDDED, with_embedded
from log_guard.core.decoding.formats.jul import with_jul
from log_guard.core.decoding.formats.matching import sniffed
from log_guard.core.decoding.formats.nginx import GIN
from log_guard.core.decoding.formats.objects import with_told_objects
from log_guard.core.decoding.formats.programs import with_programs
from log_guard.core.decoding.formats.spring import with_spring
from log_guard.core.decoding.levels import LEVEL_THREE, LEVEL_WORD
from log_guard.core.decoding.timestamps import CLF, CTIME, ISO, JUL

STAMP = rf"[\[(]?({ISO}|{CLF}|{CTIME}|{JUL})[\])]?"
_RED = r"(?:\x1b\[31m)?"
"""Of what Gin writes of a panic that was stopped."""
_LINE = rf"(?s)^{_RED}{STAMP}(?:\s+|[,:|-]+(?:\s+|$))*(.*)$"

# The level stands near the beginning of the first line: in capitals, or in any case in brackets
# (prose is full of "error"). It is cut out, and so is what sets it off from the text behind it. A
# logger, a thread or a process before it stays in the message.
_BEFORE = r"(?:[^\s\[\]:]+(?:\[\w+\])?:?[ \t]+|\[[^\]\n]{0,60}\][ \t]*|-[ \t]+|\|[ \t]*){0,4}?"
_IN_BRACKETS = (
    r"[\[<(][ \t]*(?:\w+:)?"  # Apache names the module first: [core:error]
    r"((?i:trace|debug|info|information|note|notice|warning|warn|error|err|severe|fatal|critical|crit|alert|emerg)"
    rf"|{LEVEL_THREE})"
    r"[ \t]*[\])>]\s*(?:[-:|]+\s+)?"
)
_BARE = rf"\b({LEVEL_WORD}|{LEVEL_THREE})\b(?:\s*[-:|]+\s+|\s+|$)|\b(LOG):\s+"  # the last is PostgreSQL's
_BEFORE_TAB = r"((?i:debug|info|warn|error|dpanic|panic|fatal))\t"  # zap's, beside columns
_LEVEL = rf"^({_BEFORE})(?:{_IN_BRACKETS}|{_BARE}|{_BEFORE_TAB})"

_SAID_OF_IT = "DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT"
_GOES_ON = rf"{STAMP}(?:[^:\n]|:[^ \n])*[^A-Za-z]((?:{_SAID_OF_IT}):  )"
GOES_ON = f"^{_GOES_ON}"
"""Regular expression of a line that belongs to the one before, though it begins with a time (Rust and Python syntax).

PostgreSQL writes what there is to say of an error as lines of their own, one after another.
"""


def goes_on(lines: pl.Series) -> pl.Series:
    """Which lines are such, (n,) Boolean."""
    found = lines.str.contains(f"(?:{_SAID_OF_IT}):  ")  # much quicker, and nearly always no
    at = found.arg_true()
    return found.scatter(at, lines.gather(at).str.contains(GOES_ON)) if len(at) else found


def without_heads(records: pl.Series) -> pl.Series:
    """Records whose further lines are such without what stands before each, which their first line tells."""
    return records.str.replace_all(rf"\n{_GOES_ON}", "\n${2}")


@dataclass(frozen=True)
class PlainText:
    """Timestamp, perhaps a level, message; the service is the caller's to give, but where Spring Boot names it."""

    name: str = "plain"
    starts_event: str | None = rf"^{_RED}{STAMP}|{EMBEDDED}"

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, rf"^{STAMP}(?:[\s,:|\[-]|$)|^{GIN}")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        line = records.to_frame("record").select(
            pl.col("record").str.extract_groups(_LINE).struct.rename_fields(["timestamp", "rest"])
        )
        level, message = level_and_message(pl.col("rest"))
        no_stamp = pl.col("timestamp").is_null()
        raw = (
            line.unnest("record")
            .select(
                timestamp="timestamp",
                level=level,
                service=pl.lit(None, dtype=pl.String),
                message=message,
                reason=pl.when(no_stamp).then(pl.lit("no timestamp")),
            )
            .select(list(RAW_SCHEMA))
        )
        return with_embedded(records, with_told_objects(with_programs(with_jul(with_spring(raw)))))


def level_and_message(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Level near the beginning of a text, null if there is none, and the text without it."""
    level = text.str.extract_groups(_LEVEL).struct
    without = text.str.replace(_LEVEL, "")  # "${1}" would cost ten times as much
    message = pl.coalesce(pl.concat_str(level.field("1"), without), text)
    return pl.coalesce(*(level.field(n) for n in "2345")), message
