"""Cutting bytes into lines, events and batches: however the bytes come in, the same comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from log_guard.adapters.files.batches import (
    EVENT_LINES,
    BatchCutter,
    StartsEvent,
    cut_long_lines,
)
from log_guard.core.events import RawBatch

STARTS = re.compile(rb"^E")

# Few kinds of bytes, so that line ends, starts and long lines all are frequent.
texts = st.lists(st.sampled_from([b"\n", b"E", b"E", b"c", b"\r\n", b"ccc", b"\xff\0"])).map(
    b"".join
)
splits = st.lists(st.integers(0, 60))


def split(data: bytes, places: Iterable[int]) -> list[bytes]:
    bounds = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(bounds)]


def cut(
    chunks: Iterable[bytes], limit: int = 1 << 20, starts_event: StartsEvent | None = None
) -> Iterator[RawBatch]:
    cutter = BatchCutter(limit, starts_event)
    for chunk in chunks:
        cutter.add(chunk)
        yield from cutter.take()
    yield from cutter.finish()


def lines_of(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n") if data else []


def numbered(batches: Iterable[RawBatch]) -> list[tuple[int, bytes]]:
    return [
        (number, line)
        for batch in batches
        for number, line in enumerate(lines_of(batch.data), batch.first)
    ]


def events(batches: Iterable[RawBatch]) -> list[tuple[int, list[bytes]]]:
    """Position and lines of each event: a batch or a line that starts one begins it."""
    found: list[tuple[int, list[bytes]]] = []
    for batch in batches:
        assert batch.multiline
        for number, line in enumerate(lines_of(batch.data), batch.first):
            if number == batch.first or STARTS.search(line):
                found.append((number, []))
            found[-1][1].append(line)
    return found


def expected_events(data: bytes, limit: int) -> list[tuple[int, list[bytes]]]:
    """The rule, line by line."""
    found: list[tuple[int, list[bytes]]] = []
    for number, line in enumerate(lines_of(data), 1):
        kept = line[: limit + 1]
        if found and not STARTS.search(kept):
            lines = found[-1][1]
            size = sum(len(line) + 1 for line in lines) + len(kept) + 1
            if size <= limit and len(lines) < EVENT_LINES:
                lines.append(kept)
                continue
        found.append((number, [kept]))
    return found


@given(texts, splits)
def test_the_same_lines_and_positions_however_the_bytes_are_split(
    data: bytes, places: list[int]
) -> None:
    batches = list(cut(split(data, places)))
    assert numbered(batches) == list(enumerate(lines_of(data), 1))
    assert all(batch.data.endswith(b"\n") and not batch.multiline for batch in batches)


@given(texts, splits, st.integers(1, 8))
def test_a_long_line_is_cut_and_counts_as_one(data: bytes, places: list[int], limit: int) -> None:
    kept = [line[: limit + 1] for line in lines_of(data)]
    assert numbered(cut(split(data, places), limit)) == list(enumerate(kept, 1))


@given(texts, splits, st.integers(1, 30))
@example(b"c\nE\n\n\n\n\n\nE\nc", [3, 5], 4)
def test_the_same_events_however_the_bytes_are_split(
    data: bytes, places: list[int], limit: int
) -> None:
    found = events(cut(split(data, places), limit, STARTS))
    assert found == expected_events(data, limit)


@given(texts, st.integers(0, 12))
def test_cut_long_lines(data: bytes, limit: int) -> None:
    assert cut_long_lines(data, limit) == b"\n".join(
        line[: limit + 1] for line in data.split(b"\n")
    )


def test_an_event_of_too_many_lines_is_cut_where_its_own_length_says() -> None:
    event = b"E\n" + b" at\n" * 2 * EVENT_LINES
    data = b"E before\n" + event + b"E after\n"
    wanted = [
        (1, 1),
        (2, EVENT_LINES),
        (2 + EVENT_LINES, EVENT_LINES),
        (2 + 2 * EVENT_LINES, 1),
        (3 + 2 * EVENT_LINES, 1),
    ]
    for size in (1, 7, 1000, len(data)):
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        found = [(first, len(lines)) for first, lines in events(cut(chunks, starts_event=STARTS))]
        assert found == wanted


def test_the_last_event_is_held_back_until_the_next_starts_or_it_is_released() -> None:
    cutter = BatchCutter(1 << 20, STARTS, source=7)
    cutter.add(b"E1\n more\nE2\n")
    assert list(cutter.take()) == [RawBatch(b"E1\n more\n", 1, 7, multiline=True)]
    assert list(cutter.take()) == []
    cutter.add(b" more\nE3")
    assert list(cutter.take()) == []  # E3 may still go on to be something else
    assert list(cutter.release()) == [RawBatch(b"E2\n more\n", 3, 7, multiline=True)]
    assert list(cutter.release()) == []
    assert list(cutter.finish()) == [RawBatch(b"E3\n", 5, 7, multiline=True)]


def test_a_function_may_say_what_starts_an_event_and_sees_no_line_ending() -> None:
    seen: list[bytes] = []

    def starts(line: bytes) -> bool:
        seen.append(line)
        return line == b"E"

    assert [batch.data for batch in cut([b"E\r\nc\nE\r\n"], starts_event=starts)] == [
        b"E\r\nc\n",
        b"E\r\n",
    ]
    assert set(seen) <= {b"E", b"c"}


def test_only_lines_around_a_cut_are_looked_at() -> None:
    looked: list[bytes] = []

    def starts(line: bytes) -> bool:
        looked.append(line)
        return line.startswith(b"E")

    batches = list(cut([b"E\n more\n" * 50_000], starts_event=starts))
    assert [batch.data.count(b"\n") for batch in batches] == [99_998, 2]
    assert len(looked) < 500


def test_a_line_without_end_is_not_held() -> None:
    cutter = BatchCutter(1000)
    kept: list[RawBatch] = []
    for _ in range(1000):
        cutter.add(b"x" * 997)
        kept += cutter.take()
        assert cutter._unfinished_bytes <= 1001
    cutter.add(b"\nnext")
    kept += [*cutter.take(), *cutter.finish()]
    assert numbered(kept) == [(1, b"x" * 1001), (2, b"next")]


@pytest.mark.parametrize("data", [b"", b"\n", b"\n\n", b"a", b"a\n", b"a\n\n"])
def test_small_inputs(data: bytes) -> None:
    assert numbered(cut([data])) == list(enumerate(lines_of(data), 1))
    assert [line for _, lines in events(cut([data], starts_event=STARTS)) for line in lines] == (
        lines_of(data)
    )
