"""What flows in: raw batches, the event table, dead letters.

An event table is a polars frame with the columns of :data:`EVENT_SCHEMA`, a row an event. Times
are whole microseconds since 1970-01-01 UTC everywhere in the core: integers compare, subtract and
divide exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import polars as pl

SECOND = 1_000_000
"""Microseconds in a second: the core's unit of time is the microsecond."""


class Level(IntEnum):
    """Severity in the order of OpenTelemetry's ranges; 0 where the log does not say."""

    UNSPECIFIED = 0
    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


EVENT_SCHEMA: dict[str, pl.DataType] = {
    "time": pl.Int64(),  # event time, microseconds UTC
    "level": pl.UInt8(),  # a Level
    "service": pl.String(),
    "message": pl.String(),
    "position": pl.UInt64(),  # line number (files, from 1) or offset (Kafka) of the raw record
}

SPAN_SCHEMA: dict[str, pl.DataType] = {
    name: kind for name, kind in EVENT_SCHEMA.items() if name != "message"
} | {"begin": pl.Int64(), "end": pl.Int64()}
"""An event table whose messages still lie in an array of bytes, between ``begin`` and ``end``; its
services may be an Enum."""

Bytes = npt.NDArray[np.uint8]

UNKNOWN_SERVICE = "unknown_service"
"""OpenTelemetry's name for a service that did not give one."""


@dataclass(frozen=True, slots=True)
class RawBatch:
    """A run of physical lines from one source, in order.

    data:       the lines, newline-separated (a last newline is optional).
    first:      position of the first line; the following ones count up from it.
    source:     which file or partition; positions are unique within it.
    multiline:  lines that do not start an event continue the one before (files only). Whoever
                makes such a batch cuts it only before a line that starts an event.
    positions:  position of each line where they do not just count up (Kafka offsets have gaps).
    torn:       it is one line without its end, at which the source broke off: no event.
    """

    data: bytes
    first: int
    source: int = 0
    multiline: bool = False
    positions: np.ndarray | None = None
    torn: bool = False


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that is no event: kept with its reason and its place, so that nothing vanishes."""

    reason: str
    position: int
    source: int
    raw: bytes
    """The record as it came, cut to :data:`DEAD_LETTER_BYTES`."""


DEAD_LETTER_BYTES = 4096
"""How much of a dead letter's raw text is kept."""
