"""Plain text whose timestamp is not the first word: ``INFO 2026-...``, klog, Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.embedded import EMBEDDED, with_embedded
from log_guard.core.decoding.formats.matching import cut, groups, sniffed
from log_guard.core.decoding.formats.plain import level_and_message
from log_guard.core.decoding.formats.programs import with_programs
from log_guard.core.decoding.timestamps import CLF, CTIME, DOTTED, ISO, KLOG, MAIL

_COLOUR = r"\x1b\[[0-9;]*m"
_EPOCH = r"[12][0-9]{9}(?:\.[0-9]{1,9})?|[12][0-9]{12}"
_BARE = rf"{MAIL}|{DOTTED}"  # stamps that plain text does not know
_STAMP = rf"{ISO}|{CLF}|{CTIME}|{_BARE}"

# Not \s: whoever cuts batches looks at bytes, where a no-break space is no space.
_LETTER = r"[^ \t\r\n\x0b\x0c\x1b]"

# One to three short words, or colours: lines that begin with the timestamp itself are plain text.
_BEFORE = (
    rf"(?:(?:{_COLOUR})*{_LETTER}{{1,64}}(?:{_COLOUR})*[ \t]+){{1,3}}?(?:{_COLOUR})*|(?:{_COLOUR})+"
)
BEGINS = (
    rf"(?:[IWEF]{KLOG}|\[?(?:{_EPOCH})\]?[ \t]|[\[(]?(?:{_BARE})|(?:{_BEFORE})[\[(]?(?:{_STAMP}))"
)

_HEAD = (
    rf"^(?:(?P<level>[IWEF])(?P<klog>{KLOG})|\[?(?P<epoch>{_EPOCH})\]?"
    rf"|[\[(]?(?P<bare>{_BARE})[\])]?|(?P<before>{_BEFORE})[\[(]?(?P<stamp>{_STAMP})[\])]?)"
    r"(?:\s+|[,:|-]+(?:\s+|$))*"
)

_REDIS = r"^[0-9]+:[XCSM] $"
_REDIS_LEVELS = {". ": "debug", "- ": "debug", "* ": "info", "# ": "warn"}


@dataclass(frozen=True)
class Prefixed:
    """A few words, timestamp, message; the words are the beginning of the message.

    Tried last: it claims only what begins in no other way.
    """

    name: str = "prefixed"
    starts_event: str | None = rf"^{BEGINS}|{EMBEDDED}"

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, f"^{BEGINS}")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        # An access line, too, has three words before its time.
        begins = records.str.contains(f"^{BEGINS}") & ~records.str.contains(EMBEDDED)
        head, rest = cut(records.set(~begins, None), _HEAD)
        line = groups(head, _HEAD).with_columns(rest)
        before = pl.col("before")
        text = line.select(pl.concat_str(before.fill_null(""), "rest")).to_series()
        text = text.str.replace_all(_COLOUR, "").str.strip_chars_start(" \t")
        level, message = level_and_message(text)
        mark = pl.when(before.str.contains(_REDIS)).then(pl.col("rest").str.head(2))
        redis = mark.replace_strict(_REDIS_LEVELS, default=None)
        timestamp = pl.coalesce("klog", "epoch", "bare", "stamp")
        raw = line.with_columns(said=level, message=message).select(
            timestamp=timestamp,
            level=pl.coalesce("level", "said", redis),
            service=pl.lit(None, dtype=pl.String),
            message="message",
            reason=pl.when(timestamp.is_null()).then(pl.lit("no timestamp")),
        )
        return with_embedded(records, with_programs(raw))
