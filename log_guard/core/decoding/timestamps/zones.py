"""Zones: wall-clock time to UTC, and between which times all lies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from log_guard.core.events import SECOND
from log_guard.errors import OptionError

Times = npt.NDArray[np.int64]
ToUtc = Callable[[pl.Series], Times]

ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
END = (datetime(2201, 1, 1, tzinfo=UTC) - ORIGIN) // timedelta(microseconds=1)
"""No time at or after this one is read, µs."""
UNREAD = -1
"""Marks rows without a result in arrays; no valid time is negative."""


def localiser(timezone: str) -> ToUtc:
    """A function from wall-clock times of a zone (Int64 µs, as if it were UTC) to µs UTC."""
    if timezone == "UTC":
        return lambda wall: wall.to_numpy()

    def utc(wall: pl.Series) -> pl.Series:
        local = wall.cast(pl.Datetime("us")).dt.replace_time_zone(
            timezone, ambiguous="earliest", non_existent="null"
        )
        return local.dt.epoch("us")

    def to_utc(wall: pl.Series) -> Times:
        times = utc(wall)
        if times.null_count():
            # Skipped by the clock. The earlier moment is the one by the offset after the gap, and a
            # day later that offset holds: no zone ever skipped more than a day.
            day = 86_400 * SECOND
            times = times.fill_null(utc(wall + day) - day)
        return times.fill_null(UNREAD).to_numpy()

    try:
        known = bool(timezone) and len(to_utc(pl.Series([0]))) == 1
    except pl.exceptions.ComputeError:
        known = False
    if not known:
        raise OptionError(f"timezone {timezone!r} is unknown: give a name like 'Europe/Berlin'")
    return to_utc


def offset_of(zone: str) -> int | None:
    """Microseconds east of UTC; None for no zone; ValueError for an offset of no clock."""
    if not zone:
        return None
    if zone in ("Z", "z", "UTC", "GMT"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    return (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60) * SECOND
