"""Container lines: messages in pieces, and messages that are JSON."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.cri import Cri
from log_guard.core.events import Level, RawBatch
from tests.streams import bounded, cut_and_decoded, pieces

T = "2026-01-01T00:00:00.000000000Z"
DECODER = Decoder(Cri(), service="elsewhere")


def messages(*lines: str) -> list[tuple[int, str]]:
    batch = RawBatch("\n".join(f"{T} {line}" for line in lines).encode(), 1, multiline=True)
    return DECODER.decode(batch).events.select("position", "message").rows()


def test_pieces_of_a_message_are_one_event() -> None:
    assert messages(
        "stdout F first", "stdout P lost ", "stdout P conn", "stdout F ection", "stderr F last"
    ) == [(1, "first"), (2, "lost connection"), (5, "last")]


def test_text_with_a_time_of_its_own_is_read_as_text() -> None:
    lines = [
        "stdout F 2026-01-01 00:00:00,123 INFO  [cart] up",
        "stderr F [2025-12-31T23:59:59.9Z] ERROR lost it",
        "stdout F 2026-01-01 is a date and no time",
    ]
    data = "\n".join(f"{T} {line}" for line in lines).encode()
    events = DECODER.decode(RawBatch(data, 1)).events
    assert events["message"].to_list() == [
        "[cart] up",
        "lost it",
        "2026-01-01 is a date and no time",
    ]
    assert events["level"].to_list() == [Level.INFO, Level.ERROR, Level.UNSPECIFIED]
    assert set(events["time"].to_list()) == {1767225600_000_000}  # the runtime's


def test_a_piece_that_nothing_completes_stands_alone() -> None:
    assert messages("stdout P half", "stderr F other", "stdout P end") == [
        (1, "half"),
        (2, "other"),
        (3, "end"),
    ]


def test_a_line_between_that_is_no_container_line_joins_nothing() -> None:
    data = f"{T} stdout P half\n\nrubbish\n{T} stdout F whole".encode()
    decoded = DECODER.decode(RawBatch(data, 1, multiline=True))
    assert decoded.events["message"].to_list() == ["half", "whole"]
    assert [d.position for d in decoded.dead] == [2, 3]


def test_records_of_a_queue_are_not_joined() -> None:
    decoded = DECODER.decode(RawBatch(f"{T} stdout P a\n{T} stdout F b".encode(), 1))
    assert decoded.events["message"].to_list() == ["a", "b"]


LINES = st.lists(st.sampled_from([f"{T} {s} {f} x" for s in ("stdout", "stderr") for f in "PPF"]))


@bounded(100)
@given(LINES, st.lists(st.integers(0, 2000), max_size=4))
def test_however_bytes_come_in_the_events_are_the_same(lines: list[str], places: list[int]) -> None:
    data = "".join(line + "\n" for line in lines).encode()

    whole = cut_and_decoded(DECODER, [data])
    assert cut_and_decoded(DECODER, pieces(data, places)) == whole


def test_a_message_that_is_json_is_read_as_json() -> None:
    lines = [
        f'{T} stdout F {{"level":"error","service":"pay","msg":"lost it","time":"1999-01-01T00:00:00Z"}}',
        f'{T} stderr F {{"severity":"WARNING","message":"slow"}} ',
        f"{T} stdout F {{not json}}",
        f"{T} stdout F {{}}",
        f"{T} stdout F INFO plain",
    ]
    for decoder in (DECODER, Decoder(Cri().tuned(lines), service="elsewhere")):
        decoded = decoder.decode(RawBatch("\n".join(lines).encode(), 1))
        assert decoded.dead == []
        assert decoded.events["time"].n_unique() == 1
        assert decoded.events.select("level", "service", "message").rows() == [
            (Level.ERROR, "pay", "lost it"),
            (Level.WARN, "elsewhere", "slow"),
            (Level.UNSPECIFIED, "elsewhere", "{not json}"),
            (Level.UNSPECIFIED, "elsewhere", "{}"),
            (Level.INFO, "elsewhere", "INFO plain"),
        ]


@pytest.mark.parametrize("tuned", [True, False])
def test_a_record_is_read_alike_whatever_stands_beside_it(tuned: bool) -> None:
    lines = [
        f'{T} stdout F {{"level":"info","msg":"a"}}',
        f'{T} stdout F {{"lvl":"error","message":{{"a":1}}}}',
        f'{T} stdout F {{"level":"info","msg":"b"',
        f"{T} stdout F [1]",
    ]
    format_ = Cri().tuned(lines) if tuned else Cri()
    together = format_.parse(pl.Series(lines)).rows()
    assert together == [format_.parse(pl.Series([line])).row(0) for line in lines]
