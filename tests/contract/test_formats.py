"""The suite that every format passes; a new format adds its samples to ``format_samples.py``."""

from __future__ import annotations

import re
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS, recognise
from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.events import SECOND, Level, RawBatch
from tests.contract.format_samples import FOREIGN, SAMPLES, UNSAID, T
from tests.streams import START


@pytest.mark.parametrize(("name", "sample", "level", "service", "message"), SAMPLES)
def test_a_sample_is_read(name: str, sample: str, level: Level, service: str, message: str) -> None:
    decoder = Decoder(FORMATS[name], service=UNSAID, reference=START + 300 * 86_400 * SECOND)
    decoded = decoder.decode(RawBatch(sample.encode(), 7))
    assert decoded.dead == []
    assert decoded.events.row(0, named=True) == {
        "time": START,
        "level": level,
        "service": service,
        "message": message,
        "position": 7,
    }


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample, *_ in SAMPLES])
def test_a_sample_is_recognised(name: str, sample: str) -> None:
    assert FORMATS[name].sniff([sample]) == 1.0
    found = recognise([sample, sample])
    assert found is not None
    assert found.name == name


def test_a_program_that_logs_its_requests_too_has_no_access_log() -> None:
    request = (
        "2026-01-01 00:00:00,123 INFO [aiohttp.access] 10.0.0.1 [01/Jan/2026:00:00:00 +0000] "
        '"POST /charge HTTP/1.1" 500 171 "-" "python-requests/2.34"'
    )
    found = recognise(
        [request, request, "2026-01-01 00:00:00,124 ERROR [pay] giving up on order 7"]
    )
    assert found is FORMATS["plain"]
    stamped = (
        '2026-01-01T00:00:00Z 10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5'
    )
    assert recognise([stamped, stamped]) is FORMATS["nginx"]
    access = stamped.partition(" ")[2]
    mixed = [*[access] * 9, "2026-01-01 00:00:00,123 [ERROR] order 5 failed"]
    assert recognise(mixed) is FORMATS["plain"]
    assert recognise(mixed[:-1]) is FORMATS["nginx"]


def test_a_stack_trace_below_json_with_a_time_before_it_belongs_to_its_event() -> None:
    line = '2026-01-01T00:00:00.123Z {"level": "error", "message": "lost it"}'
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: x'
    found = recognise([line, line, *trace.splitlines(), line])
    assert found is not None
    decoded = Decoder(found).decode(
        RawBatch(f"{line}\n{trace}\n{line}".encode(), 1, multiline=True)
    )
    assert (len(decoded.events), decoded.dead) == (2, [])


@pytest.mark.parametrize("before", ["", "pay-1  | ", "[pod/pay-1/pay] "])
@pytest.mark.parametrize(
    "behind",
    [
        f'{{"ts": "{T}", "level": "error", "msg": "lost it"}}',
        '{"severity": "ERROR", "message": "lost it"}',
        "2026-01-01 00:00:00,100 ERROR lost it",
    ],
)
def test_what_stands_behind_the_time_of_a_runtime_is_read(before: str, behind: str) -> None:
    """As with ``docker compose logs -t`` and ``kubectl logs --timestamps``."""
    line = f"{before}2026-01-01T00:00:00.107000123Z {behind}"
    found = recognise([line, line])
    assert found is not None
    event = Decoder(found, "pay").decode(RawBatch(line.encode(), 1)).events.row(0, named=True)
    assert (event["level"], event["service"]) == (Level.ERROR, "pay")
    if before or behind.startswith("{"):
        assert event["message"] == "lost it"


@pytest.mark.parametrize("name", FORMATS)
def test_prose_is_not_recognised(name: str) -> None:
    assert FORMATS[name].sniff(["Once upon a time", "there was a log."]) == 0.0


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", FOREIGN)
def test_what_is_foreign_is_not_claimed(name: str, text: str) -> None:
    format_ = FORMATS[name]
    assert format_.sniff([text]) == 0.0
    assert format_.parse(pl.Series([text]))["reason"][0]
    if format_.starts_event:
        assert not pl.Series([text]).str.contains(format_.starts_event)[0]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_json_is_left_to_json(name: str) -> None:
    lines = [sample for format_name, sample, *_ in SAMPLES if format_name == "json"]
    assert FORMATS[name].sniff(lines) == 0.0


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample, *_ in SAMPLES])
def test_a_sample_starts_an_event(name: str, sample: str) -> None:
    pattern = FORMATS[name].starts_event
    assert pattern is None or pl.Series([sample]).str.contains(pattern)[0]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_its_name_and_samples(name: str) -> None:
    assert FORMATS[name].name == name == name.lower()
    assert name in {sample_name for sample_name, *_ in SAMPLES}
    assert FORMATS[name].sniff([]) == 0.0
    assert FORMATS[name].parse(pl.Series([], dtype=pl.String)).schema == pl.Schema(RAW_SCHEMA)


SAMPLE_LINES = st.sampled_from([sample for _, sample, *_ in SAMPLES])
LINES = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.binary(max_size=80).map(lambda data: data.decode("utf-8", errors="replace")),
        SAMPLE_LINES,
        st.builds(
            lambda line, at, more: line[:at] + more + line[at:],
            SAMPLE_LINES,
            st.integers(0, 80),
            st.text(max_size=4),
        ),
    ),
    max_size=12,
)


@pytest.mark.parametrize("name", FORMATS)
@given(LINES, st.lists(st.integers(0, 12), max_size=3))
def test_any_text_is_parsed_row_by_row(name: str, lines: list[str], cuts: list[int]) -> None:
    format_ = FORMATS[name]
    lines = [each.replace("\n", " ") for each in lines]
    whole = format_.parse(pl.Series(lines, dtype=pl.String))
    assert whole.height == len(lines)
    assert whole.schema == pl.Schema(RAW_SCHEMA)
    assert 0.0 <= format_.sniff(lines) <= 1.0
    places = [0, *sorted(min(c, len(lines)) for c in cuts), len(lines)]
    parts = [format_.parse(pl.Series(lines[a:b], dtype=pl.String)) for a, b in pairwise(places)]
    assert_frame_equal(pl.concat(parts), whole)


@pytest.mark.parametrize("name", FORMATS)
@given(records=st.lists(st.none() | LINES.map("\n".join), max_size=6))
def test_a_record_is_a_message_or_has_a_reason(name: str, records: list[str | None]) -> None:
    raw = FORMATS[name].parse(pl.Series(records, dtype=pl.String))
    assert raw.height == len(records)
    assert raw.schema == pl.Schema(RAW_SCHEMA)
    assert raw.filter(pl.col("message").is_null() & pl.col("reason").is_null()).is_empty()


def test_syslog_without_a_time_is_read_but_has_none() -> None:
    decoded = Decoder(FORMATS["syslog"]).decode(RawBatch(b"<14>1 - web1 cart - - - clockless", 1))
    assert [letter.reason for letter in decoded.dead] == ["no timestamp"]


def test_the_level_is_looked_for_in_the_first_line() -> None:
    record = "2026-01-01 00:00:00 lost\nERROR is no level here"
    raw = FORMATS["plain"].parse(pl.Series([record]))
    assert raw["level"][0] is None
    assert raw["message"][0] == "lost\nERROR is no level here"


def test_a_stack_trace_belongs_to_its_event() -> None:
    text = b"2026-01-01 00:00:00 ERROR lost\nTraceback:\n\n  File x\nValueError: no\n2026-01-01 00:00:00 INFO on\n"
    decoded = Decoder(FORMATS["plain"]).decode(RawBatch(text, 1, multiline=True))
    assert decoded.events["message"].to_list() == [
        "lost\nTraceback:\n  File x\nValueError: no",
        "on",
    ]
    assert decoded.events["position"].to_list() == [1, 6]


@pytest.mark.parametrize("time", ["2026-01-01 00:00:00 fail: ", "fail: 2026-01-01 00:00:00 "])
def test_what_stands_below_its_category_is_the_message(time: str) -> None:
    """As on ASP.NET Core's console."""
    lines = [f"{time}Pay.Service[0]", "      lost it", "      at all", f"{time}Pay.Service[0]"]
    found = recognise([lines[0], lines[0]])
    assert found is not None
    decoded = Decoder(found).decode(RawBatch("\n".join(lines).encode(), 1, multiline=True))
    events = decoded.events.select("level", "message").rows()
    assert events[0] == (Level.ERROR, "lost it\n      at all")


def test_a_container_stands_before_each_line_of_a_stack_trace() -> None:
    text = b"web-1  | 2026-01-01 00:00:00 ERROR lost\nweb-1  |   File x\nweb-1  | ValueError: no\ndb-1   | 2026-01-01 00:00:00 INFO on\n"
    decoded = Decoder(FORMATS["container"]).decode(RawBatch(text, 1, multiline=True))
    assert decoded.events["message"].to_list() == ["lost\n  File x\nValueError: no", "on"]
    assert decoded.events["service"].to_list() == ["web", "db"]


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample, *_ in SAMPLES])
def test_a_byte_order_mark_costs_no_record(name: str, sample: str) -> None:
    decoder = Decoder(FORMATS[name], reference=START + 300 * 86_400 * SECOND)
    assert decoder.decode(RawBatch(b"\xef\xbb\xbf" + sample.encode(), 1)).dead == []


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].starts_event])
@given(LINES)
def test_where_bytes_start_an_event_so_does_the_text(name: str, lines: list[str]) -> None:
    """Batches are cut by bytes, and lines are joined as text: no cut may fall within an event."""
    starts = FORMATS[name].starts_event or ""
    by_bytes = re.compile(starts.encode())
    for line in (each.replace("\n", " ").rstrip("\r") for each in lines):
        if by_bytes.search(line.encode()):
            assert pl.Series([line]).str.contains(starts)[0]
