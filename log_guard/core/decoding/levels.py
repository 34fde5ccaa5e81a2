"""Levels as text or number to a :class:`Level`."""

from __future__ import annotations

import re

import polars as pl

from log_guard.core.events import Level

_WORDS: dict[Level, str] = {
    Level.TRACE: "trace trc trce verbose vrb finest finer t v",
    Level.DEBUG: "debug dbg dbug fine config d",
    Level.INFO: "info inf information informational notice note success log i n",
    Level.WARN: "warn warning wrn w",
    Level.ERROR: "error err fail severe e",
    Level.FATAL: "fatal ftl critical crit panic dpanic emerg emergency alert f c",
}
LEVEL_WORDS: dict[str, Level] = {
    word: level for level, words in _WORDS.items() for word in words.split()
}
"""Every accepted spelling, in lower case."""

LEVEL_WORD = "TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|SEVERE|FATAL|CRITICAL|PANIC"
"""Regular expression of the level words that are looked for in running text (upper case)."""

LEVEL_THREE = "VRB|TRC|DBG|INF|WRN|ERR|FTL"
"""Of those that Serilog and zerolog cut to three letters: a level only where one is expected."""

_SEEN_CHARS = 80
_BRACKETED = "trace|debug|info|information|note|notice|warning|warn|error|err|severe|fatal|critical|crit|panic|emerg|alert"
_INFERRED = (
    rf"\b(?:{LEVEL_WORD})\b"
    r"|\bLOG:"  # PostgreSQL's ordinary level; without the colon it is a word of any text
    rf"|[\[<(]\s*(?i:{_BRACKETED})\s*[\]>)]"
    r"|\b(?i:level|lvl|severity)=\"?[A-Za-z]+"
)

_AROUND = " \t\r\n[]<>():"
_NUMBER = re.compile(r"([0-9]{1,4})(?:\.[0-9]*)?")


def normalise_levels(raw: pl.Series) -> pl.Series:
    """Levels, (n,) String → (n,) UInt8; null and unknown ones become ``Level.UNSPECIFIED``.

    Words in any case, also in brackets. Numbers are those of pino and Bunyan, which count in tens
    from 10 (trace) to 60 (fatal), so 40 is WARN: loggers that write numbers into JSON are mostly
    these two, while Python's, where 40 is an error, write the word. Numbers of syslog and
    OpenTelemetry stand in fields of their own, and are words when they come here.
    """
    distinct = raw.unique().drop_nulls()
    levels = [int(level_of(text)) for text in distinct.to_list()]
    return raw.replace_strict(
        distinct,
        pl.Series(levels, dtype=pl.UInt8),
        default=int(Level.UNSPECIFIED),
        return_dtype=pl.UInt8,
    )


def level_of(text: str) -> Level:
    """Level that one text names."""
    word = text.strip(_AROUND).lower()
    if word in LEVEL_WORDS:
        return LEVEL_WORDS[word]
    if (found := _NUMBER.fullmatch(word)) and 10 <= int(found[1]) < 100:
        return Level(min(int(found[1]) // 10, 6))
    return Level.UNSPECIFIED


def infer_levels(messages: pl.Series) -> pl.Series:
    """Levels that the text itself names near its beginning, (n,) String → (n,) UInt8.

    Upper-case words, words in brackets, and ``level=word``, within the first 80 characters.
    """
    found = messages.str.head(_SEEN_CHARS).str.extract(_INFERRED, 0)
    # Few are distinct: the rest of the work is done by normalise_levels, once for each.
    return normalise_levels(found.str.replace(r'^\w+="?', ""))
