"""Windows equal a plain count over the events, however the stream is cut and whatever comes late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.clock import PartitionClock, TimeRules
from log_guard.core.events import SECOND, Level
from log_guard.core.summaries import Summarizer
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE, WHOLE_STREAM, WindowBatch, Windows, WindowSpec
from log_guard.errors import OptionError
from tests.streams import START, Event, bounded, cuts, micros, pieces, table

Key = tuple[int, str]
Counts = Counter[tuple[int, str]]


def spec(window: int, slide: int, *, max_lateness: int = 60, silence_shown: int = 20) -> WindowSpec:
    return WindowSpec(
        window * SECOND, slide * SECOND, max_lateness * SECOND, silence_shown * SECOND
    )


SPECS = (spec(30, 5), spec(10, 5), spec(10, 10), spec(12, 3), spec(10, 1))


class Line:
    """Clock, summariser and windows behind one another, and the last word on every window."""

    def __init__(self, shape: WindowSpec) -> None:
        rules = TimeRules(slide=shape.slide, max_lateness=shape.max_lateness)
        self.clock = PartitionClock(rules)
        self.windows = Windows(shape, Vocabulary(), Vocabulary())
        self.content: dict[Key, Counts] = {}
        self.late: list[Key] = []
        self.accepted = 0
        self._summarizer = Summarizer(shape.slide)
        self._position = 1

    def feed(self, events: Sequence[Event]) -> None:
        judged = self.clock.judge(table(events, self._position))
        self._position += len(events)
        self.take(judged.events)

    def take(self, events: pl.DataFrame) -> None:
        self.accepted += events.height
        grouped = events.with_columns(pl.col("service").alias("group"))
        self.windows.add(self._summarizer.summarize(grouped))
        if self.clock.watermark is not None:
            self.publish(self.windows.close(self.clock.watermark))

    def finish(self) -> dict[Key, Counts]:
        held = self.clock.finish()
        if held is not None:
            self.take(held.events)
        self.publish(self.windows.flush())
        return self.content

    def publish(self, batch: WindowBatch | None) -> None:
        if batch is None:
            return
        words, names = self.windows.templates.words, self.windows.groups.words
        keys = [(end, names[group]) for end, group in batch.rows.select("end", "group").rows()]
        assert len(set(keys)) == len(keys)
        assert keys == [
            key for _, key in sorted(zip(batch.rows.rows(), keys, strict=True), key=lambda r: r[0])
        ]
        for (end, name), late in zip(keys, batch.rows["late"].to_list(), strict=True):
            assert late == ((end, name) in self.content)
            self.content[end, name] = Counter()
            if late:
                self.late.append((end, name))
        for row, level, template, count in batch.entries.rows():
            self.content[keys[row]][level, words[template]] += count


def run(shape: WindowSpec, events: Sequence[Event], at: Sequence[int] = ()) -> dict[Key, Counts]:
    line = Line(shape)
    for part in pieces(events, at):
        line.feed(part)
    content = line.finish()
    assert line.windows.scored == line.accepted
    return content


def plain_count(shape: WindowSpec, events: Sequence[Event]) -> dict[Key, Counts]:
    """Every window of every group, counted one event at a time."""
    clock = PartitionClock(TimeRules(slide=shape.slide, max_lateness=shape.max_lateness))
    first, held = clock.judge(table(events)), clock.finish()
    judged = [*first.events.rows(named=True), *(held.events.rows(named=True) if held else [])]
    seen = [(row["time"] - row["time"] % shape.slide, row) for row in judged]
    on_time: dict[str, set[int]] = {}
    for pane, row in seen:
        if not row["late"]:
            on_time.setdefault(row["service"], set()).add(pane)
            on_time.setdefault(WHOLE_STREAM, set()).add(pane)
    names = sorted(on_time.keys() - {WHOLE_STREAM}, key=lambda name: min(on_time[name]))
    content: dict[Key, Counts] = {}
    if not seen:
        return content
    panes = [pane for pane, _ in seen]
    for end in range(min(panes) + shape.slide, max(panes) + shape.slide + 1, shape.slide):
        inside = [row for pane, row in seen if end - shape.window <= pane < end]
        present = {row["service"] for row in inside}
        several = len(present) > 1 or (len(names) > 1 and min(on_time[names[1]]) < end)
        for row in inside:
            for name in (row["service"], WHOLE_STREAM) if several else (row["service"],):
                content.setdefault((end, name), Counter())[row["level"], row["message"]] += 1
        for name in silent(shape, on_time, end, names[0] if not several else WHOLE_STREAM):
            content.setdefault((end, name), Counter())
    return content


def silent(shape: WindowSpec, on_time: dict[str, set[int]], end: int, stream: str) -> Iterator[str]:
    """Groups with a row for having fallen silent; if all have, the stream alone."""

    def fell_silent(name: str) -> bool:
        last = max((pane for pane in on_time[name] if pane < end), default=None)
        return last is not None and (
            last + shape.window < end <= last + shape.window + shape.silence_shown
        )

    whole_last = max((pane for pane in on_time[WHOLE_STREAM] if pane < end), default=end)
    if whole_last + shape.window < end:
        if fell_silent(WHOLE_STREAM):
            yield stream
        yield from (
            name
            for name in on_time.keys() - {WHOLE_STREAM}
            if fell_silent(name) and not fell_silent(WHOLE_STREAM)
        )
    else:
        yield from (name for name in on_time.keys() - {WHOLE_STREAM} if fell_silent(name))


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events that mostly go on, with stragglers, gaps and services that come and go."""
    time, events = draw(st.integers(0, 9)) + 100.0, []
    steps = st.one_of(st.integers(0, 2), st.integers(0, 40), st.sampled_from((-1, -4, -20, -70)))
    services = draw(st.sampled_from((("api",), ("api", "web"), ("api", "web", "db"))))
    for step in draw(st.lists(steps, max_size=30)):
        late = step < 0
        events.append(
            Event(
                time + step,
                draw(st.sampled_from(services)),
                draw(st.sampled_from((Level.INFO, Level.ERROR))),
                draw(st.sampled_from(("a", "b"))),
            )
        )
        time += 0 if late else step
    return events


@bounded(150)
@given(streams(), cuts(30), st.sampled_from(SPECS))
def test_windows_equal_a_plain_count(events: list[Event], at: list[int], shape: WindowSpec) -> None:
    assert run(shape, events, at) == plain_count(shape, events)


@bounded(40)
@given(streams(), st.sampled_from(SPECS))
def test_one_event_at_a_time_gives_what_all_at_once_gives(
    events: list[Event], shape: WindowSpec
) -> None:
    assert run(shape, events, range(len(events))) == run(shape, events)
