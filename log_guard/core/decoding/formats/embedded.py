"""Records of other formats among lines of text: several programs, or one that changed its mind, in one file.

A whole JSON object with a time, a logfmt line that begins with one, or a line of an access log is a record
of its own and no line of the stack trace of the event before. Only what has a time: the body of an
answer, logged below its line, has none.
"""

from __future__ import annotations

import polars as pl

from log_guard.core.decoding.formats.base import RAW_COLUMNS, Format
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.logfmt import Logfmt
from log_guard.core.decoding.formats.nginx import GIN, HAPROXY, NginxAccess
from log_guard.core.decoding.timestamps import CLF, ISO

_TIMES = r"@?timestamp|Timestamp|@t|ts|time|datetime|eventTime|event_time|asctime"
_CLIENT = r'\S{1,255} \S{1,64} [^\n\["]{1,128} '
_FORMATS: tuple[tuple[str, Format], ...] = (
    (
        rf'\{{[ \t]*"(?:[^\n]*[^\\\n]")?(?:{_TIMES})"[ \t]*:[^\n]*\}}[ \t\r]*(?:\n|$)',
        JsonLines(),
    ),
    (
        rf'(?:(?:level|lvl|logger|caller)=[^ \t="]{{1,128}} ){{0,3}}(?:time|ts|t|timestamp)="?{ISO}"?[ \t]',
        Logfmt(),
    ),
    (f"{GIN}|{HAPROXY}", NginxAccess()),
    (rf'{_CLIENT}\[{CLF}\] "', NginxAccess()),
)

RECORD = "|".join(begins for begins, _ in _FORMATS)
NO_OBJECT = "|".join(begins for begins, _ in _FORMATS[1:])
"""The same for those that are not JSON, both without the beginning of the line."""
EMBEDDED = f"^(?:{RECORD})"
"""Regular expression of a line that begins such a record (Rust and Python syntax)."""
ACCESS = rf"\[GIN\] ([0-9/]{{10}} - [0-9:]{{8}}) \||(?:[0-9a-fA-F.:]{{3,45}}:[0-9]{{1,5}} |{_CLIENT})\[({CLF})[\].]"
"""Of one of an access log; its time is the first or the second group, the first as Gin writes it."""


def with_embedded(records: pl.Series, raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with the records of other formats read as such.

    What follows their first line stays with their message.
    """
    unread = raw["reason"].is_not_null().arg_true()
    if not len(unread):
        return raw
    head = records.gather(unread).str.splitn("\n", 2).struct.unnest()
    for begins, format_ in _FORMATS:
        mine = head["field_0"].str.contains(f"^(?:{begins})").fill_null(False).arg_true()
        if not len(mine):
            continue
        read = format_.parse(head["field_0"].gather(mine))
        rest = head["field_1"].gather(mine)
        read = read.with_columns(message=read["message"] + ("\n" + rest).fill_null(""))
        at = unread.gather(mine)
        raw = raw.with_columns(raw[name].scatter(at, read[name]) for name in RAW_COLUMNS)
    return raw
