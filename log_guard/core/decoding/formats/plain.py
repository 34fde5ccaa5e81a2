"""Plain text with a leading timestamp: Python's logging, log4j, Spring Boot, dpkg and their many kin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.embedded import EMBEDDED, with_embedded
from log_guard.core.decoding.formats.jul import with_jul
from log_guard.core.decoding.formats.matching import cut, groups, sniffed
from log_guard.core.decoding.formats.nginx import GIN
from log_guard.core.decoding.formats.objects import with_told_objects
from log_guard.core.decoding.formats.programs import with_programs
from log_guard.core.decoding.formats.spring import with_spring
from log_guard.core.decoding.levels import LEVEL_THREE, LEVEL_WORD
from log_guard.core.decoding.timestamps import CLF, CTIME, ISO, JUL, SHORT

STAMP = rf"[\[(]?({ISO}|{CLF}|{CTIME}|{JUL}|{SHORT})[\])]?"
_RED = r"(?:\x1b\[31m)?"
"""Of what Gin writes of a panic that was stopped."""
_HEAD = rf"^{_RED}{STAMP}(?:\s+|[,:|-]+(?:\s+|$))*"
_SPACES = " \t\n\r\x0b\x0c\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_BEHIND = f"{_SPACES},:|-])"
"""All that may stand between a timestamp and what follows it."""

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
        head, rest = cut(records, _HEAD)
        stamp = head.str.strip_prefix("\x1b[31m").str.strip_chars_start("[(")
        stamp = stamp.str.strip_chars_end(_BEHIND).replace("", None)
        level, message = level_and_message(rest)
        columns = {"timestamp": stamp, "level": level, "message": message}
        is_read = pl.col("timestamp").is_not_null()
        raw = pl.DataFrame(columns).select(
            "timestamp",
            level=pl.when(is_read).then("level"),
            service=pl.lit(None, dtype=pl.String),
            message=pl.when(is_read).then("message"),
            reason=pl.when(~is_read).then(pl.lit("no timestamp")),
        )
        return with_embedded(records, with_told_objects(with_programs(with_jul(with_spring(raw)))))


def level_and_message(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Level near the beginning of each text, null if there is none, and the text without it, (n,) String each."""
    head, without = cut(texts, _LEVEL)
    found = groups(head, _LEVEL)
    both = found.with_columns(without).select(
        level=pl.coalesce("2", "3", "4", "5"),
        message=pl.concat_str(pl.col("1").fill_null(""), "rest"),
    )
    return both["level"], both["message"]
