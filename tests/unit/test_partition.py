"""Commits of a partition that hands have set back: none goes across what was covered before."""

from __future__ import annotations

import json

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from log_guard.app.roles.partition import Partition
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import SECOND
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import Intake
from log_guard.core.summarising.summaries import Summarizer
from tests.streams import START, Event, bounded, line

END = 40


def partition(begin: int, known: int | None, metadata: str | None = None) -> Partition:
    intake = Intake(Decoder(JsonLines()), TimeRules(), Summarizer(5 * SECOND), source=0)
    return Partition(intake, begin, metadata, 5.0, known)


def messages(first: int, after: int, step: int) -> list[Message]:
    """Every ``step``-th offset holds one: between them are markers of transactions."""
    return [
        Message(
            topic="log-events",
            partition=0,
            offset=offset,
            value=line(Event(offset)),
            timestamp=(1, START // 1000 + offset * 1000),
        )
        for offset in range(first, after)
        if offset % step == 0
    ]


def commits(ours: Partition, chunk: int, step: int) -> list[tuple[int, int, int]]:
    """First offset, next and events of each commit until all is read, as a consumer would bring it."""
    found, at = [], ours.next
    while ours.next < END:
        some = messages(at, min(at + chunk, END), step)
        at = min(at + chunk, END)
        if some:
            ours.add(some)
        if at == END:
            ours.reach_end(END, END, 0.0)
        if ours.pending.messages or ours.is_due(0.0):
            first, taken = ours.next, ours.take(0.0)
            if ours.go_on(0.0):
                at = ours.next  # a consumer that seeks
            found.append((first, ours.next, sum(t.consumed for t in taken)))
    return found


@bounded(60)
@given(st.integers(0, END - 1), st.integers(1, END), st.integers(1, 15), st.sampled_from([1, 2, 3]))
def test_every_message_is_in_one_commit_and_none_goes_across(
    begin: int, known: int, chunk: int, step: int
) -> None:
    told = commits(partition(begin, known), chunk, step)
    assert [first for first, _, _ in told] == [begin, *(after for _, after, _ in told[:-1])]
    assert told[-1][1] == END
    for first, after, events in told:
        assert events == len(messages(first, after, step))
        assert not first < known < after


def quiet(ours: Partition, now: float, wall: float) -> float | None:
    """Seconds by which the partition's time has gone on by the clock; None: it has not."""
    told = ours.progress(0, [], 0, now, wall)
    assert told.watermark is not None
    assert ours.intake.clock.watermark is not None
    return (told.watermark - ours.intake.clock.watermark) / SECOND if told.idle else None


def read_to(ours: Partition, after: int, now: float) -> None:
    """Take what comes up to there; the message at offset n was appended n seconds after START."""
    ours.add(messages(ours.next, after, 1))
    ours.reach_end(after, after, now)
    ours.take(now)
    ours.go_on(now)


HOUR = 3_600.0
WALL = START / SECOND


def test_time_does_not_jump_with_the_clock_of_the_host() -> None:
    ours = partition(0, None)
    read_to(ours, 10, 0.0)  # the last one is of second 9, and we are 2 s late
    assert quiet(ours, 4.0, WALL + 15) is None
    assert quiet(ours, 6.0, WALL + 17) == 8.0
    assert quiet(ours, 7.0, WALL + 18 + HOUR) == 9.0
    assert quiet(ours, 8.0, WALL + 19 - HOUR) == 10.0
    # With what comes next it is asked again; that has just been appended, whatever it says.
    read_to(ours, 20, 10.0)
    assert quiet(ours, 16.0, WALL + 27 + HOUR) == 6.0 + 10.0
    read_to(ours, 30, 20.0)
    assert quiet(ours, 26.0, WALL + 36) == 26.0 - 20.0 + 1.0


def test_whoever_takes_over_goes_on_from_when_the_last_one_was_appended() -> None:
    ours = partition(0, None)
    read_to(ours, 10, 0.0)
    mark = ours.mark("log-events")
    next_owner = partition(mark.offset, None, mark.metadata)
    next_owner.reach_end(10, 10, 0.0)
    assert quiet(next_owner, 6.0, WALL + 9 + 100) == 100.0


def test_whoever_takes_over_knows_it_too() -> None:
    ours = partition(0, 20)
    ours.add(messages(0, 10, 1))
    ours.take(0.0)
    ours.go_on(0.0)
    mark = ours.mark("log-events")
    next_owner = partition(mark.offset, None, mark.metadata)
    assert commits(next_owner, 15, 1) == [(10, 20, 10), (20, 35, 15), (35, 40, 5)]
    assert "known" not in json.loads(next_owner.mark("log-events").metadata or "")
