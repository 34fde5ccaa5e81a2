"""logfmt: ``time=... level=info msg="a b" caller=x``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats import status
from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.decoding.formats.matching import sniffed
from log_guard.core.decoding.timestamps import ISO

_KEYS = {
    "timestamp": ("timestamp", "time", "ts", "t", "@timestamp"),
    "level": ("level", "lvl", "severity", "sev"),
    "service": ("service", "app", "application", "component", "job", "svc"),
    "message": ("msg", "message", "txt"),
    "cause": ("error", "err", "exception"),
    "status": tuple(name for name in status.NAMES if name.startswith(("status", "http", "D"))),
}
_FIELDS = {key: field for field, keys in _KEYS.items() for key in keys}

_IS_STATUS = pl.col("field") == "status"

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n", r"\r": "\r", r"\t": "\t"}


def _pair(*fields: str) -> str:
    keys = "|".join(re.escape(key) for field in fields for key in _KEYS[field])
    return rf'(?:^|\s)(?:{keys})=(?:{_QUOTED}|[^\s"]*)'


# Quoted strings are consumed too, so that what stands in one is never taken for a pair.
_FOUND = rf"{_pair(*_KEYS)}|{_QUOTED}"
_CUT = rf"({_QUOTED})|{_pair('timestamp', 'level')}"

_TIME = rf'(?:{"|".join(_KEYS["timestamp"])})="?(?:{ISO}|[0-9.]{{9,}})"?(?:\s|$)'


@dataclass(frozen=True)
class Logfmt:
    """Pairs of keys and values, the first of a kind counts.

    Without a ``msg`` the pairs other than time and level are the message.
    """

    name: str = "logfmt"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, rf"^[\w.@-]+=.*\s{_TIME}|^{_TIME}[\w.@-]+=")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        table = records.to_frame("record").with_row_index("row")
        pairs = (
            table.select("row", pair=pl.col("record").str.extract_all(_FOUND))
            .explode("pair")
            .select("row", pl.col("pair").str.strip_chars_start().str.splitn("=", 2))
            .unnest("pair")
            .rename({"field_0": "key", "field_1": "value"})
            .with_columns(field=pl.col("key").replace_strict(_FIELDS, default=None))
            .filter(pl.col("field").is_not_null() & ~pl.col("value").is_in(["", '""']))
            .with_columns(_unquoted(pl.col("value")))
        )
        said = {text: status.said(text) for text in pairs.filter(_IS_STATUS)["value"].unique()}
        pairs = pairs.filter(~_IS_STATUS | pl.col("value").is_in([t for t in said if said[t]]))
        levels = {text: found[0] for text, found in said.items() if found}
        more = {text: found[1] for text, found in said.items() if found}
        for field in _KEYS:
            values = pairs.filter(pl.col("field") == field).unique("row", keep="first")
            table = table.join(
                values.select("row", pl.col("value").alias(field)),
                on="row",
                how="left",
                maintain_order="left",
            )
        unsaid = pl.when(pl.col("message").is_null()).then(pl.col("record"))
        rest = unsaid.str.replace_all(_CUT, "${1}").str.strip_chars()
        reason = pl.when(pl.col("timestamp").is_null()).then(
            pl.lit("not a logfmt line with a time")
        )
        # As in JSON (json_cause): below the message, so that it is shown and no part of the template.
        caused = pl.concat_str("message", pl.lit("\nCaused by: "), "cause")
        table = table.with_columns(
            message=pl.coalesce(caused, "message", rest),
            reason=reason,
            level=pl.coalesce("level", pl.col("status").replace_strict(levels, default=None)),
        )
        added = table["status"].replace_strict(more, default=None, return_dtype=pl.String)
        message = status.with_statuses(table["message"], added)
        return table.with_columns(message).select(list(RAW_SCHEMA))


def _unquoted(value: pl.Expr) -> pl.Expr:
    inner = value.str.slice(1).str.strip_suffix('"').str.replace_many(_ESCAPES)
    return pl.when(value.str.starts_with('"')).then(inner).otherwise(value)
