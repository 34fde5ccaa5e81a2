"""Windows equal a plain count over the events, however the stream is cut and whatever comes late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.events import SECOND, Level
from log_guard.core.summarising.clock import PartitionClock, TimeRules
from log_guard.core.summarising.summaries import Summarizer
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE, WHOLE_STREAM, WindowBatch, Windows, WindowSpec
from log_guard.core.windows.admission import OTHER_GROUPS
from log_guard.core.windows.panes import window_samples
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

    def __init__(self, shape: WindowSpec, max_groups: int | None = None) -> None:
        rules = TimeRules(slide=shape.slide, max_lateness=shape.max_lateness)
        self.clock = PartitionClock(rules)
        self.windows = Windows(shape, Vocabulary(), Vocabulary(), max_groups=max_groups)
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
            assert late or (end, name) not in self.content
            self.content[end, name] = Counter()
            if late:
                self.late.append((end, name))
        for row, level, template, count in batch.entries.rows():
            self.content[keys[row]][level, words[template]] += count


def run(
    shape: WindowSpec,
    events: Sequence[Event],
    at: Sequence[int] = (),
    max_groups: int | None = None,
) -> dict[Key, Counts]:
    line = Line(shape, max_groups)
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
        if last is None:
            return False
        idle = name == WHOLE_STREAM and end > last + shape.idle_after
        return last + shape.window < end <= last + shape.window + shape.silence_shown or (
            end - last in shape.later_silences() and not idle
        )

    whole_last = max((pane for pane in on_time[WHOLE_STREAM] if pane < end), default=end)
    if whole_last + shape.window < end:
        if fell_silent(WHOLE_STREAM):
            yield stream
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


@bounded(100)
@given(streams(), cuts(30), st.sampled_from(SPECS))
def test_windows_equal_a_plain_count(events: list[Event], at: list[int], shape: WindowSpec) -> None:
    assert run(shape, events, at) == plain_count(shape, events)


@bounded(30)
@given(streams(), st.sampled_from(SPECS))
def test_one_event_at_a_time_gives_what_all_at_once_gives(
    events: list[Event], shape: WindowSpec
) -> None:
    assert run(shape, events, range(len(events))) == run(shape, events)


def counts(**by_message: int) -> Counts:
    return Counter({(int(Level.INFO), message): n for message, n in by_message.items()})


def shifted(content: dict[Key, Counts]) -> dict[tuple[float, str], Counts]:
    """With ends in seconds after the start."""
    return {((end - START) / SECOND, name): each for (end, name), each in content.items()}


def every(seconds: float, until: float, service: str = "api", since: float = 0.0) -> list[Event]:
    return [Event(t, service, message="a") for t in np.arange(since, until, seconds).tolist()]


def test_a_window_is_the_sum_of_its_panes() -> None:
    content = shifted(run(spec(10, 5), [Event(1, message="a"), Event(6, message="b")]))
    assert content == {
        (5, "api"): counts(a=1),
        (10, "api"): counts(a=1, b=1),
    }


def test_with_a_slide_as_long_as_the_window_every_event_is_in_one_window() -> None:
    events = every(3, 100)
    content = run(spec(10, 10), events)
    assert sum(each.total() for each in content.values()) == len(events)
    assert all(end % (10 * SECOND) == 0 for end, _ in content)


@bounded(30)
@given(streams(), st.sampled_from(SPECS))
def test_the_whole_stream_is_the_sum_of_the_groups(events: list[Event], shape: WindowSpec) -> None:
    content = run(shape, events)
    for (end, name), whole in content.items():
        if name == WHOLE_STREAM:
            groups = [each for (e, n), each in content.items() if e == end and n != name]
            assert whole == sum(groups, Counts())


def test_a_single_group_is_not_said_twice() -> None:
    assert {name for _, name in run(spec(10, 5), every(2, 60))} == {"api"}


def test_the_whole_stream_begins_with_the_second_group_wherever_the_cut_is() -> None:
    events = sorted(every(2, 60) + every(2, 60, "web", since=31))
    for at in ([], [10], [20], list(range(60))):
        content = shifted(run(spec(10, 5), events, at))
        assert min(end for end, name in content if name == WHOLE_STREAM) == 35


def test_a_late_event_revises_all_windows_that_hold_it() -> None:
    line = Line(spec(10, 5))
    line.feed(every(1, 40))
    assert shifted(line.content)[15, "api"] == counts(a=10)
    line.feed([Event(12, message="b")])
    assert [((end - START) / SECOND, name) for end, name in line.late] == [(15, "api"), (20, "api")]
    assert shifted(line.content)[15, "api"] == counts(a=10, b=1)
    assert line.windows.scored == 36  # up to 35 s, and the late one


def test_a_late_event_from_before_the_beginning_is_published_too() -> None:
    line = Line(spec(10, 5))
    for part in (every(1, 40, since=20), [Event(3, message="b")]):
        line.feed(part)
    content = shifted(line.finish())
    assert content[5, "api"] == content[10, "api"] == counts(b=1)
    assert line.windows.scored == line.accepted == 21


def test_a_group_that_falls_silent_gets_empty_windows_for_a_while() -> None:
    events = sorted(every(1, 120) + every(1, 30, "web"))
    empty = [end for (end, name), each in shifted(run(spec(10, 5), events)).items() if not each]
    # For 20 s after the last window that was not, from then on where it is a quarter longer.
    assert sorted(empty) == [40, 45, 50, 55, 65, 75, 85, 100, 120]


def test_when_all_fall_silent_one_row_says_so() -> None:
    events = [*sorted(every(1, 30) + every(1, 30, "web")), Event(200), Event(200, "web")]
    silent_rows = [key for key, each in run(spec(10, 5), events).items() if not each]
    assert silent_rows
    assert {name for _, name in silent_rows} == {WHOLE_STREAM}


def test_a_gap_of_a_month_costs_a_few_rows() -> None:
    month = 30 * 86_400
    events = [*every(1, 30), Event(month), Event(month + 1), Event(month + 20)]
    assert len(run(spec(10, 5), events)) < 40


def test_a_late_event_finds_its_window_after_a_long_idle_time() -> None:
    line = Line(spec(10, 5))
    line.feed(every(1, 40))
    line.publish(
        line.windows.close(micros(3 * 3600))
    )  # the source idles, its owner's clock goes on
    line.publish(line.windows.close(micros(3 * 3600 + 60)))
    line.feed([Event(38, message="b")])
    assert shifted(line.content)[40, "api"] == counts(a=10, b=1)


def test_panes_that_can_no_longer_change_are_dropped() -> None:
    line = Line(spec(10, 5, max_lateness=20))
    held = []
    for start in range(0, 2000, 100):
        line.feed(every(1, start + 100, since=start))
        held.append(line.windows.pane_rows)
    assert max(held) <= 2 * (10 + 20 + 100) / 5


def test_panes_closed_last_can_be_learnt_from() -> None:
    line = Line(spec(10, 5, max_lateness=1))
    line.feed([*every(1, 302), Event(301.5)])
    learnt = line.windows.closed_panes(micros(0), micros(300))
    assert learnt["count"].sum() == 300


def test_late_events_are_not_learnt_from() -> None:
    line = Line(spec(10, 5))
    line.feed([*every(1, 40), Event(12), Event(40)])
    assert line.windows.closed_panes(micros(0), micros(35))["count"].sum() == 35


def test_a_look_at_open_windows_changes_nothing() -> None:
    line, undisturbed = Line(spec(10, 5)), Line(spec(10, 5))
    for part in pieces(every(1, 60), range(0, 60, 7)):
        line.feed(part)
        undisturbed.feed(part)
        peeked = line.windows.peek()
        assert peeked is None or not peeked.final
    assert line.finish() == undisturbed.finish()


def test_an_open_window_holds_what_has_come_so_far() -> None:
    line = Line(spec(10, 5))
    line.feed([Event(t, message="a") for t in (1, 2, 6, 7)])
    batch = line.windows.peek()
    assert batch is not None
    assert [(end - START) // SECOND for end in batch.rows["end"]] == [10]
    assert batch.entries["count"].to_list() == [4]


def test_the_end_of_the_stream_publishes_the_rest_as_not_final() -> None:
    line = Line(spec(10, 5))
    line.feed(every(1, 12))
    batch = line.windows.flush()
    assert batch is not None
    assert not batch.final
    assert [(end - START) // SECOND for end in batch.rows["end"]] == [10, 15]
    assert line.windows.flush() is None


def test_a_window_is_whole_if_the_stream_was_watched_for_all_of_it() -> None:
    line = Line(spec(10, 5))
    line.feed(every(1, 2))
    whole = {}
    line.clock.judge(table([Event(30)]))
    batch = line.windows.close(micros(28))
    assert batch is not None
    for end, flag in batch.rows.select("end", "whole").iter_rows():
        whole[(end - START) // SECOND] = flag
    assert whole == {5: False, 10: True, 15: True, 20: True, 25: True}


def test_only_some_windows_of_a_batch() -> None:
    line = Line(spec(10, 5))
    line.windows.add(summary(every(1, 30) + every(1, 30, "web")))
    batch = line.windows.close(micros(30))
    assert batch is not None
    of_web = (batch.rows["group"] == line.windows.groups.id("web")).to_numpy()
    chosen = batch.only(of_web)
    assert chosen.rows.equals(batch.rows.filter(of_web))
    assert chosen.entries["row"].to_list() == list(range(6))
    assert chosen.entries["count"].to_list() == [5, 10, 10, 10, 10, 10]


def summary(events: list[Event]) -> pl.DataFrame:
    marks = pl.col("service").alias("group"), pl.lit(False).alias("late")
    return Summarizer(5 * SECOND).summarize(table(events).with_columns(*marks))


def test_the_samples_of_a_window_are_its_own() -> None:
    line = Line(spec(10, 5))
    line.windows.add(summary([Event(t, s, message=f"{s} at") for t in range(30) for s in "ab"]))
    line.windows.close(micros(30))
    group = line.windows.groups.id("a")
    held = line.windows.held(micros(20))
    samples = window_samples(held, group)
    assert set(samples["sample"]) == {"a at"}
    assert {(int(p) - 1) // 2 // 5 for p in samples["position"]} == {2, 3}
    assert set(window_samples(held, WHOLE)["sample"]) == {"a at", "b at"}


def test_merging_equal_rows_changes_no_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    events = sorted(every(1, 60) + every(2, 60, "web"))
    plain = run(spec(10, 5), events, range(60))
    monkeypatch.setattr("log_guard.core.windows.held.MERGE_ROWS", 3)
    assert run(spec(10, 5), events, range(60)) == plain


@pytest.mark.parametrize(("window", "slide"), [(30, 7), (5, 10), (0, 5), (30, 0), (-30, -5)])
def test_windows_are_made_of_whole_panes(window: int, slide: int) -> None:
    with pytest.raises(OptionError):
        WindowSpec(window * SECOND, slide * SECOND)


@st.composite
def crowds(draw: st.DrawFn) -> list[Event]:
    """Streams in which new services keep coming, some of them late."""
    return [
        event._replace(service=draw(st.sampled_from(("a", "b", "aa", "bb", "c", "cc"))))
        for event in draw(streams())
    ]


@bounded(150)
@given(crowds(), cuts(30), st.sampled_from(SPECS), st.integers(1, 4))
def test_who_has_windows_of_its_own_does_not_depend_on_the_cut(
    events: list[Event], at: list[int], shape: WindowSpec, most: int
) -> None:
    whole = run(shape, events, max_groups=most)
    assert run(shape, events, at, most) == whole
    assert run(shape, events, range(len(events)), most) == whole


@bounded(50)
@given(crowds(), st.sampled_from(SPECS), st.integers(1, 4))
def test_those_beyond_the_bound_are_counted_as_one(
    events: list[Event], shape: WindowSpec, most: int
) -> None:
    """The whole stream is as it is without a bound, and so are the groups with windows of their own."""
    bounded_ = run(shape, events, max_groups=most)
    free = run(shape, events)
    for (end, name), content in bounded_.items():
        if name == WHOLE_STREAM and (end, name) in free:
            assert content == free[end, name]
        elif name != OTHER_GROUPS and (end, name) in free:
            assert content <= free[end, name]
    per_end: dict[int, Counts] = {}
    for (end, name), content in bounded_.items():
        if name != WHOLE_STREAM:
            per_end.setdefault(end, Counter()).update(content)
    expected: dict[int, Counts] = {}
    for (end, name), content in free.items():
        if name != WHOLE_STREAM:
            expected.setdefault(end, Counter()).update(content)
    assert {e: c for e, c in per_end.items() if c} == {e: c for e, c in expected.items() if c}


def test_the_first_groups_are_admitted_and_the_others_counted() -> None:
    shape = spec(10, 5)
    line = Line(shape, max_groups=2)
    names = ["web", "api", "zz", "job-1", "job-2", "api"]
    line.feed([Event(float(i // 3 * 5), name, message="a") for i, name in enumerate(names)])
    content = shifted(line.finish())
    assert content[10.0, "api"] == counts(a=2)
    assert content[5.0, OTHER_GROUPS] == counts(a=1)  # "web": as early, but longer than "zz"
    assert content[10.0, OTHER_GROUPS] == counts(a=3)
    assert content[10.0, WHOLE_STREAM] == counts(a=6)
    assert {name for _, name in content} == {"api", "zz", OTHER_GROUPS, WHOLE_STREAM}
    assert line.windows.admission.crowded == 3


def test_a_new_group_on_every_line_costs_no_memory_for_ever() -> None:
    line = Line(spec(10, 5), max_groups=10)
    for i in range(0, 4000, 100):
        line.feed([Event(float(t), f"job-{t}", message="a") for t in range(i, i + 100)])
    assert len(line.windows.groups) < 250
    assert sum(c.total() for (_, name), c in line.finish().items() if name == WHOLE_STREAM) > 7000
