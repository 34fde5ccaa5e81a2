from __future__ import annotations

from collections import Counter
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.clock import PartitionClock, TimeRules
from log_guard.core.events import SECOND
from log_guard.core.summaries import Summarizer
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE_STREAM, WindowBatch, Windows, WindowSpec
from log_guard.errors import OptionError
from tests.lines import START, event_table

Found = dict[tuple[int, str], Counter[tuple[int, str]]]
ROWS = st.lists(
    st.tuples(
        st.integers(0, 120),
        st.integers(2, 6),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["up", "down", "left"]),
    ),
    min_size=1,
    max_size=40,
)


def _run(
    rows: list[tuple[int, int, str, str]], spec: WindowSpec, cuts: list[int]
) -> tuple[Found, Windows, set[tuple[int, str]]]:
    """Final content of every window, the machine, and the silent ones."""
    clock = PartitionClock(
        TimeRules(slide=spec.slide, lateness=2 * SECOND, max_lateness=spec.max_lateness)
    )
    windows = Windows(spec, Vocabulary(), Vocabulary())
    summarizer = Summarizer(spec.slide)
    found: Found = {}
    silent: set[tuple[int, str]] = set()
    events = event_table(rows)
    places = [0, *sorted({c % len(rows) for c in cuts} - {0}), len(rows)]

    def publish(batch: WindowBatch | None) -> None:
        if batch is None:
            return
        keys = [
            (e, windows.groups.words[g]) for e, g in batch.rows.select("end", "group").iter_rows()
        ]
        content: list[Counter[tuple[int, str]]] = [Counter() for _ in keys]
        for row, level, template, count in batch.entries.iter_rows():
            content[row][level, windows.templates.words[template]] += count
        for key, value in zip(keys, content, strict=True):
            found[key] = value
            if not value:
                silent.add(key)

    def take(judged_events: pl.DataFrame) -> None:
        if not judged_events.is_empty():
            group = pl.col("service").alias("group")
            windows.add(summarizer.summarize(judged_events.with_columns(group)))
        if clock.watermark is not None:
            publish(windows.close(clock.watermark))

    for a, b in pairwise(places):
        take(clock.judge(events[a:b]).events)
    held = clock.finish()
    if held is not None:
        take(held.events)
    publish(windows.flush())
    return found, windows, silent


def _naive(rows: list[tuple[int, int, str, str]], spec: WindowSpec) -> Found:
    """Count every window of every group, and of the stream, event by event."""
    out: Found = {}
    several = len({r[2] for r in rows}) > 1
    for seconds, level, service, message in rows:
        time = START + seconds * SECOND
        pane = time - time % spec.slide
        for k in range(1, spec.panes + 1):
            for group in (service, WHOLE_STREAM) if several else (service,):
                out.setdefault((pane + k * spec.slide, group), Counter())[level, message] += 1
    return out


@pytest.mark.parametrize(("window", "slide"), [(30, 5), (30, 30), (20, 10)])
@given(ROWS, st.lists(st.integers(0, 40), max_size=5))
def test_every_window_holds_what_counting_one_by_one_gives(
    window: int, slide: int, rows: list[tuple[int, int, str, str]], cuts: list[int]
) -> None:
    spec = WindowSpec(window * SECOND, slide * SECOND)
    found, windows, _ = _run(rows, spec, cuts)
    assert windows.scored == len(rows)
    last = max(end for end, _ in found)
    several = len({r[2] for r in rows}) > 1
    for key, content in _naive(rows, spec).items():
        # The whole stream is a group of its own only from the second group on.
        if key[0] <= last and (key[1] != WHOLE_STREAM or key in found):
            assert found[key] == content, key
    assert several or WHOLE_STREAM not in {group for _, group in found}


def test_a_group_that_falls_silent_gets_empty_windows() -> None:
    rows = [(s, 3, "a", "tick") for s in range(200)] + [(s, 3, "b", "tock") for s in range(60)]
    _, _, silent = _run(sorted(rows), WindowSpec(), [])
    ends = sorted((end - START) // SECOND for end, group in silent if group == "b")
    assert ends[0] == 90  # the first window that begins after its last pane
    assert ends[-1] >= 190
    assert all(group == "b" for _, group in silent)


def test_everything_silent_is_one_row() -> None:
    rows = [(s, 3, g, "tick") for s in (*range(30), *range(120, 150)) for g in "ab"]
    _, _, silent = _run(rows, WindowSpec(), [])
    assert silent
    assert {group for _, group in silent} == {WHOLE_STREAM}


def test_the_window_must_be_a_multiple_of_the_slide() -> None:
    with pytest.raises(OptionError, match="multiple"):
        WindowSpec(30 * SECOND, 7 * SECOND)
