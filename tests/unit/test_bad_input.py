"""Bad input: every record ends as one event or as one dead letter, and harms nobody beside it."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.core.decoding.decode import MAX_LINE_BYTES, Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.plain import PlainText
from log_guard.core.events import (
    DEAD_LETTER_BYTES,
    SECOND,
    UNKNOWN_SERVICE,
    Level,
    RawBatch,
)
from log_guard.core.ledger import Ledger
from tests.streams import START, Event, bounded, line, micros


class Read(NamedTuple):
    """What a record was read as."""

    time: int = START
    level: int = Level.INFO
    service: str = "api"
    message: str = "served"


def record(**fields: object) -> bytes:
    usual = {"timestamp": START // SECOND, "level": "INFO", "service": "api", "message": "served"}
    return json.dumps({**usual, **fields}).encode()


def without(name: str) -> bytes:
    fields = json.loads(record())
    del fields[name]
    return json.dumps(fields).encode()


GOOD = record()

DEAD = {
    "empty line": (b"", "empty line"),
    "blanks": (b" \t ", "empty line"),
    "CR alone": (b"\r", "empty line"),
    "text": (b"hello world", "invalid JSON"),
    "cut off": (GOOD[:-5], "invalid JSON"),
    "single quotes": (GOOD.replace(b'"', b"'"), "invalid JSON"),
    "trailing comma": (GOOD[:-1] + b",}", "invalid JSON"),
    "trailing garbage": (GOOD + b" oops", "invalid JSON"),
    "two objects": (GOOD + GOOD, "invalid JSON"),
    "two objects apart": (GOOD + b" " + GOOD, "invalid JSON"),
    "two objects and a comma": (GOOD + b"," + GOOD, "invalid JSON"),
    "invalid UTF-8 outside of strings": (b"\xff\xfe\x00", "invalid JSON"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "invalid JSON"),
    "NUL after the object": (GOOD + b"\x00", "invalid JSON"),
    "NUL alone": (b"\x00", "invalid JSON"),
    "array": (b"[1, 2]", "not a JSON object"),
    "array of records": (b"[" + GOOD + b"]", "not a JSON object"),
    "number": (b"12", "not a JSON object"),
    "string": (b'"text"', "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "empty object": (b"{}", "no timestamp"),
    "no timestamp": (without("timestamp"), "no timestamp"),
    "null timestamp": (record(timestamp=None), "no timestamp"),
    "object as timestamp": (record(timestamp={"a": 1}), "no timestamp"),
    "empty timestamp": (record(timestamp=""), "unreadable timestamp"),
    "timestamp in words": (record(timestamp="yesterday"), "unreadable timestamp"),
    "negative timestamp": (record(timestamp=-5), "unreadable timestamp"),
    "30 February": (record(timestamp="2026-02-30T00:00:00Z"), "unreadable timestamp"),
    "year 9999": (record(timestamp="9999-01-01T00:00:00Z"), "unreadable timestamp"),
    "2,000 levels": (record(message=0).replace(b" 0}", b" " + b"[" * 2000 + b"]" * 2000 + b"}"), "nested too deep"),
    "200,000 levels": (b'{"a":' * 200_000, "nested too deep"),
    "a line that was cut": (record(message="x" * 10**7)[: MAX_LINE_BYTES + 1], "line too long"),
}  # fmt: skip

LEVELS = {
    "warning": Level.WARN,
    "WARN": Level.WARN,
    "Err": Level.ERROR,
    "E": Level.ERROR,
    "eror": Level.UNSPECIFIED,
    "CRITICAL": Level.FATAL,
    "[info]": Level.INFO,
    "Notice": Level.INFO,
    "trace": Level.TRACE,
    "": Level.UNSPECIFIED,
    40: Level.WARN,
    "50": Level.ERROR,
    True: Level.UNSPECIFIED,
}
TIMES = {
    1_767_225_600: START,
    1_767_225_600.25: START + SECOND // 4,
    1_767_225_600_250: START + SECOND // 4,
    1_767_225_600_250_001: START + SECOND // 4 + 1,
    1_767_225_600_250_001_999: START + SECOND // 4 + 1,
    "1767225600": START,
    "2026-01-01T00:00:00Z": START,
    "2026-01-01T01:00:00.25+01:00": START + SECOND // 4,
    "2026-01-01 00:00:00,250": START + SECOND // 4,
    "2026-01-01T00:00:00": START,
    "2026-01-01t00:00:00.000000001z": START,
    "1970-01-01T00:00:00Z": 0,
}
EVENTS = {
    "good": (GOOD, Read()),
    **{f"level {k!r}": (record(level=k), Read(level=v)) for k, v in LEVELS.items()},
    **{f"time {k!r}": (record(timestamp=k), Read(time=v)) for k, v in TIMES.items()},
    "no level": (without("level"), Read(level=Level.UNSPECIFIED)),
    "null level": (record(level=None), Read(level=Level.UNSPECIFIED)),
    "level in the text": (record(level=None, message="[ERROR] no"), Read(START, Level.ERROR, "api", "[ERROR] no")),
    "no service": (without("service"), Read(service=UNKNOWN_SERVICE)),
    "null service": (record(service=None), Read(service=UNKNOWN_SERVICE)),
    "number as service": (record(service=7), Read(service="7")),
    "no message": (without("message"), Read(message="")),
    "null message": (record(message=None), Read(message="")),
    "empty message": (record(message=""), Read(message="")),
    "object as message": (record(message={"a": [1, 2]}), Read(message='{"a":[1,2]}')),
    "array as message": (record(message=["a", 1]), Read(message='["a",1]')),
    "number as message": (record(message=12), Read(message="12")),
    "true as message": (record(message=True), Read(message="true")),
    "duplicate keys": (GOOD[:-1] + b', "message": "second"}', Read()),
    "invalid UTF-8 in a string": (GOOD.replace(b"served", b"s\xff"), Read(message="s\ufffd")),
    "NUL in a string": (GOOD.replace(b"served", b"a\x00b"), Read(message="a\x00b")),
    "escaped NUL": (record(message="a\x00b"), Read(message="a\x00b")),
    "raw tab in a string": (GOOD.replace(b"served", b"a\tb"), Read(message="a\tb")),
    "escaped newline": (record(message="a\nb"), Read(message="a\nb")),
    "emoji": (record(message="\U0001f525"), Read(message="\U0001f525")),
    "CRLF": (GOOD + b"\r", Read()),
    "blanks around": (b"  " + GOOD + b"  ", Read()),
    "500 levels in a field of no interest": (GOOD[:-1] + b', "x": ' + b"[" * 500 + b"]" * 500 + b"}", Read()),
    "unknown fields": (record(extra={"level": "FATAL", "message": "no"}), Read()),
    "10 MB": (record(message="x" * 10**7), Read(message="x" * 10**7)),
}  # fmt: skip
RECORDS = {
    **{name: raw for name, (raw, _) in EVENTS.items()},
    **{n: raw for n, (raw, _) in DEAD.items()},
}
SMALL = sorted(name for name, raw in RECORDS.items() if len(raw) < 10_000)

Decoded = dict[int, Read | str]


def decode(*records: bytes) -> Decoded:
    """What became of each record, by its position from 1: an event, or the reason why not."""
    decoded = Decoder(JsonLines()).decode(RawBatch(b"\n".join(records) + b"\n", 1, source=4))
    found: Decoded = {
        row["position"]: Read(row["time"], row["level"], row["service"], row["message"])
        for row in decoded.events.iter_rows(named=True)
    }
    for dead in decoded.dead:
        assert dead.position not in found
        assert dead.source == 4
        assert dead.raw == records[dead.position - 1][:DEAD_LETTER_BYTES]
        found[dead.position] = dead.reason
    assert decoded.records == len(records) == len(found)
    return found


@pytest.mark.parametrize("name", DEAD)
def test_a_dead_letter_has_its_reason_and_its_place(name: str) -> None:
    raw, reason = DEAD[name]
    assert decode(GOOD, raw, GOOD) == {1: Read(), 2: reason, 3: Read()}


@pytest.mark.parametrize("name", EVENTS)
def test_an_odd_record_is_an_event_all_the_same(name: str) -> None:
    raw, expected = EVENTS[name]
    assert decode(GOOD, raw, GOOD) == {1: Read(), 2: expected, 3: Read()}


@bounded(80)
@given(st.lists(st.sampled_from(SMALL), min_size=1, max_size=12))
def test_what_becomes_of_a_record_does_not_depend_on_its_neighbours(names: list[str]) -> None:
    found = decode(*(RECORDS[name] for name in names))
    for position, name in enumerate(names, 1):
        assert found[position] == (EVENTS[name][1] if name in EVENTS else DEAD[name][1]), name


@bounded(60)
@given(
    st.lists(
        st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=8
    )
)
def test_any_bytes_become_one_event_or_one_dead_letter_a_line(lines: list[bytes]) -> None:
    found = decode(GOOD, *lines, GOOD)
    assert found[1] == found[len(lines) + 2] == Read()


@bounded(60)
@given(
    st.dictionaries(
        st.sampled_from(("timestamp", "level", "service", "message", "x")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_json_object_is_one_event_or_one_dead_letter(fields: dict[str, object]) -> None:
    found = decode(GOOD, json.dumps(fields).encode(), GOOD)
    assert found[1] == found[3] == Read()


def test_nothing_is_no_record() -> None:
    decoded = Decoder(JsonLines()).decode(RawBatch(b"", 1))
    assert (decoded.records, decoded.events.height, decoded.dead) == (0, 0, [])


def test_a_last_newline_begins_no_record() -> None:
    for data, records in ((GOOD, 1), (GOOD + b"\n", 1), (GOOD + b"\n\n", 2), (b"\n", 1)):
        assert Decoder(JsonLines()).decode(RawBatch(data, 1)).records == records


def run(*lines: bytes) -> tuple[Output, Ledger]:
    pipeline = Pipeline(Decoder(JsonLines()))
    outs = [pipeline.feed(RawBatch(b"\n".join(lines), 1)), pipeline.finish()]
    out = Output([r for o in outs for r in o.results], [], [dead for o in outs for dead in o.dead])
    assert pipeline.ledger.balanced
    return out, pipeline.ledger


def test_the_whole_line_accounts_for_every_bad_record() -> None:
    lines = [raw for name in RECORDS if len(raw := RECORDS[name]) < 10_000]
    out, ledger = run(*lines)
    reasons = [letter.reason for letter in sorted(out.dead, key=lambda letter: letter.position)]
    assert reasons == [reason for raw, reason in DEAD.values() if len(raw) < 10_000]
    assert ledger.consumed == len(lines)


def test_events_out_of_order_are_in_their_windows() -> None:
    out, ledger = run(*(line(Event(t)) for t in (4, 1, 3, 0, 2)))
    assert ledger.scored == 5
    assert max(r.features[0] for r in out.results) == 5


def test_an_event_of_long_ago_is_late_and_of_no_window() -> None:
    out, ledger = run(*(line(Event(t)) for t in (0, 1, -3600, 2)))
    assert (ledger.scored, ledger.late) == (3, 1)
    assert min(r.window_start for r in out.results) >= micros(-30)


def test_an_event_of_the_far_future_is_a_dead_letter_and_closes_no_window() -> None:
    future = line(Event(50 * 365 * 86_400))
    out, ledger = run(
        *(line(Event(t)) for t in range(60)), future, *(line(Event(t)) for t in range(60, 90))
    )
    assert [(d.reason, d.position) for d in out.dead] == [("timestamp far ahead of all others", 61)]
    assert (ledger.scored, ledger.late) == (90, 0)


@pytest.mark.parametrize("compiled_after", [None, 0])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_an_event_of_the_far_future_is_kept_as_its_line(
    compiled_after: int | None, size: int
) -> None:
    future = b"2099-01-01 00:00:00 ERROR lost"
    now = [b"2026-01-01 00:00:%02d INFO on" % i for i in range(9)]
    texts = [*now[:5], future, b"  at x.py", *now[5:]]
    events = [(i, [text]) for i, text in enumerate(texts, 1) if i not in (6, 7)]
    events.insert(5, (6, [future, b"  at x.py"]))
    jsons = [line(Event(t)) for t in (0, 1, 50 * 365 * 86_400, 2)]
    for decoder, records, dead in (
        (Decoder(PlainText()), events, b"2099-01-01 00:00:00 ERROR lost\n  at x.py"),
        (Decoder(JsonLines()), [(i, [one]) for i, one in enumerate(jsons, 1)], jsons[2]),
    ):
        pipeline = Pipeline(decoder, PipelineOptions(compiled_after=compiled_after))
        outs = [
            pipeline.feed(
                RawBatch(
                    b"\n".join(text for _, lines in records[at : at + size] for text in lines),
                    records[at][0],
                    multiline=True,
                )
            )
            for at in range(0, len(records), size)
        ]
        outs.append(pipeline.finish())
        assert [letter.raw for out in outs for letter in out.dead] == [dead]


def test_a_far_future_as_the_last_line_is_a_dead_letter_too() -> None:
    last = line(Event(50 * 365 * 86_400))
    out, ledger = run(line(Event(0)), line(Event(1)), last)
    assert [(d.position, d.raw) for d in out.dead] == [(3, last)]
    assert ledger.scored == 2


@pytest.mark.parametrize("lines", [[b""], [b"hello"], [b""] * 5, [b"[]", b"", b"null"]])
def test_a_stream_of_bad_lines_only_has_no_windows(lines: list[bytes]) -> None:
    out, ledger = run(*lines)
    assert out.results == []
    assert ledger.dead_lettered == ledger.consumed
