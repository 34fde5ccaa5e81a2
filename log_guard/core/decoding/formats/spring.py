"""Spring Boot's layout of a line: ``TIME LEVEL PID --- [application] [thread] logger : message``.

What stands before the message is much the same in every line, and told twice where it is part of it. The name of
the application, written since Spring Boot 3.2 if it has one, is the service.
"""

from __future__ import annotations

import polars as pl

from log_guard.core.decoding.formats.programs import taken_apart
from log_guard.core.decoding.levels import LEVEL_WORD
from log_guard.core.decoding.timestamps import ISO

_MARK = "--- ["

# The application, its group and the ids of a trace may be missing. A thread has 15 characters, the ids 49: longer
# than any thread, so that a thread before them is not taken for an application.
_LINE = (
    rf"^(?:{ISO}\s+(?P<level>{LEVEL_WORD})\s+)?(?:[0-9]+ +)?--- "
    r"(?:\[(?P<service>[^\[\]\n]+)\] (?:\[[^\[\]\n]+\] )?)?\[[^\[\]\n]{0,32}\] (?:\[[ 0-9a-fA-F-]{33,}\] ?)?"
    r"\S+ *: "
)


def with_spring(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with the messages that are of this layout taken apart."""
    return taken_apart(raw, raw["message"].str.contains(_MARK, literal=True), _LINE)
