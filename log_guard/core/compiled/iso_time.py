"""Timestamps in ISO 8601, compiled: the layouts that loggers write most."""

from __future__ import annotations

from log_guard.core.compiled.jit import kernel
from log_guard.core.events import Bytes

_SECOND = 1_000_000
_NO_OFFSET = 1 << 40


MINUTE = 17
"""Bytes of a text up to its seconds, which are mostly those of the text before."""


@kernel
def read_iso(text: Bytes, i: int, end: int, bare_utc: bool) -> int:
    """Read ``2026-01-01T12:00:00.123Z``: microseconds UTC, cut to whole ones; -1 for all else.

    Of what ``parse_timestamps`` reads this takes: dates with hyphens; ``T`` or a space; up to 9
    decimals after a point or a comma; ``Z``, an offset as ``+01:00`` or, if ``bare_utc``, no zone.
    """
    minute = read_minute(text, i, end)
    return read_within(text, i + MINUTE, end, minute, bare_utc) if minute >= 0 else -1


@kernel
def read_minute(text: Bytes, i: int, end: int) -> int:
    """Read such a text up to its seconds: microseconds, on its own clock; -1 if it is none."""
    if end - i < MINUTE + 2:
        return -1
    separators = text[i + 4] == ord("-") and text[i + 7] == ord("-")
    separators &= text[i + 10] == ord("T") or text[i + 10] == ord(" ")
    separators &= text[i + 13] == ord(":") and text[i + 16] == ord(":")
    century, year = _two(text, i), _two(text, i + 2)
    month, day = _two(text, i + 5), _two(text, i + 8)
    hour, minute = _two(text, i + 11), _two(text, i + 14)
    if not separators or min(century, year, hour, minute) < 0:
        return -1
    year += 100 * century
    if hour > 23 or minute > 59 or not 1970 < year < 2200:
        return -1
    days = _days(year, month, day)
    return (days * 86_400 + hour * 3_600 + minute * 60) * _SECOND if days >= 0 else -1


@kernel
def read_within(text: Bytes, i: int, end: int, minute: int, bare_utc: bool) -> int:
    """Read the rest of one from ``i`` on, of the time ``minute``: microseconds UTC; -1 if it is none."""
    if end - i < 2:
        return -1
    second = _two(text, i)
    if not 0 <= second <= 59:
        return -1
    time = minute + second * _SECOND
    i += 2
    if i < end and (text[i] == ord(".") or text[i] == ord(",")):
        i += 1
        start, unit = i, _SECOND // 10
        while i < end and ord("0") <= text[i] <= ord("9"):
            time += (int(text[i]) - 48) * unit
            unit //= 10
            i += 1
        if not 1 <= i - start <= 9:
            return -1
    offset = _offset(text, i, end, bare_utc)
    return time - offset * _SECOND if offset != _NO_OFFSET else -1


@kernel
def _two(text: Bytes, i: int) -> int:
    """Return the number of two digits, or a negative one."""
    tens, ones = int(text[i]) - 48, int(text[i + 1]) - 48
    return tens * 10 + ones if 0 <= tens <= 9 and 0 <= ones <= 9 else -1


@kernel
def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01, or -1 if the calendar has no such day."""
    if not 1 <= month <= 12 or day < 1:
        return -1
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 30 + (month + month // 8) % 2 if month != 2 else 28 + leap
    if day > longest:
        return -1
    # Years that begin in March end with the day that leaps.
    since_march = (month + 9) % 12
    year -= since_march >= 10
    whole = 365 * year + year // 4 - year // 100 + year // 400
    return whole + (since_march * 306 + 5) // 10 + day - 1 - 719_468


@kernel
def _offset(text: Bytes, i: int, end: int, bare_utc: bool) -> int:
    """Seconds east of UTC that the zone names."""
    if i == end:
        return 0 if bare_utc else _NO_OFFSET
    if end - i == 1 and text[i] == ord("Z"):
        return 0
    sign = text[i]
    if end - i != 6 or (sign != ord("+") and sign != ord("-")) or text[i + 3] != ord(":"):
        return _NO_OFFSET
    hours, minutes = _two(text, i + 1), _two(text, i + 4)
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return _NO_OFFSET
    seconds = hours * 3_600 + minutes * 60
    return seconds if sign == ord("+") else -seconds
