from __future__ import annotations

import json

import pytest

from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import Level, RawBatch
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
