"""What runs learns of a burst of errors no more than it believes, so that the next burst is told of, too."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.baseline.baseline import EPOCH, Baseline
from log_guard.core.baseline.believable import BELIEVED_BITS, LEAST_WINDOWS, believed
from log_guard.core.baseline.columns import COUNT, SQUARES
from log_guard.core.baseline.keys import key_codes, volume_codes
from log_guard.core.baseline.learning import learn
from log_guard.core.baseline.table import Table
from log_guard.core.detectors.surprise import moments, tail_bits
from log_guard.core.events import SECOND, Level
from log_guard.core.statements import Templates
from log_guard.core.windows import PANE_SCHEMA
from tests.streams import START, bounded

WINDOW = 30 * SECOND
WINDOWS = EPOCH // WINDOW
TEXTS = ("upstream <num> timed out", "report of <num> rows")
ERROR, REPORT = 0, 1


def told(windows: float, events: float, squares: float) -> tuple[np.ndarray, Table, Table]:
    """Code of a key, what is known of it, and of its group."""
    code = key_codes(np.array([1]), np.array([int(Level.ERROR)]), np.array([ERROR]))
    known = Table.of(code, np.array([[1.0, events, squares, min(events, windows)]]))
    return code, known, Table.of(np.array([1]), np.array([[windows / 4, windows]]))


@bounded(200)
@given(st.integers(0, 5_000), st.integers(0, 300), st.integers(1, 50), st.integers(1, 1_000_000))
def test_a_count_is_believed_up_to_the_last_that_does_not_surprise_too_much(
    windows: int, events: int, each: int, count: int
) -> None:
    code, known, groups = told(windows, float(events), float(events * each))
    (learnt,) = believed(code, np.array([count]), known, groups).tolist()
    mean, variance = moments(np.array([[events, events * each]]), np.array([float(windows)]))

    def bits(n: float) -> float:
        return float(tail_bits(np.array([n]), mean, variance, both=False)[0][0])

    assert 1 <= learnt <= count
    assert learnt == round(learnt)
    if windows < LEAST_WINDOWS or bits(count) <= BELIEVED_BITS:
        assert learnt == count
    else:
        assert learnt == 1 or bits(learnt) <= BELIEVED_BITS
        assert bits(learnt + 1) > BELIEVED_BITS


def epochs(counts: list[list[int]], level: Level, template: int) -> list[Baseline]:
    """What is known after each epoch, of which the counts in its windows are given."""
    templates, known = Templates(TEXTS), Baseline.empty()
    after = []
    for number, windows in enumerate(counts):
        start = START + number * EPOCH
        rows = [
            (start + i * WINDOW, 1, int(level), template, False, n)
            for i, n in enumerate(windows)
            if n
        ]
        panes = pl.DataFrame(rows, schema=PANE_SCHEMA, orient="row")
        gained = learn(panes, templates, start, start + EPOCH, WINDOW, {1: START}, known=known)
        known = known + gained
        after.append(known)
    return after


def surprise_of(count: int, known: Baseline, level: Level, template: int) -> tuple[float, float]:
    """Bits of this count, of the template and of its level."""
    codes = key_codes(np.array([1]), np.array([int(level)]), np.array([template]))
    volume = volume_codes(np.array([1]), int(level))
    windows = known.groups.look_up(np.array([1]))[:, 1]
    tables = [(known.keys, codes), (known.volumes, volume)]
    found = [moments(table.look_up(at)[:, [COUNT, SQUARES]], windows) for table, at in tables]
    bits = [float(tail_bits(np.array([count]), *each, both=False)[0][0]) for each in found]
    return bits[0], bits[1]


CALM = [1, 0] * (WINDOWS // 2)
BURST = [*CALM[:10], 40, *CALM[11:]]


def test_a_burst_of_errors_surprises_the_second_time() -> None:
    before, after = epochs([CALM, CALM, BURST], Level.ERROR, ERROR)[1:]
    for first, second in zip(
        surprise_of(40, before, Level.ERROR, ERROR),
        surprise_of(40, after, Level.ERROR, ERROR),
        strict=True,
    ):
        assert second > 0.4 * first > BELIEVED_BITS


@pytest.mark.parametrize(("level", "template"), [(Level.INFO, ERROR), (Level.WARN, ERROR)])
def test_words_of_trouble_are_believed_as_little_where_levels_lie(
    level: Level, template: int
) -> None:
    before, after = epochs([CALM, CALM, BURST], level, template)[1:]
    assert surprise_of(40, after, level, template)[0] > BELIEVED_BITS
    assert surprise_of(40, before, level, template)[0] > BELIEVED_BITS


def test_what_goes_on_is_believed_a_little_more_each_time() -> None:
    known = epochs([CALM, CALM, *[[40] * WINDOWS] * 5], Level.ERROR, ERROR)[1:]
    bits = [surprise_of(40, each, Level.ERROR, ERROR)[0] for each in known]
    assert all(later < sooner for sooner, later in pairwise(bits))
    assert bits[-1] < BELIEVED_BITS


def test_a_job_is_learnt_in_the_numbers_that_it_has() -> None:
    known = epochs([CALM, CALM, BURST], Level.INFO, REPORT)[-1]
    codes = key_codes(np.array([1]), np.array([int(Level.INFO)]), np.array([REPORT]))
    (sums,) = known.keys.look_up(codes)
    assert sums[COUNT] == sum(CALM) * 2 + sum(BURST)
    assert sums[SQUARES] == sum(n * n for n in [*CALM, *CALM, *BURST])
