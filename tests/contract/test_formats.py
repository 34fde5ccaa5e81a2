"""The suite that every format passes; a new format adds its samples to the table."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_guard.core.decode import Decoder
from log_guard.core.events import Level, RawBatch
from log_guard.core.formats import FORMATS, recognise
from log_guard.core.formats.base import RAW_SCHEMA
from tests.lines import START

UNSAID = "elsewhere"
"""Service of records that name none."""

T = "2026-01-01T00:00:00Z"
SAMPLES: list[tuple[str, str, Level, str, str]] = [
    (
        "json",
        f'{{"timestamp":"{T}","level":"warn","service":"pay","message":"m"}}',
        Level.WARN,
        "pay",
        "m",
    ),
    (
        "plain",
        "2026-01-01 00:00:00,000 - app.db - ERROR - lost it",
        Level.ERROR,
        UNSAID,
        "app.db - lost it",
    ),
    (
        "plain",
        "[2026-01-01 00:00:00,000] INFO [Server id=1] up (a.B)",
        Level.INFO,
        UNSAID,
        "[Server id=1] up (a.B)",
    ),
    (
        "plain",
        "2026-01-01 00:00:00 status installed foo:amd64 1.2",
        Level.UNSPECIFIED,
        UNSAID,
        "status installed foo:amd64 1.2",
    ),
    (
        "plain",
        "2026/01/01 00:00:00 [error] 12#0: *1 open() failed",
        Level.ERROR,
        UNSAID,
        "12#0: *1 open() failed",
    ),
    ("logfmt", f'ts={T} level=error service=pay msg="a \\"b\\"" x=1', Level.ERROR, "pay", 'a "b"'),
    ("logfmt", f"time={T} level=info user=5", Level.INFO, UNSAID, "user=5"),
    ("syslog", "Jan  1 00:00:00 host app[12]: hello", Level.UNSPECIFIED, "app", "hello"),
    ("syslog", "<11>Jan  1 00:00:00 host kernel: oops", Level.ERROR, "kernel", "oops"),
    ("syslog", f'<34>1 {T} host app 1 ID [a b="c"] hello', Level.FATAL, "app", "hello"),
    (
        "syslog",
        "2026-01-01T00:00:00.000000+00:00 host systemd[1]: Started",
        Level.UNSPECIFIED,
        "systemd",
        "Started",
    ),
    ("cri", "2026-01-01T00:00:00.000000000Z stderr F ERROR it", Level.ERROR, UNSAID, "ERROR it"),
    (
        "nginx",
        '192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 502 12 "-" "curl"',
        Level.ERROR,
        UNSAID,
        "GET /a HTTP/1.1 -> server-error 502, 12 bytes",
    ),
]


@pytest.mark.parametrize(("name", "sample", "level", "service", "message"), SAMPLES)
def test_a_sample_is_read(name: str, sample: str, level: Level, service: str, message: str) -> None:
    decoder = Decoder(FORMATS[name], service=UNSAID, reference_year=2026)
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


@pytest.mark.parametrize("name", FORMATS)
def test_prose_is_not_recognised(name: str) -> None:
    assert FORMATS[name].sniff(["Once upon a time", "there was a log."]) == 0.0


LINES = st.lists(
    st.one_of(st.text(max_size=80), st.sampled_from([sample for _, sample, *_ in SAMPLES])),
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


def test_a_stack_trace_belongs_to_its_event() -> None:
    text = b"2026-01-01 00:00:00 ERROR lost\nTraceback:\n\n  File x\nValueError: no\n2026-01-01 00:00:00 INFO on\n"
    decoded = Decoder(FORMATS["plain"]).decode(RawBatch(text, 1, multiline=True))
    assert decoded.events["message"].to_list() == [
        "lost\nTraceback:\n  File x\nValueError: no",
        "on",
    ]
    assert decoded.events["position"].to_list() == [1, 6]
