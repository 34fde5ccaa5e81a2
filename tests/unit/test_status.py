"""What a field ``status`` says where records are JSON or logfmt."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import Level, RawBatch
from log_guard.core.masking.masker import mask_one
from log_guard.core.summarising.flat import decode_flat, with_messages

T = "2026-01-01T00:00:00Z"
QUIET = json.dumps({"time": T, "level": "info", "msg": "up"})


def event(**fields: Any) -> tuple[int, str]:
    """Level and message of a record with these fields: the same alone, among others and by each path."""
    record = json.dumps({"time": T, **fields})
    found = set()
    for format_ in (JsonLines(), *(JsonLines().tuned([line]) for line in (QUIET, record))):
        for lines in ([record], [QUIET, record, QUIET] * 400):
            decoder, batch = Decoder(format_), RawBatch("\n".join(lines).encode(), 0)
            tables = [decoder.decode(batch).events]
            flat = decode_flat(decoder, batch)
            if flat is not None:
                tables.append(with_messages(flat[0].events, flat[1]))
            for table in tables:
                found |= {table.select("level", "message").row(0 if len(lines) == 1 else 1)}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ("error", Level.ERROR),
        ("Warn", Level.WARN),
        ("ok", Level.INFO),
        ("critical", Level.FATAL),
        ("emergency", Level.FATAL),
        ("debug", Level.DEBUG),
        ("done", Level.UNSPECIFIED),
        ("c", Level.UNSPECIFIED),
        (True, Level.UNSPECIFIED),
        (99, Level.UNSPECIFIED),
        (600, Level.UNSPECIFIED),
        (5031, Level.UNSPECIFIED),
        ("٥٠٣", Level.UNSPECIFIED),
    ],
)
def test_a_word_that_is_a_level_is_the_level_where_there_is_no_other(
    status: object, level: Level
) -> None:
    assert event(status=status, msg="charged") == (level, "charged")
    assert event(status=status, level="debug", msg="charged") == (Level.DEBUG, "charged")


@pytest.mark.parametrize(
    "name",
    ["status", "statusCode", "http.response.status_code", "http.status_code", "response_code"],
)
@pytest.mark.parametrize(
    ("status", "level", "more"),
    [
        (503, Level.ERROR, " -> server-error 503"),
        ("404", Level.WARN, " -> client-error 404"),
        (499, Level.INFO, ""),
        (200, Level.INFO, ""),
        ("302", Level.INFO, ""),
    ],
)  # fmt: skip
def test_how_a_request_was_answered_is_told_as_in_an_access_log(
    name: str, status: object, level: Level, more: str
) -> None:
    assert event(**{name: status}, msg="answered") == (level, f"answered{more}")
    assert event(level="debug", msg="answered", **{name: status}) == (
        Level.DEBUG,
        f"answered{more}",
    )


def test_a_status_may_stand_deeper_or_in_a_record_within() -> None:
    served = (Level.ERROR, "served -> server-error 500")
    assert event(http={"response": {"status_code": 500}}, msg="served") == served
    assert event(res={"statusCode": 500}, msg="served") == served
    assert event(attributes={"http.status_code": 500}, msg="served") == served
    assert event(log='{"msg":"served","status":500}\n') == served


def test_of_several_the_first_that_says_something_counts() -> None:
    assert event(status="done", status_code=503, msg="m") == (
        Level.ERROR,
        "m -> server-error 503",
    )


def test_it_is_told_in_the_first_line_and_once() -> None:
    said = event(status=503, level="error", msg="lost\nmore", error="refused")[1]
    assert said == "lost -> server-error 503\nmore\nCaused by: refused"
    assert mask_one(said) == "lost -> server-error <num>"
    quoted = '"GET / HTTP/1.1" 503 7'
    assert event(status=503, level="error", msg=quoted) == (Level.ERROR, quoted)


def test_without_a_message_the_status_is_told_too() -> None:
    assert event(status=503, path="/a") == (Level.ERROR, "path=/a status=503 -> server-error 503")
    assert event(status="error", job="x") == (Level.ERROR, "job=x status=error")


def test_a_field_that_was_named_as_something_else_is_none() -> None:
    fields = JsonLines().fields.with_own(message="status")
    record = json.dumps({"time": T, "status": "error"})
    decoded = Decoder(JsonLines(fields=fields)).decode(RawBatch(record.encode(), 1))
    assert decoded.events.select("level", "message").row(0) == (Level.UNSPECIFIED, "error")


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        ("status=error msg=m", "error", "m"),
        ("status=ok msg=m", "info", "m"),
        ("status=done status_code=503 msg=m", "ERROR", "m -> server-error 503"),
        ("level=info msg=m status=404", "info", "m -> client-error 404"),
        ("level=info http.status_code=200 msg=m", "info", "m"),
        ("level=info httpxstatus_code=500 msg=m", "info", "m"),
        ("method=GET status=500", "ERROR", "method=GET status=500 -> server-error 500"),
        ('msg=m status=500 err="lost"', "ERROR", "m -> server-error 500\nCaused by: lost"),
    ],
)
def test_in_logfmt_it_is_the_same(line: str, level: str, message: str) -> None:
    raw = FORMATS["logfmt"].parse(pl.Series([f"time={T} {line}"]))
    assert raw.select("level", "message", "reason").row(0) == (level, message, None)


def test_a_priority_in_words_is_a_level_however_lines_are_read() -> None:
    words = {"Emergency": Level.FATAL, "Notice": Level.INFO, "Informational": Level.INFO, "high": 0}
    lines = [
        f'{{"output":"m","priority":"{word}","rule":"r","time":"2026-01-01T00:00:00Z"}}'
        for word in words
    ]
    for format_ in (JsonLines(), JsonLines().tuned(lines)):
        decoded = Decoder(format_).decode(RawBatch("\n".join(lines).encode(), 1))
        assert decoded.events["level"].to_list() == list(words.values())
