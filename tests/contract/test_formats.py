"""What every log format promises. A new format joins by its line in the registry and samples here."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.events import Level
from log_guard.core.formats import FORMATS, recognise
from log_guard.core.formats.base import RAW_COLUMNS, RAW_SCHEMA
from log_guard.core.levels import normalise_levels
from log_guard.core.timestamps import parse_timestamps

NEW_YEAR = 1767225600_000_000  # 2026-01-01T00:00:00Z in microseconds
NAMES = sorted(FORMATS)


@dataclass(frozen=True)
class Sample:
    """A line in a format, and the event that it is."""

    format: str
    line: str
    message: str
    level: Level = Level.UNSPECIFIED
    service: str | None = None
    time: int | None = NEW_YEAR


SAMPLES = (
    Sample(
        "json",
        '{"timestamp": "2026-01-01T00:00:00Z", "level": "WARN", "service": "cart", "message": "slow"}',
        message="slow",
        level=Level.WARN,
        service="cart",
    ),
    Sample(
        "json",
        '{"level": 50, "time": 1767225600000, "name": "shop", "msg": "cart \\"7\\" is lost"}',
        message='cart "7" is lost',
        level=Level.ERROR,
        service="shop",
    ),
    Sample(
        "cri",
        "2026-01-01T00:00:00.000000000Z stdout F basket emptied",
        message="basket emptied",
    ),
    Sample(
        "cri",
        "2026-01-01T01:00:00.000000000+01:00 stderr P the first half of",
        message="the first half of",
    ),
    Sample("cri", "2026-01-01T00:00:00Z stdout F ", message=""),
    Sample(
        "nginx",
        '192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /a/b?q=1 HTTP/1.1" 200 512',
        message="GET /a/b?q=1 HTTP/1.1 -> ok 200, 512 bytes",
        level=Level.INFO,
    ),
    Sample(
        "nginx",
        '192.0.2.7 - ann [01/Jan/2026:01:00:00 +0100] "POST /x HTTP/2.0" 404 0 "-" "curl/8.1"',
        message="POST /x HTTP/2.0 -> client-error 404, 0 bytes",
        level=Level.WARN,
    ),
    Sample(
        "nginx",
        r'2001:db8::1 - - [01/Jan/2026:00:00:00 +0000] "GET /\"a\" HTTP/1.1" 503 - "-" "x \"y\"" 12ms',
        message=r"GET /\"a\" HTTP/1.1 -> server-error 503, - bytes",
        level=Level.ERROR,
    ),
    Sample(
        "nginx",
        r'192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "\x16\x03\x01" 400 157 "-" "-"',
        message=r"\x16\x03\x01 -> client-error 400, 157 bytes",
        level=Level.WARN,
    ),
    Sample(
        "logfmt",
        'ts=2026-01-01T00:00:00Z level=info msg="basket emptied" caller=main.go:12',
        message="basket emptied",
        level=Level.INFO,
    ),
    Sample(
        "logfmt",
        r'time="2026-01-01 00:00:00" lvl=error app=cart msg="said \"no\"\nand \\n left"',
        message='said "no"\nand \\n left',
        level=Level.ERROR,
        service="cart",
    ),
    Sample(
        "logfmt",
        'time=1767225600.0 msg="a level=debug time=7 in quotes" level=warn component=x',
        message="a level=debug time=7 in quotes",
        level=Level.WARN,
        service="x",
    ),
    Sample(
        "logfmt",
        'level=info ts=2026-01-01T00:00:00Z method=GET note="ts=1 level=x" status=200',
        message='method=GET note="ts=1 level=x" status=200',
        level=Level.INFO,
    ),
    Sample(
        "syslog",
        "Jan  1 00:00:00 web1 sshd[123]: Accepted key for ann",
        message="Accepted key for ann",
        service="sshd",
    ),
    Sample(
        "syslog",
        "<11>Jan 01 00:00:00 web1 cart: cannot: connect",
        message="cannot: connect",
        service="cart",
        level=Level.ERROR,
    ),
    Sample(
        "syslog",
        "2026-01-01T00:00:00.000000+00:00 web1 systemd[1]: Started cart.",
        message="Started cart.",
        service="systemd",
    ),
    Sample(
        "syslog",
        '<34>1 2026-01-01T00:00:00.000Z web1 su 77 ID47 [a@1 b="c \\] d"][e] failed for ann',
        message="failed for ann",
        service="su",
        level=Level.FATAL,
    ),
    Sample(
        "syslog",
        "<165>1 2026-01-01T01:00:00+01:00 - - - - - no header to speak of",
        message="no header to speak of",
        level=Level.INFO,
    ),
    Sample(
        "syslog",
        "<14>1 - web1 cart - - - clockless",
        message="clockless",
        service="cart",
        level=Level.INFO,
        time=None,
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00,000 - cart.orders - WARNING - basket is full",
        message="cart.orders - basket is full",
        level=Level.WARN,
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00.000 [main] INFO  com.example.Cart - basket emptied",
        message="[main] com.example.Cart - basket emptied",
        level=Level.INFO,
    ),
    Sample(
        "plain",
        "2026-01-01T00:00:00.000Z  INFO 1 --- [main] c.e.Cart : started",
        message="1 --- [main] c.e.Cart : started",
        level=Level.INFO,
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00.000 | ERROR    | cart:add:12 - no stock",
        message="cart:add:12 - no stock",
        level=Level.ERROR,
    ),
    Sample(
        "plain",
        "[2026-01-01 00:00:00] [DEBUG] tick",
        message="tick",
        level=Level.DEBUG,
    ),
    Sample(
        "plain",
        "2026/01/01 00:00:00 [error] 123#0: *1 upstream timed out",
        message="123#0: *1 upstream timed out",
        level=Level.ERROR,
    ),
    Sample(
        "plain",
        "[Thu Jan 01 00:00:00.000000 2026] [pid 7] AH00094: started",
        message="[pid 7] AH00094: started",
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00 INFO: basket emptied",
        message="basket emptied",
        level=Level.INFO,
    ),
    Sample(
        "plain",
        "2026-01-01T00:00:00Z <warn> device lost",
        message="device lost",
        level=Level.WARN,
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00 status installed foo:amd64 1.2.3",
        message="status installed foo:amd64 1.2.3",
    ),
    Sample("plain", "2026-01-01 00:00:00 there was an error", message="there was an error"),
    Sample(
        "plain",
        "2026-01-01 00:00:00 -5 degrees - ERROR - too cold",
        message="-5 degrees - too cold",
        level=Level.ERROR,
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00 ERROR lost\n  at cart.add(Cart:12)\n  INFO is no level here",
        message="lost\n  at cart.add(Cart:12)\n  INFO is no level here",
        level=Level.ERROR,
    ),
    Sample(
        "plain",
        "2026-01-01 00:00:00 lost\nERROR is no level here",
        message="lost\nERROR is no level here",
    ),
)

FOREIGN = (
    "",
    "Dear all,",
    "- one point of a list",
    "  at cart.add(Cart:12)",
    "1234567890",
    "key: value",
    "<html>",
    '["2026-01-01T00:00:00Z", 1]',
    "if x == 1: y = 2",
    "{broken",
)

TEXTS = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda data: data.decode(errors="replace")),
    st.sampled_from(SAMPLES).map(lambda sample: sample.line),
    st.tuples(st.sampled_from(SAMPLES), st.integers(0, 80), st.text(max_size=5)).map(
        lambda parts: parts[0].line[: parts[1]] + parts[2] + parts[0].line[parts[1] :]
    ),
)
RECORDS = st.lists(st.none() | TEXTS, max_size=12)


def parse(name: str, records: list[str | None]) -> pl.DataFrame:
    return FORMATS[name].parse(pl.Series("record", records, dtype=pl.String))


@pytest.mark.parametrize("name", NAMES)
def test_its_name_is_its_key(name: str) -> None:
    assert FORMATS[name].name == name == name.lower()


@pytest.mark.parametrize("name", NAMES)
@given(records=RECORDS)
def test_any_text_gives_a_row_a_record(name: str, records: list[str | None]) -> None:
    raw = parse(name, records)
    assert raw.schema == pl.Schema(RAW_SCHEMA)
    assert tuple(raw.columns) == RAW_COLUMNS
    assert raw.height == len(records)


@pytest.mark.parametrize("name", NAMES)
@given(records=RECORDS, cut=st.integers(0, 12))
def test_any_split_parses_alike(name: str, records: list[str | None], cut: int) -> None:
    apart = pl.concat([parse(name, records[:cut]), parse(name, records[cut:])])
    assert parse(name, records).equals(apart)


@pytest.mark.parametrize("name", NAMES)
@given(records=RECORDS)
def test_what_cannot_be_parsed_has_a_reason(name: str, records: list[str | None]) -> None:
    for row in parse(name, records).iter_rows(named=True):
        assert row["message"] is not None or row["reason"]


@pytest.mark.parametrize("name", NAMES)
@given(lines=st.lists(TEXTS, max_size=12))
def test_a_sniff_is_a_share(name: str, lines: list[str]) -> None:
    assert 0 <= FORMATS[name].sniff(lines) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_nothing_fits_nothing(name: str) -> None:
    assert FORMATS[name].sniff([]) == 0
    assert parse(name, []).height == 0


@pytest.mark.parametrize("name", NAMES)
def test_what_is_foreign_is_not_claimed(name: str) -> None:
    format_ = FORMATS[name]
    for text in FOREIGN:
        assert format_.sniff([text]) == 0, text
        assert parse(name, [text])["reason"][0], text


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"json"}))
def test_json_is_left_to_json(name: str) -> None:
    lines = [sample.line for sample in SAMPLES if sample.format == "json"]
    assert FORMATS[name].sniff(lines) == 0


def test_every_format_has_samples() -> None:
    assert {sample.format for sample in SAMPLES} == set(FORMATS)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.format}: {sample.line}")
class TestSamples:
    def test_is_the_event_it_says(self, sample: Sample) -> None:
        raw = parse(sample.format, [sample.line])
        assert raw["reason"].to_list() == [None]
        assert raw["message"].to_list() == [sample.message]
        assert raw["service"].to_list() == [sample.service]
        assert normalise_levels(raw["level"]).to_list() == [sample.level]
        times = parse_timestamps(raw["timestamp"], reference_year=2026)
        assert times.to_list() == [sample.time]

    def test_is_claimed(self, sample: Sample) -> None:
        first_line = sample.line.split("\n")[0]
        assert FORMATS[sample.format].sniff([first_line]) == 1

    def test_starts_an_event(self, sample: Sample) -> None:
        pattern = FORMATS[sample.format].starts_event
        if pattern is None:
            assert "\n" not in sample.line
        else:
            starts = pl.Series(sample.line.split("\n")).str.contains(pattern).to_list()
            assert starts == [i == 0 for i in range(len(starts))]

    def test_is_recognised(self, sample: Sample) -> None:
        recognised = recognise([sample.line.split("\n")[0]])
        assert recognised is not None
        assert recognised.name == sample.format
