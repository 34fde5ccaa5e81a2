"""The trouble of a history's own incidents is not learnt, so that they are found again."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.events import SECOND, Level
from log_guard.core.learning.trimming import Unusual, trimmed, unusual
from log_guard.core.statements import Templates
from log_guard.core.windows import PANE_SCHEMA, WHOLE, WindowSpec
from tests.streams import micros

SPEC = WindowSpec()
TEMPLATES = Templates(["tick", "connection refused", "disk gone"])
INFO, ERROR = int(Level.INFO), int(Level.ERROR)


def panes() -> pl.DataFrame:
    rows = [
        (micros(second), group, level, template, False, 1)
        for second in range(0, 120, 5)
        for group in (1, 2)
        for level, template in ((INFO, 0), (INFO, 1), (ERROR, 2))
    ]
    return pl.DataFrame(rows, schema=PANE_SCHEMA, orient="row")


def left(found: Unusual) -> set[tuple[int, int, int]]:
    """(second, group, template) of the rows that are left."""
    kept = trimmed(panes(), TEMPLATES, found, SPEC)
    return {
        ((pane - micros(0)) // SECOND, group, template)
        for pane, group, template in kept.select("pane", "group", "template").iter_rows()
    }


def test_only_trouble_and_only_in_that_window_of_that_group_goes() -> None:
    found = Unusual(np.array([micros(60)]), np.array([1]), micros(60))
    gone = {(s, 1, t) for s in range(30, 60, 5) for t in (1, 2)}
    everything = {(s, g, t) for s in range(0, 120, 5) for g in (1, 2) for t in (0, 1, 2)}
    assert left(found) == everything - gone


def test_a_window_of_the_whole_stream_is_one_of_all_groups() -> None:
    found = Unusual(np.array([micros(60)]), np.array([WHOLE]), micros(60))
    assert {group for second, group, _ in left(found) if second == 30} == {1, 2}
    assert not any(template for second, _, template in left(found) if 30 <= second < 60)


def test_a_quiet_history_is_left_as_it_is() -> None:
    ends, groups = np.array([micros(30), micros(60)]), np.array([1, 1])
    found = unusual(ends, groups, np.array([[1.0, 5.0], [3.0, 0.0]]), np.array([4.0, 6.0]))
    assert found.worst is None
    assert trimmed(panes(), TEMPLATES, found, SPEC).equals(panes())


def test_the_most_unusual_window_is_told() -> None:
    ends, groups = np.array([micros(30), micros(60), micros(90)]), np.array([1, 2, 1])
    values = np.array([[1.0, 7.0], [9.0, 0.0], [1.0, 1.0]])
    found = unusual(ends, groups, values, np.array([4.0, 6.0]))
    assert found.ends.tolist() == [micros(30), micros(60)]
    assert found.groups.tolist() == [1, 2]
    assert found.worst == micros(60)
