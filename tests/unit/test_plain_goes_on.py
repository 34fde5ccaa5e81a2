"""Lines of plain text that begin with a time, and go on with the event before: what PostgreSQL says of an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS
from log_guard.core.events import RawBatch
from log_guard.core.masking.masker import mask_one
from tests.streams import bounded, cut_and_decoded, pieces

T = "2026-01-01 00:00:00.000 UTC"
DECODER = Decoder(FORMATS["plain"], service="db")


@pytest.mark.parametrize(
    "prefix", ["[7] app@shop ", "", "user=app,db=shop,client=::1 ", ":192.0.2.1(5):app@shop:[7]:"]
)
def test_what_is_said_of_an_error_is_one_event_with_it(prefix: str) -> None:
    log = [
        "ERROR:  deadlock detected",
        "DETAIL:  Process 7 waits for ShareLock on transaction 9",
        "HINT:  See server log for query details.",
        "CONTEXT:  while updating tuple (0,7) in relation stock",
        "STATEMENT:  UPDATE stock\n\tSET n = 7",
        "LOG:  checkpoint starting: time",
    ]
    data = "\n".join(
        f"{T}{'' if prefix[:1] == ':' else ' '}{prefix}{line}" for line in log
    ).encode()
    (at, error), (after, checkpoint) = cut_and_decoded(DECODER, [data])
    assert (at, after) == (1, 7)
    assert "deadlock detected" in mask_one(error)
    assert "DETAIL" not in mask_one(error)
    told = [line[: line.index(":")] for line in error.split("\n")[1:-1]]
    assert told == ["DETAIL", "HINT", "CONTEXT", "STATEMENT"]
    assert error.endswith("SET n = 7")
    assert checkpoint.endswith("checkpoint starting: time")


@pytest.mark.parametrize(
    "line",
    [
        "ERROR:  syntax error near STATEMENT:  x",
        "LOG:  statement: SELECT 'DETAIL:  x'",
        "LOG:  duration: 7 ms  statement: SELECT 1",
        "app DETAIL: one space",
    ],
)
def test_a_line_that_only_holds_such_a_word_is_an_event(line: str) -> None:
    data = f"{T} [7] LOG:  up\n{T} [7] {line}".encode()
    assert [position for position, _ in cut_and_decoded(DECODER, [data])] == [1, 2]


def test_records_of_a_queue_are_not_joined() -> None:
    data = f"{T} [7] ERROR:  lost\n{T} [7] DETAIL:  x".encode()
    assert DECODER.decode(RawBatch(data, 1)).records == 2


LINES = st.lists(
    st.sampled_from(
        ["[7] ERROR:  é", "[7] DETAIL:  x\n\ty", "[7] LOG:  DETAIL:  z", "[8] STATEMENT:  s"]
    )
)


@bounded(60)
@given(LINES, st.lists(st.integers(0, 2000), max_size=4))
def test_however_bytes_come_in_the_events_are_the_same(lines: list[str], places: list[int]) -> None:
    data = "".join(f"{T} {line}\n" for line in lines).encode()
    whole = cut_and_decoded(DECODER, [data])
    assert cut_and_decoded(DECODER, pieces(data, places)) == whole
