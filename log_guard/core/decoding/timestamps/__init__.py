"""Timestamps as text to whole microseconds UTC.

There is one reading of a timestamp, ``one_by_one``, which takes one text at a time. In front of it
stand two readings by column, a hundred times as fast, for the layouts that most logs have: ISO 8601
and epoch numbers. A column reading may leave a text to the other, but where it does read one it
gives the same answer, so a row's result never depends on the rows beside it.
"""

from log_guard.core.decoding.timestamps.layouts import (
    BSD,
    CLF,
    CTIME,
    DOTTED,
    ISO,
    JUL,
    KLOG,
    MAIL,
    SHORT,
)
from log_guard.core.decoding.timestamps.parsing import parse_timestamps

__all__ = [
    "BSD",
    "CLF",
    "CTIME",
    "DOTTED",
    "ISO",
    "JUL",
    "KLOG",
    "MAIL",
    "SHORT",
    "parse_timestamps",
]
