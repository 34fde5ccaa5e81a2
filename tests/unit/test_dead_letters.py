from __future__ import annotations

import json

import pytest

from log_guard.core.decode import Decoded, Decoder
from log_guard.core.events import Level, RawBatch
from log_guard.core.formats.json_lines import JsonLines
from tests.lines import START, line

GOOD = line(0)


def _decode(raw: bytes) -> Decoded:
    return Decoder(JsonLines()).decode(RawBatch(b"\n".join([GOOD, raw, GOOD]), 10))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"timestamp":"t1","level"', "invalid JSON"),
        (b"not json", "invalid JSON"),
        (b"", "empty line"),
        (b"   ", "empty line"),
        (b"[1, 2]", "not a JSON object"),
        (b"12", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b'{"message":"x"}', "no timestamp"),
        (b'{"timestamp":null,"message":"x"}', "no timestamp"),
        (b'{"timestamp":"soon","message":"x"}', "unreadable timestamp"),
        (b'{"timestamp":"2999-01-01T00:00:00Z","message":"x"}', "unreadable timestamp"),
        (b'{"timestamp":1,"message":"a"}{"timestamp":1,"message":"b"}', "invalid JSON"),
        (b'{"timestamp":1,"message":"a"} trailing', "invalid JSON"),
        (b'{"timestamp":1,"message":' + b"[" * 2000 + b"]" * 2000 + b"}", "nested too deep"),
        (b'{"timestamp":"2026-01-01T00:00:00Z","message":"' + b"x" * 2_000_000, "line too long"),
    ],
)
def test_what_is_no_event_is_a_dead_letter_with_its_place(raw: bytes, reason: str) -> None:
    decoded = _decode(raw)
    assert [(d.reason, d.position) for d in decoded.dead] == [(reason, 11)]
    assert decoded.events["position"].to_list() == [10, 12]
    assert decoded.records == 3


def _event(raw: dict[str, object] | bytes) -> dict[str, object]:
    decoded = _decode(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    assert decoded.dead == []
    assert decoded.events["position"].to_list() == [10, 11, 12]
    return decoded.events.row(1, named=True)


ISO = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("warning", Level.WARN),
        ("Err", Level.ERROR),
        ("E", Level.ERROR),
        (40, Level.WARN),
        ("CRITICAL", Level.FATAL),
        (None, Level.UNSPECIFIED),
        ("nonsense", Level.UNSPECIFIED),
    ],
)
def test_levels_are_normalised(level: object, expected: Level) -> None:
    assert (
        _event({"timestamp": ISO, "level": level, "service": "s", "message": "m"})["level"]
        == expected
    )


@pytest.mark.parametrize(
    "time",
    [
        ISO,
        "2026-01-01T01:00:00+01:00",
        "2026-01-01 00:00:00",
        "2026-01-01 00:00:00,000",
        1767225600,
        1767225600000,
        1767225600000000,
        1767225600000000000,
        1767225600.0,
        "1767225600",
    ],
)
def test_timestamps_are_normalised(time: object) -> None:
    assert (
        _event({"timestamp": time, "level": "INFO", "service": "s", "message": "m"})["time"]
        == START
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"timestamp": ISO, "message": {"a": 1}}, '{"a":1}'),
        ({"timestamp": ISO, "message": None}, ""),
        ({"timestamp": ISO}, ""),
        ({"timestamp": ISO, "user": 5}, '{"user":5}'),
        (b'{"timestamp":"2026-01-01T00:00:00Z","message":"a","message":"b"}', "a"),
        (b'{"timestamp":"2026-01-01T00:00:00Z","message":"a\xffb"}', "a\ufffdb"),
        (b'{"timestamp":"2026-01-01T00:00:00Z","message":"a\x00b"}', "a\x00b"),
        (b'{"timestamp":"2026-01-01T00:00:00Z","message":"a\\u0000b"}', "a\x00b"),
        (b'{"timestamp":"2026-01-01T00:00:00Z","message":"a"}\r', "a"),
    ],
)
def test_messages_are_kept(raw: dict[str, object] | bytes, message: str) -> None:
    assert _event(raw)["message"] == message


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


def test_a_byte_order_mark_costs_no_record() -> None:
    decoded = Decoder(JsonLines()).decode(RawBatch(b"\xef\xbb\xbf" + GOOD + b"\n", 1))
    assert decoded.dead == []
    assert decoded.events.height == 1
