"""A history does not depend on how its log was cut, and nor does the model learnt from it."""

from __future__ import annotations

from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.app.summing import gather
from log_guard.core.events import SECOND, Level
from log_guard.core.learning.gathering import Gathering
from log_guard.core.summarising.summaries import Summarizer, empty
from log_guard.errors import InputError
from tests.streams import Event, bounded, cuts, pieces, table

SLIDE = 5 * SECOND


def summary(events: list[Event], *, late: bool = False) -> pl.DataFrame:
    rows = table(events).with_columns(pl.col("service").alias("group"), pl.lit(late).alias("late"))
    return Summarizer(SLIDE).summarize(rows)


def made(seed: int, many: int = 200, seconds: float = 300) -> list[Event]:
    random = Random(seed)
    texts = ("served in {} ms", "cache miss for {}", "user {} logged in")
    return [
        Event(
            random.random() * seconds,
            random.choice(("db", "api", "web")),
            random.choice((Level.INFO, Level.ERROR)),
            random.choice(texts).format(random.randrange(99)),
        )
        for _ in range(many)
    ]


@bounded(30)
@given(st.integers(0, 99), cuts(200), st.randoms(use_true_random=False))
def test_cuts_and_order_do_not_matter(seed: int, at: list[int], random: Random) -> None:
    events = made(seed)
    parts = [summary(list(part)) for part in pieces(events, at)]
    random.shuffle(parts)
    one, other = gather([(summary(events), None)]), gather([(part, None) for part in parts])
    assert one.panes.equals(other.panes)
    assert one.groups.words == other.groups.words == ["*", "api", "db", "web"]
    assert one.templates.words == other.templates.words


@bounded(30, shrink=False)
@given(st.integers(0, 99), cuts(200), st.integers(1, 60))
def test_the_bound_keeps_the_latest_panes_whole_whatever_came_first(
    seed: int, at: list[int], most: int
) -> None:
    events = made(seed, seconds=300 if seed % 2 else 20_000)  # within an hour, and over hours
    whole = gather([(summary(events), None)]).panes
    bounded_ = Gathering(most)
    for part in pieces(events, at):
        bounded_.add(summary(list(part)))
        bounded_.history()  # merges, and so applies the bound
    kept = bounded_.history().panes
    first = int(kept["pane"].to_numpy().min())
    shown = ["pane", "group", "level", "count"]
    assert kept.select(shown).equals(whole.filter(pl.col("pane") >= first).select(shown))
    assert kept.height <= most or kept["pane"].n_unique() == 1
    before = whole.filter(pl.col("pane") < first).group_by("pane").len().sort("pane")
    if before.height:  # and one pane more would not have fitted
        assert kept.height + before["len"][-1] > most
    assert bounded_.dropped <= before.height


def test_late_events_teach_nothing() -> None:
    on_time, late = made(1, 50), made(2, 50)
    with_late = gather([(summary(on_time), None), (summary(late, late=True), None)])
    assert with_late.panes.equals(gather([(summary(on_time), None)]).panes)


def test_nothing_is_no_history() -> None:
    with pytest.raises(InputError, match="no events were read"):
        gather([(empty(), None)])
