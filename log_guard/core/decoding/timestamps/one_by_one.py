"""One text at a time: the reading that decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import polars as pl

from log_guard.core.decoding.timestamps.layouts import CALENDAR, EPOCH, MONTHS
from log_guard.core.decoding.timestamps.zones import END, ORIGIN, UNREAD, Times, ToUtc, offset_of
from log_guard.core.events import SECOND

_AHEAD = 86_400 * SECOND
"""How far a text without a year may lie after its reference: zones differ, and so do clocks."""

UNIT_LIMITS = (10**11, 10**14, 10**17)
"""Where the epoch numbers in seconds, milliseconds and microseconds end."""


def read_distinct(text: pl.Series, to_utc: ToUtc, reference: int | None) -> Times:
    """Read each distinct text once; UNREAD where it is no timestamp, (n,)."""
    distinct = text.unique()
    latest = None if reference is None else reference + _AHEAD
    year = 0 if latest is None else (ORIGIN + timedelta(microseconds=latest)).year
    readings = [_read(each, latest, year) for each in distinct]
    times = np.array([time for time, _ in readings], dtype=np.int64)
    local = np.array([is_local for _, is_local in readings], dtype=np.bool_)
    times[local] = to_utc(pl.Series(times[local]))
    times[(times < 0) | (times >= END)] = UNREAD
    return text.replace_strict(distinct, pl.Series(times)).to_numpy()


def _read(text: str, latest: int | None, year: int) -> tuple[int, bool]:
    """Microseconds (any negative number: no timestamp), and whether they are wall-clock time.

    A text without a year lies at ``latest`` (µs, in this ``year``) or before it.
    """
    text = text.strip()
    if EPOCH.fullmatch(text):
        number = Fraction(text)
        return min(int(number * SECOND / _units_per_second(number)), END), False
    for pattern in CALENDAR:
        if found := pattern.fullmatch(text):
            return _read_calendar(found.groupdict(), latest, year)
    return UNREAD, False


def _units_per_second(number: Fraction) -> int:
    """The unit of an epoch number, which is of our time if its magnitude is that of the unit."""
    return int(1000 ** sum(number >= limit for limit in UNIT_LIMITS))


def _read_calendar(part: dict[str, str | None], latest: int | None, year: int) -> tuple[int, bool]:
    if named := part.get("year"):
        return _moment(part, int(named if len(named) == 4 else f"20{named}"))
    if latest is None:
        return UNREAD, False
    # Eight years hold a 29th of February, whichever they are.
    for each in range(year, year - 9, -1):
        time, is_local = _moment(part, each)
        if 0 <= time <= latest:
            return time, is_local
    return UNREAD, False


def _hour(hour: int, half: str | None) -> int:
    """Hour of the day; ``half`` None: it is one already. ValueError where a clock of 12 hours has no such one."""
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + 12 * (half == "PM")


def _moment(part: dict[str, str | None], year: int) -> tuple[int, bool]:
    month = part["month"] or ""
    try:
        wall = datetime(
            year,
            MONTHS[month] if month in MONTHS else int(month),
            int(part["day"] or 0),
            _hour(int(part["hour"] or 0), part.get("half")),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            tzinfo=UTC,  # for now: the zone, if there is one, comes off below
        )
        offset = offset_of((part.get("zone") or "").strip())
    except ValueError:
        return UNREAD, False
    microsecond = int((part.get("fraction") or "").ljust(6, "0")[:6])
    time = (wall - ORIGIN) // timedelta(microseconds=1) + microsecond
    return (time, True) if offset is None else (time - offset, False)
