"""Who logs seldom is missed in the end, and whose gaps have no usual length is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.columns import GAPS, LENGTHS, WATCHED_WINDOWS
from log_guard.core.baseline.table import Table
from log_guard.core.events import SECOND
from log_guard.core.results import Alert
from log_guard.core.scoring.gaps import told_from
from tests.steady import HOUR, Times, alerts, history, poisson
from tests.streams import START, bounded

WINDOW = 30 * SECOND
Gaps = Callable[[np.random.Generator, int], Times]


def watched(days: float, *gaps: float, groups: int = 1) -> Baseline:
    """What is known of groups that were watched for so long and had so many gaps of each length."""
    row = np.zeros(GAPS + LENGTHS)
    row[WATCHED_WINDOWS] = days * 24 * 120
    row[GAPS : GAPS + len(gaps)] = gaps
    ids = np.arange(1, groups + 1)
    table = Table(ids, np.tile(row, (groups, 1)), np.empty((groups, 0)))
    empty = Baseline.empty()
    return Baseline(empty.keys, empty.statements, empty.volumes, table)


def minutes(known: Baseline, a_day: float = 2.0) -> float:
    return float(told_from(known, np.array([1]), WINDOW, a_day)[0]) / SECOND / 60


def test_once_a_minute_is_missed_after_minutes_and_the_sooner_the_longer_it_was_watched() -> None:
    half, ten = (minutes(watched(days, 1440 * days, 700 * days)) for days in (0.5, 10))
    assert 4 <= ten < half < 20
    # Of many, each is allowed the less.
    assert half < minutes(watched(0.5, 720, 350, groups=50)) < 60
    assert minutes(watched(0.5, 720, 350), a_day=10) < half


def test_of_whom_no_gap_is_known_none_is_told_for_its_length() -> None:
    assert minutes(watched(10)) == float("inf")


@bounded(200)
@given(
    st.floats(0.05, 40),
    st.lists(st.integers(1, 500), min_size=1, max_size=LENGTHS).map(lambda n: sorted(n)[::-1]),
)
def test_it_is_told_only_beyond_twice_the_longest_gap(days: float, gaps: list[int]) -> None:
    longest = 0.5 * 2 ** (len(gaps) - 1)
    assert minutes(watched(days, *gaps)) >= 2 * longest


def every(seconds: float, end: float) -> Times:
    return np.arange(7.0, end, seconds)


def renewed(random: np.random.Generator, end: float, gaps: Gaps) -> Times:
    times = np.cumsum(gaps(random, 20_000))
    return times[times < end]


def silent(told: list[Alert]) -> list[Alert]:
    return [alert for alert in told if alert.evidence.parts[0].is_silence]


@pytest.mark.parametrize(("seconds", "within"), [(60, 0.5), (300, 2.0)])
def test_a_device_that_logs_seldom_is_told_when_it_is_gone(seconds: float, within: float) -> None:
    random = np.random.default_rng(1)
    gone, end = 13 * HOUR, 17 * HOUR
    device = every(seconds, gone)
    told = silent(
        alerts(history({0: (1, poisson(random, 0, end, 0.3)), 1: (2, device)}), 12 * HOUR)
    )
    (alert,) = told
    assert alert.service == "mail"
    assert 0 < (alert.opened - START) / SECOND - gone <= within * HOUR
    # It began with the last event, and lasts to the end.
    (symptom,) = alert.course.symptoms
    assert 0 <= (symptom.onset - START) / SECOND - device[-1] <= 5
    assert symptom.still
    assert (symptom.end - START) / SECOND > end - 60


HEAVY: dict[str, Gaps] = {
    "power law": lambda random, n: 30 * (1 + random.pareto(1.5, n)),
    "log-normal": lambda random, n: 40 * np.exp(1.5 * random.normal(size=n)),
    "every minute, with pauses": lambda random, n: np.where(
        random.random(n) < 0.01, random.exponential(600, n), 60
    ),
    "in bursts": lambda random, n: np.where(
        random.random(n) < 0.1, random.exponential(900, n), random.exponential(5, n)
    ),
}


@pytest.mark.parametrize(
    "names", [("power law", "in bursts"), ("log-normal", "every minute, with pauses")]
)
def test_whose_gaps_have_no_usual_length_is_missed_less_often_than_promised(
    names: tuple[str, str],
) -> None:
    found, end = 0, 24 * HOUR
    for seed in range(3):
        random = np.random.default_rng(seed)
        mail, shop = (renewed(random, end, HEAVY[name]) for name in names)
        steady = poisson(random, 0, end, 0.05)
        stream = history({0: (1, steady), 1: (2, mail), 2: (3, shop)})
        found += len(silent(alerts(stream, 12 * HOUR)))
    assert found <= 1  # in 36 hours, for which three alerts of any kind are promised
