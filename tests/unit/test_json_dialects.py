from __future__ import annotations

import json

import polars as pl
import pytest

from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import Level, RawBatch
from log_guard.core.masking import redact
from log_guard.core.masking.masker import mask_one
from tests.streams import START, Event, line

GOOD = line(Event(0))
ISO = "2026-01-01T00:00:00Z"


def _decode(raw: bytes) -> Decoded:
    return Decoder(JsonLines()).decode(RawBatch(b"\n".join([GOOD, raw, GOOD]), 10))


def _event(raw: dict[str, object]) -> dict[str, object]:
    decoded = _decode(json.dumps(raw).encode())
    assert decoded.dead == []
    assert decoded.events["position"].to_list() == [10, 11, 12]
    return decoded.events.row(1, named=True)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            {
                "@timestamp": ISO,
                "log": {"level": "error"},
                "service": {"name": "pay"},
                "message": "m",
            },
            (Level.ERROR, "pay", "m"),
        ),
        (
            {"@timestamp": ISO, "log.level": "warn", "service.name": "pay", "message": "m"},
            (Level.WARN, "pay", "m"),
        ),
        (
            {
                "timestamp": 1767225600.0,
                "level": 3,
                "_app": "pay",
                "short_message": "m",
                "host": "h",
            },
            (Level.ERROR, "pay", "m"),
        ),
        (
            {"time": 1767225600000, "level": 50, "name": "pay", "msg": "m", "v": 0},
            (Level.ERROR, "pay", "m"),
        ),
        (
            {"log": "m\n", "stream": "stderr", "time": ISO},
            (Level.UNSPECIFIED, "unknown_service", "m"),
        ),
        (
            {
                "__REALTIME_TIMESTAMP": "1767225600000000",
                "PRIORITY": "3",
                "SYSLOG_IDENTIFIER": "pay",
                "MESSAGE": "m",
            },
            (Level.ERROR, "pay", "m"),
        ),
        (
            {"__REALTIME_TIMESTAMP": "1767225600000000", "MESSAGE": [109]},
            (Level.UNSPECIFIED, "unknown_service", "m"),
        ),
        (
            {
                "Timestamp": "1767225600000000000",
                "SeverityText": "FATAL",
                "Body": "m",
                "Resource": {"service.name": "pay"},
            },
            (Level.FATAL, "pay", "m"),
        ),
        (
            {
                "timeUnixNano": "1767225600000000000",
                "severityNumber": 17,
                "body": {"stringValue": "m"},
            },
            (Level.ERROR, "unknown_service", "m"),
        ),
    ],
)
def test_the_usual_dialects_are_read(
    raw: dict[str, object], expected: tuple[Level, str, str]
) -> None:
    event = _event(raw)
    assert event["time"] == START
    assert (event["level"], event["service"], event["message"]) == expected
    tuned = Decoder(JsonLines().tuned([json.dumps(raw)]))
    assert tuned.decode(RawBatch(json.dumps(raw).encode(), 11)).events.row(0, named=True) == event


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"route": "/a b", "method": "GET"}, 'method=GET route="/a b"'),
        ({"user": {"plan": "pro", "id": 7}, "ok": True}, "ok=true user.id=7 user.plan=pro"),
        ({"gone": None, "empty": "", "said": 'x="y"\n'}, 'empty="" said="x=\\"y\\"\\n"'),
        ({"ids": [1, "a"], "component": "pay"}, 'ids="[1,\\"a\\"]"'),
        ({"bad \ud800": 1}, "bad ?=1"),
        ({}, ""),
    ],
)
def test_without_a_message_the_other_fields_are_it_in_a_stable_order(
    rest: dict[str, object], message: str
) -> None:
    there = {"timestamp": ISO, "log.level": "warn"}
    event = _event({**there, **rest})
    assert event["message"] == message
    assert event["level"] == Level.WARN
    assert _event({**dict(reversed(rest.items())), **there}) == event
    tuned = Decoder(JsonLines().tuned([json.dumps({**there, **rest})]))
    raw = json.dumps({**there, **rest}).encode()
    assert tuned.decode(RawBatch(raw, 11)).events.row(0, named=True) == event


def test_secrets_among_fields_are_none_in_a_template() -> None:
    event = _event({"timestamp": ISO, "user": "eve", "password": "open sesame", "token": "abc7"})
    template = "password=<secret> token=<secret> user=eve"
    assert mask_one(str(event["message"])) == template
    assert redact(pl.Series([event["message"]]))[0] == template


@pytest.mark.parametrize(
    ("name", "shown"),
    [("*", "(*)"), ("a\x1b[31mb", "a [31mb"), ("x" * 500, "x" * 128), ("", "unknown_service")],
)
def test_a_service_cannot_pass_for_the_stream_or_write_to_the_terminal(
    name: str, shown: str
) -> None:
    row: dict[str, object] = {"timestamp": ISO, "level": "INFO", "service": name, "message": "m"}
    assert _event(row)["service"] == shown


def test_a_byte_order_mark_costs_no_record_wherever_the_batches_are_cut() -> None:
    decoded = _decode(b"\xef\xbb\xbf" + GOOD)
    assert decoded.dead == []
    assert decoded.events.height == 3


@pytest.mark.parametrize(
    "packed", [b"\x1f\x8b", b"x\x9c", b"x\x01", b"\x28\xb5\x2f\xfd", b'\x1f\x8b"timestamp"']
)
@pytest.mark.parametrize("after", [GOOD, GOOD + b" "])
def test_a_line_that_looks_packed_is_a_dead_letter(packed: bytes, after: bytes) -> None:
    batch = RawBatch(b"\n".join([packed, GOOD, after]), 1)
    decoded = Decoder(JsonLines()).decode(batch)
    assert [letter.position for letter in decoded.dead] == [1]
    assert decoded.events.height == 2
