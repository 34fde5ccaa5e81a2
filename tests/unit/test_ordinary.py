"""Trouble that comes by itself all through a history is how things are; an incident is not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from log_guard.core.events import Level
from log_guard.core.learning.calibration import passed
from log_guard.core.learning.history import History
from log_guard.core.learning.ordinary import ordinary_rows, ordinary_windows
from log_guard.core.learning.training import shown_by, study
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WHOLE, WindowSpec
from tests.streams import micros

SPEC = WindowSpec()
TEMPLATES = Templates(["tick", "connection refused", "disk gone", "card refused"])
TICK, REFUSED, GONE, CARD = range(4)
INFO, ERROR = int(Level.INFO), int(Level.ERROR)
HISTORY = 3600


def history(*trouble: tuple[int, int]) -> pl.DataFrame:
    """A tick every 5 s for an hour, and trouble: (second, template)."""
    rows = [(micros(s), 1, INFO, TICK, False, 1) for s in range(0, HISTORY, 5)]
    rows += [(micros(s), 1, ERROR, template, False, 1) for s, template in trouble]
    return pl.DataFrame(rows, schema=PANE_SCHEMA, orient="row")


def ordinary(*trouble: tuple[int, int]) -> set[tuple[int, int]]:
    panes = history(*trouble)
    rows = panes.filter(pl.Series(ordinary_rows(panes, TEMPLATES, SPEC)))
    return {
        ((p - micros(0)) // 1_000_000, t) for p, t in rows.select("pane", "template").iter_rows()
    }


def each(template: int, *seconds: int) -> list[tuple[int, int]]:
    return [(second, template) for second in seconds]


SCATTERED = each(REFUSED, 300, 1800, 2900)


def test_what_comes_by_itself_all_through_a_history_is_ordinary() -> None:
    assert ordinary(*SCATTERED) == set(SCATTERED)


@pytest.mark.parametrize(
    "trouble",
    [
        each(REFUSED, 300, 2900),  # twice
        each(REFUSED, 300, 500, 700, 900),  # in one place
        [t for s in (300, 1800, 2900) for t in each(REFUSED, s) + each(GONE, s + 5)],  # in company
    ],
)
def test_an_incident_is_not(trouble: list[tuple[int, int]]) -> None:
    assert ordinary(*trouble) == set()


def test_what_comes_more_often_is_no_company() -> None:
    often = each(CARD, 2900, *range(300, 3300, 300))
    assert ordinary(*SCATTERED, *often) == {*SCATTERED, *often}


def test_windows_of_ordinary_trouble_hold_no_other() -> None:
    panes = history(*SCATTERED, (1805, GONE))
    ends = np.array([micros(s) for s in (300, 305, 330, 335, 1830, 1805)])
    groups = np.array([1, 1, WHOLE, 1, 1, 1])
    alone, calm = ordinary_windows(panes, TEMPLATES, SPEC, ends, groups)
    assert calm.tolist() == [True, False, False, True, False, False]
    assert alone.tolist() == [False, True, True, False, False, True]


@pytest.mark.parametrize(("times", "shown"), [(2, False), (3, True)])
def test_news_that_a_history_has_shown_three_times_is_how_things_are(
    times: int, shown: bool
) -> None:
    words = ["tick", "cache warmed", "index built", "report sent"]
    ticks = [(micros(s), 1, INFO, 0, False, 1) for s in range(0, 4 * HISTORY, 5)]
    news = [(micros(4_000 + 3_000 * i), 1, INFO, i + 1, False, 1) for i in range(times)]
    panes = pl.DataFrame(ticks + news, schema=PANE_SCHEMA, orient="row")
    learnt = study(History(panes, Vocabulary(["*", "shop"]), Templates(words)), SPEC)
    value = learnt.looks.values[learnt.looks.ends == micros(4_000 + 5), 0].max()
    assert value > 5.0
    assert bool(shown_by(learnt, 2.0) > value) is shown


def test_the_budget_is_how_many_blocks_may_pass() -> None:
    block, day = 600_000_000, 86_400_000_000
    values, ends = np.array([5.0, 9.0, 7.0, 1.0]), np.arange(4) * block
    for spans, allowed in ((0.5, 0), (1, 1), (2, 2)):
        shown = passed(values, ends, block, 2.0, int(spans * day))
        assert (values >= shown).sum() == allowed
    assert passed(values, ends, block, 2.0, 4 * day) == 0.0
