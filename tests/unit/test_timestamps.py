"""Timestamps: every rendering of an instant reads back as that instant, alone or in company."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from log_guard.core.decoding.timestamps import parse_timestamps
from log_guard.core.decoding.timestamps.one_by_one import read_distinct
from log_guard.core.decoding.timestamps.zones import localiser
from log_guard.errors import OptionError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2200, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def parse(*texts: str | None, zone: str = "UTC", reference: int | None = None) -> list[int | None]:
    raw = pl.Series(texts, dtype=pl.String)
    return parse_timestamps(raw, timezone=zone, reference=reference).to_list()


LATE_2026 = micros(datetime(2026, 12, 30, tzinfo=UTC))


def trimmed(t: datetime) -> str:
    fraction = f".{t:%f}".rstrip("0").rstrip(".")
    return f"{t:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def milliseconds(t: datetime) -> str:
    return f"{t.microsecond // 1000:03d}"


# A rendering of an instant in UTC, and to how many microseconds it cuts the instant.
RENDERINGS: dict[str, tuple[Callable[[datetime], str], int]] = {
    "ISO": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}Z", 1),
    "ISO, milliseconds": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{milliseconds(t)}Z", 1000),
    "ISO, nanoseconds": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}999Z", 1),
    "ISO, tenths": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{t.microsecond // 100_000}Z", 100_000),
    "ISO, no last zeros": (trimmed, 1),
    "ISO, seconds": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S}Z", 10**6),
    "ISO, lower case": (lambda t: f"{t:%Y-%m-%dt%H:%M:%S}z", 10**6),
    "ISO, no zone": (lambda t: f"{t:%Y-%m-%dT%H:%M:%S.%f}", 1),
    "Python logging": (lambda t: f"{t:%Y-%m-%d %H:%M:%S},{milliseconds(t)}", 1000),
    "apt": (lambda t: f"{t:%Y-%m-%d  %H:%M:%S}", 10**6),
    "slashes": (lambda t: f"{t:%Y/%m/%d %H:%M:%S}", 10**6),
    "offset after a space": (lambda t: f"{t:%Y-%m-%d %H:%M:%S} +0000", 10**6),
    "zone name after a space": (lambda t: f"{t:%Y-%m-%d %H:%M:%S.%f} UTC", 1),
    "common log format": (lambda t: f"{t:%d/%b/%Y:%H:%M:%S} +0000", 10**6),
    "ctime": (lambda t: f"{t:%a %b} {t.day:2d} {t:%H:%M:%S.%f %Y}", 1),
    "with hyphens": (lambda t: f"{t:%d-%b-%Y %H:%M:%S.%f}", 1),
    "RFC 2822": (lambda t: f"{t:%a, %d %b %Y %H:%M:%S} GMT", 10**6),
    "java.util.logging": (lambda t: f"{t:%b} {t.day}, {t:%Y %I:%M:%S %p}", 10**6),
    "a newer one": (
        lambda t: f"{t:%b} {t.day}, {t:%Y}, {t.hour % 12 or 12}:{t:%M:%S}\u202f{t:%p}",
        10**6,
    ),
    "device syslog": (lambda t: f"{t:%b} {t.day:2d} {t:%Y %H:%M:%S}", 10**6),
}


@pytest.mark.parametrize("name", RENDERINGS)
@given(instants=st.lists(INSTANTS, min_size=1, max_size=6))
@example(instants=[datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)])
def test_a_rendering_reads_back(name: str, instants: list[datetime]) -> None:
    render, cut = RENDERINGS[name]
    assert parse(*map(render, instants)) == [micros(t) // cut * cut for t in instants]


@given(INSTANTS, st.integers(-14 * 60, 14 * 60))
def test_offsets_are_taken_off(instant: datetime, minutes: int) -> None:
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse(f"{local:%Y-%m-%dT%H:%M:%S.%f%z}") == [micros(instant)]
    assert parse(local.isoformat(sep=" ", timespec="microseconds")) == [micros(instant)]
    assert parse(f"{local:%d/%b/%Y:%H:%M:%S %z}") == [micros(instant) // 10**6 * 10**6]


@given(INSTANTS, st.sampled_from([0, 3, 6, 9]), st.booleans())
def test_epoch_numbers_are_told_apart_by_magnitude(
    instant: datetime, power: int, with_decimals: bool
) -> None:
    instant = instant.replace(year=max(instant.year, 1974))  # before, ms look like seconds
    time = micros(instant)
    nanoseconds = time * 1000 + 789
    whole, decimals = divmod(nanoseconds, 10 ** (9 - power))
    if with_decimals and power < 9:
        assert parse(f"{whole}.{decimals:0{9 - power}d}") == [time]
    else:
        assert parse(str(whole)) == [whole * 10**9 // 10**power // 1000]


def test_an_exponent_is_read_exactly() -> None:
    assert parse("1.767225600123456E9", "1.767225600123456789e+18") == [1767225600123456] * 2


JANUARY = 1767225600_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "yesterday",
        "2026-01-01",
        "2026-01-01T",
        "2026-01-01T00:00",
        "2026-02-30T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "Jan 1, 2026 13:00:00 PM",
        "Jan 1, 2026 0:00:00 AM",
        "2026-00-01T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00.+12Z",
        "2026-01-01T00:00:00. 12Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00X",
        "2026-01-01T00:00:00 -12 degrees",
        " 026-01-01T00:00:00Z",
        "+2026-1-01T00:00:00Z",
        "2026- 1-01T00:00:00Z",
        "2026-01-01T 1:00:00Z",
        "٢026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.١23Z",  # noqa: RUF001 - foreign digits are the point
        "1969-12-31T23:59:59Z",
        "2201-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "30/Feb/2026:00:00:00 +0000",
        "Feb 30 00:00:00",
        "Nov 31 00:00:00",
        "-1",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e99",
        "0x10",
        "1_000",
        "١",  # noqa: RUF001 - foreign digits are the point
        "99999999999999999999",
        "20260101120000",
        "nan",
        "1,5",
        "1.2.3",
    ],
)
def test_what_is_no_timestamp_is_null(text: str) -> None:
    good = "2026-01-01T00:00:00Z"
    assert parse(text, reference=LATE_2026) == [None]
    assert parse(good, text, None, reference=LATE_2026) == [JANUARY, None, None]


def test_the_ends_of_the_years_accepted() -> None:
    texts = ("1970-01-01T00:00:00Z", "0", "2200-12-31T23:59:59.999999Z")
    assert parse(*texts) == [0, 0, micros(datetime(2200, 12, 31, 23, 59, 59, 999_999, UTC))]


def test_spaces_around_do_not_matter() -> None:
    assert parse(" 2026-01-01T00:00:00Z\n", "\t1767225600 ") == [JANUARY, JANUARY]


def test_no_rows_and_no_text() -> None:
    assert parse() == []
    assert parse(None, None) == [None, None]
    nothing = parse_timestamps(pl.Series("when", [None], dtype=pl.Null))
    assert nothing.name == "when"
    assert nothing.dtype == pl.Int64


class TestYearlessTexts:
    def test_are_null_without_a_reference(self) -> None:
        assert parse("Nov  3 23:36:28") == [None]

    @pytest.mark.parametrize("text", ["Nov  3 23:36:28", "Nov 03 23:36:28", "Nov 3 23:36:28"])
    def test_are_of_the_year_of_the_reference(self, text: str) -> None:
        expected = micros(datetime(2026, 11, 3, 23, 36, 28, tzinfo=UTC))
        assert parse(text, reference=LATE_2026) == [expected]

    def test_of_december_read_in_january_are_of_the_year_before(self) -> None:
        january = micros(datetime(2027, 1, 3, tzinfo=UTC))
        assert parse("Dec 31 23:59:59", "Jan  1 00:00:01", reference=january) == [
            micros(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
            micros(datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ]

    def test_may_lie_a_day_ahead_for_clocks_and_zones_differ(self) -> None:
        new_year = micros(datetime(2026, 12, 31, 20, tzinfo=UTC))
        assert parse("Jan  1 08:00:00", "Jan  2 08:00:00", reference=new_year) == [
            micros(datetime(2027, 1, 1, 8, tzinfo=UTC)),
            micros(datetime(2026, 1, 2, 8, tzinfo=UTC)),
        ]

    @given(INSTANTS)
    def test_of_the_last_year_read_back(self, instant: datetime) -> None:
        instant = instant.replace(microsecond=0)
        later = instant + timedelta(days=300)
        text = instant.strftime("%b %e %H:%M:%S")
        assert parse(text, reference=micros(later)) == [micros(instant)]

    def test_know_leap_years(self) -> None:
        assert parse("Feb 29 00:00:00", "Feb 30 00:00:00", reference=LATE_2026) == [
            micros(datetime(2024, 2, 29, tzinfo=UTC)),
            None,
        ]


class TestLocalTimes:
    @given(instant=INSTANTS, zone=st.sampled_from(["Asia/Kolkata", "Asia/Tokyo", "Etc/GMT+5"]))
    def test_are_of_the_zone_given(self, instant: datetime, zone: str) -> None:
        if instant.year > 1973:  # since then these zones have not changed
            local = instant.astimezone(ZoneInfo(zone))
            assert parse(f"{local:%Y-%m-%d %H:%M:%S.%f}", zone=zone) == [micros(instant)]

    def test_do_not_touch_texts_that_name_a_zone(self) -> None:
        texts = ("2026-01-01T00:00:00Z", "1767225600", "2026-01-01 01:00:00")
        assert parse(*texts, zone="Europe/Berlin") == [JANUARY] * 3

    @pytest.mark.parametrize(
        ("zone", "text", "earliest"),
        [
            ("Europe/Berlin", "2026-10-25 02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
            ("Europe/Berlin", "2026-03-29 02:30:00", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
            ("Pacific/Apia", "2011-12-30 12:00:00", datetime(2011, 12, 29, 22, tzinfo=UTC)),
        ],
        ids=["shown twice", "skipped", "a skipped day"],
    )
    def test_of_two_meanings_take_the_earlier(
        self, zone: str, text: str, earliest: datetime
    ) -> None:
        assert parse(text, zone=zone) == [micros(earliest)]
        assert parse("Nov  3 23:36:28", text, zone=zone) == [None, micros(earliest)]

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "europe/berlin"])
    def test_of_an_unknown_zone_are_an_error(self, zone: str) -> None:
        with pytest.raises(OptionError, match="Europe/Berlin"):
            parse(zone=zone)


@st.composite
def near_timestamps(draw: st.DrawFn) -> str:
    """A rendering, perhaps with one character changed, dropped or doubled."""
    render, _ = RENDERINGS[draw(st.sampled_from(sorted(RENDERINGS)))]
    text = render(draw(INSTANTS))
    at = draw(st.integers(0, len(text) - 1))
    change = draw(st.sampled_from(["", text[at] * 2, "+", " ", "0", "9", ".", "é", text[at]]))
    return text[:at] + change + text[at + 1 :]


TEXTS = st.one_of(
    st.none(),
    near_timestamps(),
    INSTANTS.map(lambda t: str(micros(t))),
    INSTANTS.map(lambda t: repr(t.timestamp())),
    st.text("0123456789-/:.,TZ +e", max_size=30),
    st.text(max_size=30),
)


@given(st.lists(TEXTS, max_size=40), st.sampled_from(["UTC", "America/New_York"]), st.data())
def test_a_row_does_not_depend_on_its_neighbours(
    texts: list[str | None], zone: str, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(texts)))
    together = parse(*texts, zone=zone, reference=LATE_2026)
    head, tail = texts[:cut], texts[cut:]
    apart = parse(*head, zone=zone, reference=LATE_2026) + parse(
        *tail, zone=zone, reference=LATE_2026
    )
    assert together == apart
    alone = [parse(each, zone=zone, reference=LATE_2026)[0] for each in texts]
    assert together == alone


@given(st.lists(near_timestamps() | TEXTS.filter(bool), min_size=1), st.integers(1971, 2199))
def test_columns_read_as_the_reading_by_text_does(texts: list[str], year: int) -> None:
    raw = pl.Series(texts, dtype=pl.String)
    reference = micros(datetime(year, 12, 30, tzinfo=UTC))
    by_text = read_distinct(raw, localiser("America/New_York"), reference).tolist()
    by_column = parse(*texts, zone="America/New_York", reference=reference)
    assert by_column == [None if time < 0 else time for time in by_text]
