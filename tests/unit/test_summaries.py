"""Summaries add: in any order, in any grouping, with the bound on templates biting or not."""

from __future__ import annotations

from collections import Counter
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.events import SECOND, Level
from log_guard.core.masking import mask_one
from log_guard.core.summarising.summaries import (
    KEY,
    OVERFLOW_TEMPLATE,
    SUMMARY_SCHEMA,
    Summarizer,
    add,
    bound_templates,
    empty,
    sample_hashes,
)
from tests.streams import START, Event, bounded, cuts, pieces, table

SLIDE = 5 * SECOND
MESSAGES = (
    "served in 12 ms",
    "served in 7 ms",
    "cache miss",
    "cache hit",
    "disk full",
    "password=swordfish",
    OVERFLOW_TEMPLATE,
    "",
)
TEMPLATES = {message: mask_one(message) for message in MESSAGES}

EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(0, 14),
        st.sampled_from(("api", "web")),
        st.sampled_from((Level.UNSPECIFIED, Level.INFO, Level.ERROR)),
        st.sampled_from(MESSAGES),
    ),
    max_size=40,
)
BOUND = st.sampled_from((1, 2, 3, 2_000))


def marked(events: list[Event], seed: int = 0, first: int = 1) -> pl.DataFrame:
    """Event table with a group and a mark for late ones, as a clock would leave it."""
    random = Random(seed)
    late = pl.Series("late", [random.random() < 0.3 for _ in events], dtype=pl.Boolean)
    return table(events, first).with_columns(pl.col("service").alias("group"), late)


def rows(summary: pl.DataFrame) -> list[tuple[object, ...]]:
    assert summary.schema == pl.Schema(SUMMARY_SCHEMA)
    return summary.sort(KEY).rows()


@bounded(30)
@given(EVENTS, cuts(40), BOUND, st.integers(0, 9))
def test_any_split_added_in_any_order_is_the_summary_of_the_whole(
    events: list[Event], at: list[int], most: int, seed: int
) -> None:
    summarizer = Summarizer(SLIDE, max_templates=most)
    whole = marked(events, seed)
    parts = [summarizer.summarize(whole[list(part)]) for part in pieces(range(len(events)), at)]
    Random(seed).shuffle(parts)
    at_once = rows(summarizer.summarize(whole))
    assert rows(add(*parts, max_templates=most)) == at_once
    one_by_one = empty()
    for part in parts:
        one_by_one = add(part, one_by_one, max_templates=most)
    assert rows(one_by_one) == at_once


@bounded(25)
@given(EVENTS, EVENTS, EVENTS, BOUND)
def test_addition_is_associative_commutative_and_has_a_zero(
    a: list[Event], b: list[Event], c: list[Event], most: int
) -> None:
    summarizer = Summarizer(SLIDE, max_templates=most)
    x, y, z = (summarizer.summarize(marked(events, i), i) for i, events in enumerate((a, b, c)))

    def plus(*parts: pl.DataFrame) -> pl.DataFrame:
        return add(*parts, max_templates=most)

    assert rows(plus(plus(x, y), z)) == rows(plus(x, plus(y, z))) == rows(plus(x, y, z))
    assert rows(plus(x, y)) == rows(plus(y, x))
    assert rows(plus(x, empty())) == rows(plus(empty(), x)) == rows(x)


def test_adding_bounds_a_summary_that_is_alone() -> None:
    wide = Summarizer(SLIDE).summarize(marked([Event(0, message=m) for m in MESSAGES[2:5]]))
    assert rows(add(wide, max_templates=1)) == rows(bound_templates(wide, 1))


@bounded(30)
@given(EVENTS, BOUND)
def test_counts_conserve_the_events(events: list[Event], most: int) -> None:
    whole = marked(events)
    summary = Summarizer(SLIDE, max_templates=most).summarize(whole)
    assert not summary.select(KEY).is_duplicated().any()
    counted = Counter[tuple[object, ...]]()
    for pane, group, level, late, count in summary.select(
        "pane", "group", "level", "late", "count"
    ).iter_rows():
        counted[pane, group, level, late] += count
    assert counted == Counter(
        (time - time % SLIDE, group, level, late)
        for time, group, level, late in whole.select("time", "group", "level", "late").iter_rows()
    )


@bounded(30)
@given(EVENTS, st.integers(1, 3))
def test_the_bound_keeps_the_severest_and_then_the_first_by_text(
    events: list[Event], most: int
) -> None:
    full = Summarizer(SLIDE).summarize(marked(events))
    bounded_ = Summarizer(SLIDE, max_templates=most).summarize(marked(events))
    for (pane, group), part in full.group_by("pane", "group"):
        here = bounded_.filter((pl.col("pane") == pane) & (pl.col("group") == group))
        pairs = set(part.select("level", "template").iter_rows())
        kept = set(here.select("level", "template").iter_rows())
        real = sorted((-lv, t) for lv, t in pairs if t != OVERFLOW_TEMPLATE)
        assert {(lv, t) for lv, t in kept if t != OVERFLOW_TEMPLATE} == {
            (-lv, t) for lv, t in real[:most]
        }
        assert here["count"].sum() == part["count"].sum()


def test_a_template_that_is_kept_is_counted_exactly() -> None:
    events = [Event(0, message=m) for m in ("b", "a", "c", "a", "c", "c")]
    summary = Summarizer(SLIDE, max_templates=2).summarize(marked(events))
    totals = summary.group_by("template").agg(pl.col("count").sum())
    assert dict(totals.iter_rows()) == {"a": 2, "b": 1, OVERFLOW_TEMPLATE: 3}


def test_a_row_holds_the_pane_the_template_and_a_redacted_sample() -> None:
    events = [Event(7.5, "api", Level.WARN, "token=abcdef for user_17 after 3 tries")]
    late = table(events, first=42).with_columns(
        pl.col("service").alias("group"), pl.lit(True).alias("late")
    )
    (row,) = Summarizer(SLIDE).summarize(late, source=3).iter_rows(named=True)
    assert row == {
        "pane": START + 5 * SECOND,
        "group": "api",
        "level": Level.WARN,
        "template": "token=<secret> for <id> after <num> tries",
        "late": True,
        "count": 1,
        "sample_hash": sample_hashes(pl.Series([42], dtype=pl.UInt64).to_numpy(), 3)[0],
        "source": 3,
        "position": 42,
        "sample": "token=<secret> for user_17 after 3 tries",
    }


@bounded(25)
@given(EVENTS)
def test_every_sample_is_one_of_the_events_that_its_row_counts(events: list[Event]) -> None:
    whole = marked(events)
    by_position = {row["position"]: row for row in whole.iter_rows(named=True)}
    for row in Summarizer(SLIDE).summarize(whole).iter_rows(named=True):
        event = by_position[row["position"]]
        assert event["time"] - event["time"] % SLIDE == row["pane"]
        assert [event[name] for name in ("service", "level", "late")] == [
            row[name] for name in ("group", "level", "late")
        ]
        assert TEMPLATES[event["message"]] == row["template"]


def test_samples_are_of_their_rows_where_positions_repeat() -> None:
    events = [Event(0, message=m) for m in ("disk full", "cache hit", "disk full", "cache miss")]
    same = marked(events).with_columns(pl.lit(7, dtype=pl.UInt64).alias("position"))
    summary = Summarizer(SLIDE).summarize(same)
    assert summary["sample"].to_list() == summary["template"].to_list()
    assert sorted(summary["sample"]) == ["cache hit", "cache miss", "disk full"]


def test_the_sample_is_not_simply_the_first_or_the_last() -> None:
    positions = {
        Summarizer(SLIDE)
        .summarize(marked([Event(0, message="same")] * 20, first=first))["position"]
        .min()
        for first in range(1, 400, 20)
    }
    assert len({int(str(p)) % 20 for p in positions}) > 3


@bounded(50)
@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=50), st.integers(0, 2**32 - 1))
def test_records_of_a_source_never_tie_for_the_sample(positions: list[int], source: int) -> None:
    hashes = sample_hashes(pl.Series(positions, dtype=pl.UInt64).to_numpy(), source)
    assert len(set(hashes.tolist())) == len(positions)


def test_no_events_make_the_zero() -> None:
    assert rows(Summarizer(SLIDE).summarize(marked([]))) == rows(empty()) == rows(add()) == []


@pytest.mark.parametrize("slide", [1, SECOND, 7 * SECOND, 3600 * SECOND])
def test_a_pane_is_a_multiple_of_the_slide_at_or_below_the_event(slide: int) -> None:
    events = marked([Event(t) for t in (0, 0.999999, 6.9, 7.0, 3599.5)])
    for pane in Summarizer(slide).summarize(events)["pane"].to_list():
        assert pane % slide == 0
    assert Summarizer(slide).summarize(events[:1])["pane"][0] in range(START - slide + 1, START + 1)
