"""Layouts of single programs behind the time: what their lines say, without what stands around it."""

from __future__ import annotations

import polars as pl

from log_guard.core.decoding.formats.matching import cut, groups
from log_guard.core.decoding.formats.requests import MARKS, with_requests

# PostgreSQL's csvlog: the ninth column before the message is the severity, the one between them the SQLSTATE.
_CSV = (
    r'(?s)^(?:[A-Z]{1,5})?,(?:"[^"]*")?,.{0,400}?,(?P<level>DEBUG|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC)[1-5]?,'
    r'[0-9A-Z]{5},"(?P<message>(?:[^"]|"")*)"'
)

# ASP.NET Core's console: the message stands below its category.
_DOTNET = (
    r"(?s)^(?:(?P<level>trce|dbug|info|warn|fail|crit): )?[\w.+`]+\[[0-9]+\]\n\s+(?P<message>.*)$"
)

# TiDB and its kin: every part is in brackets, and data in brackets is masked.
_TIDB = r'^\[[\w./-]+:[0-9]+\] \["((?:[^"\\]|\\.)*)"\]'


_MARKS = rf',"|\]\n |\] \["|{MARKS}'
"""One of these stands in each of their messages, and is found much quicker."""


def with_programs(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with the messages of such programs taken apart."""
    may = raw["message"].str.contains(_MARKS).fill_null(False)
    at = may.arg_true()
    if not len(at):
        return raw
    raw = with_requests(taken_apart(taken_apart(raw, may, _CSV), may, _DOTNET), at)
    bare = raw["message"].gather(at).str.replace(_TIDB, "${1}")
    return raw.with_columns(raw["message"].scatter(at, bare))


def taken_apart(raw: pl.DataFrame, are: pl.Series, pattern: str) -> pl.DataFrame:
    """``raw`` with what the named groups of a pattern find in the messages of some rows (``are``, Boolean).

    If none of them is the message, what stands behind all that the pattern matches is.
    """
    at = are.fill_null(False).arg_true()
    if not len(at):
        return raw
    head, rest = cut(raw["message"].gather(at), pattern)
    found = groups(head, pattern)
    if "message" not in found.columns:
        found = found.with_columns(message=rest.zip_with(head != "", head.replace("", None)))
    return raw.with_columns(
        raw[read.name].scatter(at, read.fill_null(raw[read.name].gather(at)))
        for read in found.get_columns()
    )
