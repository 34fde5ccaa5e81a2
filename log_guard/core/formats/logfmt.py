"""logfmt: ``time=... level=info msg="a b" caller=x``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.formats.matching import sniffed
from log_guard.core.timestamps import ISO

_VALUE = r'("(?:[^"\\]|\\.)*"|[^\s"]*)'
_TIME = ("timestamp", "time", "ts", "t", "@timestamp")
_LEVEL = ("level", "lvl", "severity")
_SERVICE = ("service", "app", "application", "component", "job")
_MESSAGE = ("msg", "message")


def _pair(names: tuple[str, ...]) -> str:
    return rf"(?:^|\s)(?:{'|'.join(names)})={_VALUE}"


@dataclass(frozen=True)
class Logfmt:
    """Pairs of keys and values; without a ``msg`` the pairs other than time and level are the message."""

    name: str = "logfmt"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        stamp = rf'(?:^|\s)(?:{"|".join(_TIME)})="?(?:{ISO}|[0-9.]{{9,}})"?(?:\s|$)'
        return sniffed(
            lines,
            rf'^[\w.@-]+=.*{stamp}|^(?:{"|".join(_TIME)})="?(?:{ISO}|[0-9.]{{9,}})"?\s[\w.]+=',
        )

    def parse(self, records: pl.Series) -> pl.DataFrame:
        record = pl.col("record")

        def value(names: tuple[str, ...]) -> pl.Expr:
            quoted = record.str.extract(_pair(names), 1)
            inner = quoted.str.strip_prefix('"').str.strip_suffix('"')
            plain = inner.str.replace_all(r"\\n", "\n").str.replace_all(r'\\(["\\])', "${1}")
            return pl.when(quoted.str.starts_with('"')).then(plain).otherwise(quoted)

        rest = record.str.replace(_pair(_TIME), "").str.replace(_pair(_LEVEL), "").str.strip_chars()
        time = value(_TIME)
        return records.to_frame("record").select(
            time.alias("timestamp"),
            value(_LEVEL).alias("level"),
            value(_SERVICE).alias("service"),
            pl.coalesce(value(_MESSAGE), rest).alias("message"),
            pl.when(time.is_null()).then(pl.lit("not a logfmt line with a time")).alias("reason"),
        )
