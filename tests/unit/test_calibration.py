"""Calibration: thresholds from block maxima hold what they promise on data made for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from log_guard.core.events import SECOND
from log_guard.core.learning.calibration import (
    COUNT_BITS,
    Tail,
    block_maxima,
    certified_rate,
    exceeded,
    fit_tail,
    scales_of,
    threshold,
)
from log_guard.core.learning.model import NEVER
from tests.streams import bounded


@bounded(50)
@given(st.floats(-100, 100), st.floats(0.01, 50), st.floats(1e-6, 0.5))
def test_a_threshold_is_the_quantile_of_the_gumbel_distribution(
    location: float, scale: float, probability: float
) -> None:
    expected = stats.gumbel_r.isf(probability, location, scale)
    assert Tail(location, scale).threshold(probability) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_maxima_pass_the_threshold_as_often_as_asked_for(seed: int) -> None:
    random = np.random.default_rng(seed)
    maxima = random.gumbel(20.0, 3.0, 2_000)
    new = random.gumbel(20.0, 3.0, 200_000)
    for probability in (0.2, 0.05, 0.01):
        passed = float((new > threshold(maxima, probability)).mean())
        assert passed == pytest.approx(probability, rel=0.35)


@pytest.mark.parametrize("blocks", [13, 20, 41, 144])
@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_a_short_history_is_passed_as_often_as_asked_for_in_the_mean(
    blocks: int, scale: float
) -> None:
    random = np.random.default_rng(blocks)
    probability = 1 / 1_440  # once a day, in blocks of a minute
    histories = random.gumbel(6.0, scale, (400, blocks))

    def passed(expected_scale: float | None) -> float:
        limits = [threshold(maxima, probability, 0.5, expected_scale) for maxima in histories]
        return float(stats.gumbel_r.sf(limits, 6.0, scale).mean())

    assert passed(COUNT_BITS) <= 3.0 * probability
    assert passed(None) > 2.0 * probability  # taken for certain, a fit to so few is no promise


def test_what_is_expected_of_a_tail_gives_way_to_what_is_seen_of_it() -> None:
    maxima = np.random.default_rng(0).gumbel(20.0, 6.0, 20_000)
    fitted = threshold(maxima, 0.001)
    assert threshold(maxima, 0.001, 0.5, COUNT_BITS) == pytest.approx(fitted, rel=0.01)


def test_a_lower_probability_takes_a_higher_threshold() -> None:
    thresholds = [Tail(5, 2).threshold(p) for p in (0.5, 0.1, 0.01, 1e-6)]
    assert thresholds == sorted(set(thresholds))


def test_incidents_in_the_history_hardly_move_the_threshold() -> None:
    random = np.random.default_rng(0)
    quiet = random.gumbel(20.0, 3.0, 300)
    disturbed = np.concatenate([quiet, np.full(9, 5_000.0)])  # 3 % of the blocks
    plain, moved = (threshold(maxima, 0.01) for maxima in (quiet, disturbed))
    assert moved == pytest.approx(plain, rel=0.05)


def test_a_history_of_which_a_third_is_incidents_still_sets_a_threshold_below_them() -> None:
    random = np.random.default_rng(0)
    quiet = random.gumbel(20.0, 3.0, 300)
    disturbed = np.concatenate([quiet, random.uniform(60.0, 90.0, 150)])
    assert quiet.max() < threshold(disturbed, 0.001) < 60.0


def test_a_constant_history_is_no_certainty() -> None:
    tail = fit_tail(np.full(50, 7.0), least_scale=0.5)
    assert tail.scale == 0.5
    assert tail.threshold(0.01) > 7.0 + 0.5
    assert fit_tail(np.full(50, 7.0)).threshold(0.01) == 7.0


@bounded(60)
@given(
    st.lists(st.tuples(st.integers(0, 500), st.floats(-1e6, 1e6)), min_size=1, max_size=60),
    st.integers(1, 100),
)
def test_the_highest_value_of_each_block(values: list[tuple[int, float]], block: int) -> None:
    ends = np.array([end for end, _ in values]) * SECOND
    expected: dict[int, float] = {}
    for end, value in values:
        expected[end // block] = max(expected.get(end // block, -np.inf), value)
    found = block_maxima(np.array([value for _, value in values]), ends, block * SECOND)
    assert found.tolist() == [expected[number] for number in sorted(expected)]


def test_a_history_vouches_for_one_false_alert_in_all_of_it() -> None:
    assert certified_rate(blocks=144, block_seconds=600) == 1.0
    assert certified_rate(blocks=6, block_seconds=600) == 24.0


@pytest.mark.parametrize(("times", "lowest"), [(0, 90.0), (1, 80.0), (2, 5.0), (3, 1.0)])
def test_what_a_history_exceeds_only_so_often(times: int, lowest: float) -> None:
    maxima = np.array([1.0, 2.0, 80.0, 90.0, 85.0, 1.0, 2.0, 80.0, 1.0, 5.0, 2.0])
    assert exceeded(maxima, times) == lowest


@bounded(60)
@given(
    st.floats(0.0, 50.0),
    st.floats(0.1, 10.0),
    st.floats(1e-4, 0.09),
    st.lists(st.integers(0, 190), min_size=2, max_size=2, unique=True),
)
def test_a_larger_share_of_loud_blocks_raises_the_threshold_of_a_gumbel_distribution(
    location: float, scale: float, probability: float, loud: list[int]
) -> None:
    few, many = sorted(loud)

    def of(incidents: int) -> float:
        quiet = 4_000 - 10 * incidents
        even = stats.gumbel_r.ppf((np.arange(quiet) + 0.5) / quiet, location, scale)
        return threshold(np.concatenate([even, np.full(10 * incidents, 1e6)]), probability)

    assert of(many) >= of(few) - 0.02 * scale  # quantiles of a sample lie between its values
    assert of(many) >= stats.gumbel_r.median(location, scale)


@bounded(40)
@given(
    st.integers(0, 1_000),
    st.lists(st.floats(0.05, 50.0), min_size=2, max_size=2),
)
def test_who_puts_up_with_more_false_alarms_gets_no_higher_threshold(
    seed: int, budgets: list[float]
) -> None:
    random = np.random.default_rng(seed)
    values = random.gumbel(20.0, 3.0, (600, 3))
    ends = np.arange(600) * 600 * SECOND
    less, more = (scales_of(values, ends, 600 * SECOND, b) for b in sorted(budgets))
    assert (more.as_array() <= less.as_array()).all()


@pytest.mark.parametrize(("spans", "deaf"), [(1, False), (2, False), (3, True)])
def test_an_incident_or_two_in_a_history_do_not_make_it_deaf(spans: int, deaf: bool) -> None:
    """Three hours: less than one false alarm is allowed for, and yet an incident is not how things are."""
    values = np.random.default_rng(3).gumbel(8.0, 1.5, (18, 3))
    ends = np.arange(18) * 600 * SECOND
    calm = scales_of(values, ends, 600 * SECOND, 2.0)
    for span in range(spans):
        values[3 + 5 * span, 1:] = 90.0
    loud = scales_of(values, ends, 600 * SECOND, 2.0)
    for name in ("surprise", "shift"):
        now = getattr(loud, name)
        assert (now > 80.0) is deaf
        assert deaf or now <= 1.5 * getattr(calm, name)


def test_an_incident_in_every_ten_minutes_of_a_history_does_not_make_it_deaf() -> None:
    """Faults of three minutes every ten, on 2,000 windows between which nothing new is said but now and then."""
    random = np.random.default_rng(5)
    ends = np.arange(1, 7 * 3600 // 5) * 5 * SECOND
    values = random.gumbel(3.0, 1.0, (len(ends), 3))
    values[ends % (600 * SECOND) < 180 * SECOND, 0] += 60.0
    assert scales_of(values, ends, 600 * SECOND, 2.0).novelty < 60.0


@pytest.mark.parametrize(("blocks", "told"), [(5, False), (6, True)])
def test_an_hour_of_history_is_needed_to_tell_of_shifts(blocks: int, told: bool) -> None:
    values = np.random.default_rng(3).gumbel(8.0, 1.5, (10 * blocks, 3))
    ends = (1 + np.arange(10 * blocks)) * 60 * SECOND - 1
    assert (scales_of(values, ends, 60 * SECOND, 2.0).shift < NEVER) is told
