"""Messages → lines: each line once, with the place and the time of its message, however they come."""

from __future__ import annotations

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from log_guard.adapters.kafka.records import unpack
from log_guard.app.roles import messages as reading
from log_guard.app.roles.messages import Pending
from tests.streams import bounded, cuts, pieces

VALUES = st.lists(
    st.one_of(
        st.none(),
        st.lists(st.sampled_from((b"", b"a", b"{}", b"\xff\r")), min_size=1, max_size=3).map(
            b"\n".join
        ),
        st.sampled_from((b"a\n", b"\n", b"\n\n", b"a\nb\n")),
    ),
    max_size=20,
)

Line = tuple[int, int, int, bytes]
"""Offset, line within its message, time in ms, and what it says."""


def messages_of(values: list[bytes | None]) -> list[Message]:
    """One at every third offset from 30 on: offsets have gaps."""
    return [
        Message(topic="t", partition=2, offset=30 + 3 * i, value=value, timestamp=(1, 1000 + i))
        for i, value in enumerate(values)
    ]


def naive(values: list[bytes | None], first: int) -> list[Line]:
    """A newline ends a line; the last of a message may have none."""
    return [
        (30 + 3 * i, n, 1000 + i, text)
        for i, value in enumerate(values)
        if value is not None and 30 + 3 * i >= first
        for n, text in enumerate(value.removesuffix(b"\n").split(b"\n"))
    ]


def lines_of(pending: Pending) -> list[Line]:
    found: list[Line] = []
    for batch, appended in pending.batches():
        assert batch.positions is not None
        assert batch.source == 2
        texts = batch.data.split(b"\n")[:-1]
        for position, time, text in zip(
            batch.positions.tolist(), appended.tolist(), texts, strict=True
        ):
            found.append((*unpack(position), time // 1000, text))
    return found


@pytest.mark.parametrize("batch_bytes", [1, 4, 4 << 20])
@bounded(150)
@given(VALUES, cuts(20), st.integers(0, 60))
def test_every_line_is_there_once_with_its_place(
    batch_bytes: int, values: list[bytes | None], at: list[int], first: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BATCH_BYTES", batch_bytes)
        pending = Pending(2, first)
        for some in pieces(messages_of(values), at):
            if some:
                pending.add(some)
        assert lines_of(pending) == naive(values, first)
    taken = [30 + 3 * i for i in range(len(values)) if 30 + 3 * i >= first]
    assert pending.next == (taken[-1] + 1 if taken else first)
    assert pending.messages == len(taken)
    assert pending.filtered == sum(values[(offset - 30) // 3] is None for offset in taken)


def test_what_is_there_already_is_not_added_again() -> None:
    # After a takeover the client may give what was fetched for an earlier assignment.
    pending = Pending(2, 0)
    messages = messages_of([b"a", b"b", b"c"])
    for some in (messages[:2], messages[:2], messages):
        pending.add(some)
    assert [text for *_, text in lines_of(pending)] == [b"a", b"b", b"c"]
