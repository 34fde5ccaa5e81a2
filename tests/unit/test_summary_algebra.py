from __future__ import annotations

from itertools import pairwise
from random import Random

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_guard.core import summaries
from log_guard.core.summaries import KEY, OVERFLOW_TEMPLATE, Summarizer
from tests.lines import event_table

EVENTS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.integers(0, 6),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["x one", "x two", "y 5", "y 6", "z three", "w four"]),
    ),
    max_size=40,
)
MOST = 3


def _summaries(rows: list[tuple[int, int, str, str]], cuts: list[int]) -> list[pl.DataFrame]:
    events = event_table(rows).with_columns(
        pl.col("service").alias("group"), pl.lit(False).alias("late")
    )
    summarizer = Summarizer(5_000_000, max_templates=MOST)
    places = [0, *sorted(c % (len(rows) + 1) for c in cuts), len(rows)]
    return [summarizer.summarize(events[a:b]) for a, b in pairwise(places)]


def _same(a: pl.DataFrame, b: pl.DataFrame) -> None:
    assert_frame_equal(a.sort(KEY), b.sort(KEY))


def _add(*parts: pl.DataFrame) -> pl.DataFrame:
    return summaries.add(*parts, max_templates=MOST)


@given(EVENTS, st.lists(st.integers(0, 40), max_size=4), st.randoms(use_true_random=False))
def test_any_split_and_any_order_of_merging_give_the_same_summary(
    rows: list[tuple[int, int, str, str]], cuts: list[int], random: Random
) -> None:
    (whole,) = _summaries(rows, [])
    parts = _summaries(rows, cuts)
    random.shuffle(parts)
    _same(_add(*parts), whole)
    folded = summaries.empty()
    for part in parts:
        folded = _add(folded, part)
    _same(folded, whole)


@given(EVENTS, st.lists(st.integers(0, 40), min_size=2, max_size=2))
def test_addition_is_associative_and_commutative(
    rows: list[tuple[int, int, str, str]], cuts: list[int]
) -> None:
    a, b, c = _summaries(rows, cuts)
    _same(_add(_add(a, b), c), _add(a, _add(b, c)))
    _same(_add(a, b), _add(b, a))
    _same(_add(a, summaries.empty()), a)


@given(EVENTS)
def test_no_event_is_lost_when_the_bound_bites(rows: list[tuple[int, int, str, str]]) -> None:
    (whole,) = _summaries(rows, [])
    assert whole["count"].sum() == len(rows)
    real = whole.filter(pl.col("template") != OVERFLOW_TEMPLATE)
    per = real.group_by("pane", "group").agg(pl.struct("level", "template").n_unique().alias("n"))
    assert all(n <= MOST for n in per["n"])
