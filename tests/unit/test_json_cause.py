"""The cause of an error that a JSON record tells beside its message."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import RawBatch
from log_guard.core.masking.masker import mask_one
from log_guard.core.summarising.sampling import sample_texts

PLAIN = {"timestamp": "2026-01-01T00:00:00Z", "level": "ERROR", "service": "pay"}
REFUSED = "dial tcp 10.2.0.17:5432: connect: connection refused"
TRACE = "java.lang.IllegalStateException: no\n\tat a.B.c(B.java:7)\nCaused by: java.io.IOException: broken"


def message_of(**fields: Any) -> str:
    """What is read of a record with a message and these fields, among others that have none."""
    quiet = json.dumps({**PLAIN, "message": "up"})
    record = json.dumps({**PLAIN, "message": "begin transaction", **fields})
    data = "\n".join([quiet, record, quiet]).encode()
    messages = Decoder(JsonLines()).decode(RawBatch(data, 1)).events["message"].to_list()
    assert messages[::2] == ["up", "up"]
    return str(messages[1])


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"error": REFUSED, "stacktrace": "a.b\n\t/src/b.go:7"}, REFUSED),
        ({"err": REFUSED}, REFUSED),
        ({"err": {"type": "TypeError", "message": "x is null", "stack": "TypeError: x is null\n at y"}}, "TypeError: x is null"),
        ({"error.type": "a.b.TimeoutException", "error.message": "late"}, "a.b.TimeoutException: late"),
        ({"error": {"type": "TimeoutError", "message": "TimeoutError: late"}}, "TimeoutError: late"),
        ({"exception.type": "Gone"}, "Gone"),
        ({"attributes": {"exception.message": "late"}}, "late"),
        ({"attributes": [{"key": "exception.message", "value": {"stringValue": "late"}}]}, "late"),
        ({"thrown": {"name": "a.b.Gone", "message": "late"}}, "a.b.Gone: late"),
        ({"@x": "System.TimeoutException: late\n   at A.B()"}, "System.TimeoutException: late"),
    ],
)  # fmt: skip
def test_a_cause_is_shown_and_its_text_is_no_part_of_the_template(
    fields: dict[str, Any], cause: str
) -> None:
    message = message_of(**fields)
    assert sample_texts(pl.Series([message]))[0] == f"begin transaction … Caused by: {cause}"
    kind = cause.split(":")[0]
    named = f" | {kind}" if kind.endswith(("Error", "Exception")) else ""
    assert mask_one(message) == f"begin transaction{named}"


@pytest.mark.parametrize("name", ["stack_trace", "exc_info", "error.stack_trace"])
def test_of_a_trace_the_root_is_shown(name: str) -> None:
    message = message_of(**{name: TRACE})
    shown = sample_texts(pl.Series([message]))[0]
    assert shown == "begin transaction … Caused by: java.io.IOException: broken"
    assert mask_one(message) == "begin transaction | java.lang.IllegalStateException"


@pytest.mark.parametrize(
    "fields",
    [
        {"error": ""},
        {"error": None},
        {"error": "<nil>"},
        {"error": 7, "err": True, "exc_info": True},
        {"error": {"code": 7}},
        {"error_code": "E7", "status": "error", "excluded": "x"},
        {"error": "transaction"},
        {"attributes": {"exceptional": "yes"}},
    ],
)
def test_what_is_no_cause_or_told_already_changes_nothing(fields: dict[str, Any]) -> None:
    assert message_of(**fields) == "begin transaction"


def test_a_field_that_was_named_as_the_message_is_no_cause() -> None:
    fields = JsonLines().fields.with_own(message="error")
    record = json.dumps({**PLAIN, "error": "late"})
    format_ = JsonLines(fields=fields).tuned([record])
    decoded = Decoder(format_).decode(RawBatch(record.encode(), 1))
    assert decoded.events["message"].to_list() == ["late"]


def test_secrets_of_a_cause_are_not_shown() -> None:
    message = message_of(error="login with password=hunter2 failed")
    assert "hunter2" not in sample_texts(pl.Series([message]))[0]
    assert "hunter2" not in mask_one(message)
