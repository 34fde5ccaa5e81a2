"""Envelopes of the OpenTelemetry collector: one line, many records."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.summarising.summaries import KEY, Summarizer, add
from tests.streams import START, bounded

DECODER = Decoder(JsonLines(), service="elsewhere")


def record(second: float, body: object, **fields: object) -> dict[str, Any]:
    nanoseconds = str(START * 1000 + round(second * 1e9))
    return {"timeUnixNano": nanoseconds, "body": {"stringValue": body}, **fields}


def envelope(**services: list[dict[str, Any]]) -> bytes:
    resources = [
        {
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]},
            "scopeLogs": [{"scope": {"name": "app"}, "logRecords": records}],
        }
        for name, records in services.items()
    ]
    return json.dumps({"resourceLogs": resources}).encode()


def test_each_record_is_an_event_in_the_order_of_time() -> None:
    line = envelope(
        pay=[
            record(0, "paid", severityText="Information"),
            record(4, "lost it", severityNumber=17),
        ],
        cart=[record(1, "added")],
    )
    decoded = DECODER.decode(RawBatch(b'{"timestamp":1767225600,"message":"before"}\n' + line, 7))
    assert decoded.dead == []
    assert decoded.records == 4
    assert decoded.events.rows() == [
        (START, Level.UNSPECIFIED, "elsewhere", "before", 7),
        (START, Level.INFO, "pay", "paid", 8),
        (START + SECOND, Level.UNSPECIFIED, "cart", "added", 8),
        (START + 4 * SECOND, Level.ERROR, "pay", "lost it", 8),
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"stringValue": "as it is"}, "as it is"),
        ({"intValue": "42"}, "42"),
        ({"boolValue": True}, "true"),
        (
            {
                "kvlistValue": {
                    "values": [{"key": "a", "value": {"arrayValue": {"values": [{"intValue": 1}]}}}]
                }
            },
            '{"a":[1]}',
        ),
    ],
)
def test_a_body_is_any_value(body: object, message: str) -> None:
    decoded = DECODER.decode(RawBatch(envelope(pay=[{**record(0, ""), "body": body}]), 1))
    assert decoded.events["message"].to_list() == [message]


def test_without_a_time_of_its_own_a_record_has_that_of_its_observation() -> None:
    seen = {"timeUnixNano": "0", "observedTimeUnixNano": str(START * 1000)}
    decoded = DECODER.decode(RawBatch(envelope(pay=[{**record(0, "seen"), **seen}]), 1))
    assert decoded.events["time"].to_list() == [START]


def test_fields_of_the_resource_can_be_grouped_by() -> None:
    line = json.loads(envelope(pay=[record(0, "paid")]))
    pairs = line["resourceLogs"][0]["resource"]["attributes"]
    pairs.append({"key": "host.name", "value": {"stringValue": "h1"}})
    by_host = Decoder(JsonLines(group=("service", "resource.host.name")))
    decoded = by_host.decode(RawBatch(json.dumps(line).encode(), 1))
    assert decoded.events["service"].to_list() == ["pay/h1"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"resourceLogs": []}', "no timestamp"),
        (b'{"resourceLogs": [{"scopeLogs": 1}, 5]}', "no timestamp"),
        (b'{"resourceLogs": [', "invalid JSON"),
        (b'{"resourceLogs": ' + b"[" * 5000 + b"]" * 5000 + b"}", "nested too deep"),
        (envelope(pay=[{"body": {"stringValue": "never"}}]), "no timestamp"),
    ],
)
def test_what_holds_no_event_is_a_dead_letter(line: bytes, reason: str) -> None:
    decoded = DECODER.decode(RawBatch(line, 3))
    assert [(d.reason, d.position) for d in decoded.dead] == [(reason, 3)]
    assert decoded.records == 1


def test_bytes_that_are_no_text_cost_no_record() -> None:
    line = envelope(pay=[record(0, "X"), record(0, "whole")]).replace(b"X", b"\xff")
    assert DECODER.decode(RawBatch(line, 1)).events["message"].to_list() == ["\ufffd", "whole"]


def test_a_message_that_speaks_of_envelopes_is_none() -> None:
    line = b'{"timestamp":1767225600,"message":"no \\"resourceLogs\\" here","resourceLogs":1}'
    decoded = DECODER.decode(RawBatch(line, 1))
    assert decoded.events["message"].to_list() == ['no "resourceLogs" here']


MESSAGES = st.sampled_from(["paid", "lost it", "added", "gone"])
ENVELOPES = st.lists(st.lists(MESSAGES, min_size=1, max_size=5), min_size=1, max_size=6)


@bounded(60)
@given(ENVELOPES, st.integers(0, 6))
def test_samples_are_of_their_own_template_however_lines_are_split(
    envelopes: list[list[str]], cut: int
) -> None:
    lines = [envelope(pay=[record(0, m) for m in messages]) for messages in envelopes]
    summarizer = Summarizer(5 * SECOND)

    def summary(part: list[bytes], first: int) -> pl.DataFrame:
        events = DECODER.decode(RawBatch(b"\n".join(part), first)).events if part else None
        if events is None:
            return add()
        columns = {"group": pl.col("service"), "late": pl.lit(False)}
        return summarizer.summarize(events.with_columns(**columns))

    whole = summary(lines, 1).sort(KEY)
    assert whole["sample"].to_list() == whole["template"].to_list()
    assert whole["count"].sum() == sum(len(messages) for messages in envelopes)
    parts = add(summary(lines[cut:], 1 + cut), summary(lines[:cut], 1))
    assert_frame_equal(parts.sort(KEY), whole)
