"""Timestamps as text to whole microseconds UTC.

There is one reading of a timestamp, :func:`_read`, which takes one text at a time. In front of it
stand two readings by column, a hundred times as fast, for the layouts that most logs have: ISO 8601
and epoch numbers. A column reading may leave a text to :func:`_read`, but where it does read one it
gives the same answer, so a row's result never depends on the rows beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import polars as pl

from log_guard.core.events import SECOND
from log_guard.errors import OptionError

_DATE = r"(?P<year>[0-9]{4})(?P<sep>[-/])(?P<month>[0-9]{2})[-/](?P<day>[0-9]{2})"
_CLOCK = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FRACTION = r"(?:(?P<mark>[.,])(?P<fraction>[0-9]{1,9}))?"
_OFFSET = r"[+-][0-9]{2}(?::?[0-9]{2})?"
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_WEEKDAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"

_ISO = (
    rf"{_DATE}(?P<gap>[Tt ]){_CLOCK}{_FRACTION}"
    rf"(?P<zone>[Zz]|{_OFFSET}| (?:Z|UTC|GMT|[+-][0-9]{{2}}:?[0-9]{{2}}))?"
)
_CLF = rf"(?P<day>[0-9]{{2}})/{_MONTH}/(?P<year>[0-9]{{4}}):{_CLOCK}(?P<zone> {_OFFSET})?"
_BSD = rf"{_MONTH} (?P<day>[ 0-9]?[0-9]) (?:(?P<year>[0-9]{{4}}) )?{_CLOCK}{_FRACTION}"
_CTIME = rf"{_WEEKDAY} {_MONTH} (?P<day>[ 0-9]?[0-9]) {_CLOCK}{_FRACTION} (?P<year>[0-9]{{4}})"
_MAIL = (
    rf"(?:{_WEEKDAY}, )?(?P<day>[0-9]{{1,2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK}{_FRACTION}"
    rf"(?P<zone> (?:UTC|GMT|{_OFFSET}))?"
)
_DOTTED = rf"(?P<day>[0-9]{{2}})\.(?P<month>[0-9]{{2}})\.(?P<year>[0-9]{{4}}),? {_CLOCK}{_FRACTION}"
_KLOG = rf"(?P<month>[01][0-9])(?P<day>[0-3][0-9]) {_CLOCK}{_FRACTION}"
_CALENDAR = tuple(
    re.compile(pattern) for pattern in (_ISO, _CLF, _BSD, _CTIME, _MAIL, _DOTTED, _KLOG)
)
_EPOCH = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,30})?(?:[eE]\+?[0-9]{1,2})?")
_MONTHS = {name: 1 + i for i, name in enumerate(_MONTH[len("(?P<month>") : -1].split("|"))}


def _groupless(pattern: str) -> str:
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


ISO = _groupless(_ISO)
"""Regular expression, without groups, of ``2026-01-01T12:00:00.123Z`` and its kin. This and the
following are for formats that have to find where a timestamp ends (Rust and Python syntax)."""

CLF = _groupless(_CLF)
"""Of the common log format's ``23/Nov/2026:23:36:28 +0000``."""

BSD = _groupless(_BSD)
"""Of RFC 3164's ``Nov  3 23:36:28``; some devices put a year before the time of day."""

CTIME = _groupless(_CTIME)
"""Of Apache's error log: ``Mon Nov 23 23:36:28.123456 2026``."""

MAIL = _groupless(_MAIL)
"""Of RFC 2822's ``23 Nov 2026 23:36:28``, which Redis writes too, with a fraction."""

DOTTED = _groupless(_DOTTED)
"""Of ``23.11.2026 23:36:28``; a date with slashes and the year at its end has two meanings."""

KLOG = _groupless(_KLOG)
"""Of Kubernetes' own ``1123 23:36:28.123456``, which names no year."""

_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)
_END = (datetime(2201, 1, 1, tzinfo=UTC) - _ORIGIN) // timedelta(microseconds=1)
_AHEAD = 86_400 * SECOND
"""How far a text without a year may lie after its reference: zones differ, and so do clocks."""
_UNREAD = -1
"""Marks rows without a result in the arrays below; no valid time is negative."""

_UNIT_LIMITS = (10**11, 10**14, 10**17)
"""Where the epoch numbers in seconds, milliseconds and microseconds end."""

_POWERS_OF_TEN = 10 ** np.arange(10, dtype=np.int64)

_SAMPLES = 4
"""How often a batch is tried by column, each time in the layout of another unread row."""

_Times = npt.NDArray[np.int64]
_ToUtc = Callable[[pl.Series], _Times]


def parse_timestamps(
    raw: pl.Series, *, timezone: str = "UTC", reference: int | None = None
) -> pl.Series:
    """Read timestamps.

    Accepted are ISO 8601 (``T`` or a space, ``-`` or ``/`` in the date, a fraction of 1 to 9 digits
    after ``.`` or ``,``; ``Z``, ``UTC``, ``GMT``, an offset or no zone), epoch numbers (seconds,
    milli-, micro- or nanoseconds, told apart by magnitude), the common log format, RFC 3164
    (syslog), ``ctime``, RFC 2822, dates with dots (day first) and klog. A date alone is not a moment and is not accepted.

    raw:             texts, String [n].
    timezone:        IANA name of the zone of texts that name none. A local time that the clock
                     shows twice, or skips, is read as the earlier of the two possible moments.
    reference:       when the texts were written at the latest, µs UTC. Those that name no year
                     (RFC 3164) are of the last year in which they lie no more than a day after it,
                     so that December, read in January, is of the year before. Without it they
                     are null.

    Returns Int64 [n]: microseconds since 1970-01-01 UTC, cut (not rounded) to whole ones; null
    where the text is null, no timestamp, no date of the calendar, or outside the years 1970-2200.

    Raises OptionError if ``timezone`` is unknown.
    """
    text = raw.cast(pl.String)
    to_utc = _localiser(timezone)
    times = np.full(len(text), _UNREAD, dtype=np.int64)
    has_text = text.is_not_null().to_numpy() if text.null_count() else np.ones(len(text), np.bool_)
    unread = np.flatnonzero(has_text)
    for i in range(_SAMPLES):
        if not len(unread):
            break
        rest = text if len(unread) == len(text) else text.gather(unread)
        if read := _column_reading(rest[len(rest) * i // _SAMPLES], to_utc):
            times[unread] = read(rest)
            unread = unread[times[unread] == _UNREAD]
    if len(unread):
        times[unread] = _read_distinct(text.gather(unread), to_utc, reference)
    result = pl.Series(raw.name, times)
    return result.set(result == _UNREAD, None) if (times == _UNREAD).any() else result


def _localiser(timezone: str) -> _ToUtc:
    """A function from wall-clock times of a zone (Int64 µs, as if it were UTC) to µs UTC."""
    if timezone == "UTC":
        return lambda wall: wall.to_numpy()

    def utc(wall: pl.Series) -> pl.Series:
        local = wall.cast(pl.Datetime("us")).dt.replace_time_zone(
            timezone, ambiguous="earliest", non_existent="null"
        )
        return local.dt.epoch("us")

    def to_utc(wall: pl.Series) -> _Times:
        times = utc(wall)
        if times.null_count():
            # Skipped by the clock. The earlier moment is the one by the offset after the gap, and a
            # day later that offset holds: no zone ever skipped more than a day.
            day = 86_400 * SECOND
            times = times.fill_null(utc(wall + day) - day)
        return times.fill_null(_UNREAD).to_numpy()

    try:
        known = bool(timezone) and len(to_utc(pl.Series([0]))) == 1
    except pl.exceptions.ComputeError:
        known = False
    if not known:
        raise OptionError(f"timezone {timezone!r} is unknown: give a name like 'Europe/Berlin'")
    return to_utc


# One text at a time: the reading that decides.


def _read_distinct(text: pl.Series, to_utc: _ToUtc, reference: int | None) -> _Times:
    distinct = text.unique()
    latest = None if reference is None else reference + _AHEAD
    year = 0 if latest is None else (_ORIGIN + timedelta(microseconds=latest)).year
    readings = [_read(each, latest, year) for each in distinct]
    times = np.array([time for time, _ in readings], dtype=np.int64)
    local = np.array([is_local for _, is_local in readings], dtype=np.bool_)
    times[local] = to_utc(pl.Series(times[local]))
    times[(times < 0) | (times >= _END)] = _UNREAD
    return text.replace_strict(distinct, pl.Series(times)).to_numpy()


def _read(text: str, latest: int | None, year: int) -> tuple[int, bool]:
    """Microseconds (any negative number: no timestamp), and whether they are wall-clock time.

    A text without a year lies at ``latest`` (µs, in this ``year``) or before it.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        number = Fraction(text)
        return min(int(number * SECOND / _units_per_second(number)), _END), False
    for pattern in _CALENDAR:
        if found := pattern.fullmatch(text):
            return _read_calendar(found.groupdict(), latest, year)
    return _UNREAD, False


def _units_per_second(number: Fraction) -> int:
    """The unit of an epoch number, which is of our time if its magnitude is that of the unit."""
    return int(1000 ** sum(number >= limit for limit in _UNIT_LIMITS))


def _read_calendar(part: dict[str, str | None], latest: int | None, year: int) -> tuple[int, bool]:
    if part.get("year"):
        return _moment(part, int(part["year"] or 0))
    if latest is None:
        return _UNREAD, False
    # Eight years hold a 29th of February, whichever they are.
    for each in range(year, year - 9, -1):
        time, is_local = _moment(part, each)
        if 0 <= time <= latest:
            return time, is_local
    return _UNREAD, False


def _moment(part: dict[str, str | None], year: int) -> tuple[int, bool]:
    month = part["month"] or ""
    try:
        wall = datetime(
            year,
            _MONTHS[month] if month in _MONTHS else int(month),
            int(part["day"] or 0),
            int(part["hour"] or 0),
            int(part["minute"] or 0),
            int(part["second"] or 0),
            tzinfo=UTC,  # for now: the zone, if there is one, comes off below
        )
        offset = _offset((part.get("zone") or "").strip())
    except ValueError:
        return _UNREAD, False
    microsecond = int((part.get("fraction") or "").ljust(6, "0")[:6])
    time = (wall - _ORIGIN) // timedelta(microseconds=1) + microsecond
    return (time, True) if offset is None else (time - offset, False)


def _offset(zone: str) -> int | None:
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


# By column: what most logs have.


def _column_reading(sample: str, to_utc: _ToUtc) -> Callable[[pl.Series], _Times] | None:
    """The reading by column for texts laid out like the sample, if there is one."""
    if _EPOCH.fullmatch(sample):
        return _read_epochs
    found = _CALENDAR[0].fullmatch(sample)
    if found is None:
        return None
    zone = found["zone"] or ""
    try:
        offset = _offset(zone.strip())
    except ValueError:
        return None
    head = sample[: 20 if found["mark"] else 19]
    return lambda text: _read_isos(text, head, zone, offset, to_utc)


def _read_isos(text: pl.Series, head: str, zone: str, offset: int | None, to_utc: _ToUtc) -> _Times:
    """Read ISO 8601 texts with the separators of ``head`` and exactly this ``zone``.

    The head, a text up to the mark of its fraction, repeats from row to row: it is read once a run
    of equal heads. The fraction does not repeat, but is only an integer between known places.
    """
    parts = text.to_frame("text").select(  # one query: each costs as much as a thousand rows
        head=pl.col("text").str.head(len(head)),
        size=pl.col("text").str.len_bytes().cast(pl.Int64),
        is_zone=pl.col("text").str.ends_with(zone),
    )
    runs = parts["head"].rle().struct.unnest()
    seconds = np.repeat(_read_heads(runs["value"], head, offset, to_utc), runs["len"].to_numpy())
    read = (seconds != _UNREAD) & parts["is_zone"].to_numpy()
    width = parts["size"].to_numpy() - (len(head) + len(zone))
    if len(head) == 19:
        return np.where(read & (width == 0), seconds, _UNREAD)
    alike = bool((width == width[0]).all())  # slices of one width are cut twice as fast
    digits = text.str.slice(len(head), int(width[0]) if alike else pl.Series(width.clip(0)))
    billionths, is_fraction = _read_fractions(digits, width)
    return np.where(read & is_fraction, seconds + billionths // 1000, _UNREAD)


def _read_heads(heads: pl.Series, like: str, offset: int | None, to_utc: _ToUtc) -> _Times:
    date, gap, mark = like[4], like[10], like[19:]
    two, sixty = "[0-9]{2}", "[0-5][0-9]"
    layout = f"%Y{date}%m{like[7]}%d{gap}%H:%M:%S{mark}"
    # strptime alone would take spaces, signs and a 60th second.
    exact = f"^[0-9]{{4}}{date}{two}{like[7]}{two}{gap}{two}:{sixty}:{sixty}{re.escape(mark)}$"
    wall = pl.col("head").str.to_datetime(layout, time_unit="us", strict=False, cache=True)
    read = heads.to_frame("head").select(
        wall=wall.dt.epoch("us").fill_null(_UNREAD), is_head=pl.col("head").str.contains(exact)
    )
    times = to_utc(read["wall"]) if offset is None else read["wall"].to_numpy() - offset
    is_time = read["is_head"].to_numpy() & (read["wall"].to_numpy() != _UNREAD)
    return np.where(is_time & (times >= 0) & (times < _END), times, _UNREAD)


def _read_fractions(digits: pl.Series, width: _Times) -> tuple[_Times, npt.NDArray[np.bool_]]:
    """Billionths from the ``width`` digits after the mark, and where that could be done."""
    number, is_number = _integers(digits)
    scale = _POWERS_OF_TEN[9 - width.clip(0, 9)]
    return number * scale, is_number & (width <= 9)


def _integers(digits: pl.Series) -> tuple[_Times, npt.NDArray[np.bool_]]:
    """Values of texts that are digits (0 for others), and which ones are."""
    number = digits.cast(pl.Int64, strict=False)
    # The cast also takes a leading sign; signs sort before the digits.
    is_number = (digits >= "0").to_numpy()
    if number.null_count():
        is_number = is_number & number.is_not_null().to_numpy()
        number = number.fill_null(0)
    return number.to_numpy(), is_number


def _read_epochs(text: pl.Series) -> _Times:
    """Read epoch numbers: digits, with up to 9 decimals."""
    parts = text.str.split_exact(".", 1).struct.unnest()
    number, read = _integers(parts["field_0"])
    unit = np.searchsorted(_UNIT_LIMITS, number, side="right")
    times = number * np.array([10**6, 10**3, 1, 1])[unit] // np.array([1, 1, 1, 10**3])[unit]
    if parts["field_1"].null_count() < len(parts):
        decimals = parts["field_1"].fill_null("0")
        billionths, is_fraction = _read_fractions(decimals, decimals.str.len_bytes().to_numpy())
        read &= is_fraction
        times += billionths // np.array([10**3, 10**6, 10**9, 10**9])[unit]
    return np.where(read & (times >= 0) & (times < _END), times, _UNREAD)
