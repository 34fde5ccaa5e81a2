"""Detectors: the reference one used inductively, novelty, count surprise, and others plugged in."""

from __future__ import annotations

import re
from importlib import import_module
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from log_guard.core.detectors.base import Outlier, OutlierDetector, import_detector
from log_guard.core.detectors.density import MAX_FIT_ROWS, InductiveDBSCAN
from log_guard.core.detectors.novelty import NoveltyDetector, novelty_bits
from log_guard.core.detectors.surprise import (
    MAX_BITS,
    CountSurprise,
    moments,
    tail_bits,
    usual_counts,
)
from log_guard.core.exact import exact
from log_guard.errors import DetectorError, OptionError
from tests.streams import bounded

Array = np.ndarray


def history(seed: int = 0, rows: int = 300) -> Array:
    """Two modes of normal in three features, one of which never varies."""
    random = np.random.default_rng(seed)
    modes = np.where(random.random(rows) < 0.5, 0.0, 100.0)
    return np.column_stack(
        [random.normal(modes, 1.0), random.normal(10.0, 2.0, rows), np.full(rows, 3.0)]
    )


def counts(seed: int = 0, rows: int = 200) -> Array:
    """Counts of three keys: usual, usual, and one that occurs now and then."""
    random = np.random.default_rng(seed)
    return np.column_stack(
        [random.poisson(20, rows), random.poisson(5, rows), random.random(rows) < 0.1]
    ).astype(float)


DETECTORS = {
    "density": (InductiveDBSCAN, history()),
    "novelty": (NoveltyDetector, counts()),
    "surprise": (CountSurprise, counts()),
}
EVERY = pytest.mark.parametrize(("make", "X"), DETECTORS.values(), ids=DETECTORS)


@EVERY
def test_the_outlier_interface(make: type[OutlierDetector], X: Array) -> None:
    detector = make()
    assert detector.fit(X) is detector
    scores, verdicts = detector.score_samples(X), detector.predict(X)
    assert scores.shape == verdicts.shape == (len(X),)
    assert np.isfinite(scores).all()
    assert set(verdicts.tolist()) <= {1, -1}
    assert scores[verdicts == 1].min() >= scores[verdicts == -1].max(initial=-np.inf)


@EVERY
def test_a_detector_changes_neither_its_input_nor_its_mind(
    make: type[OutlierDetector], X: Array
) -> None:
    before = X.copy()
    one, other = make().fit(X), make().fit(X)
    assert np.array_equal(one.score_samples(X), other.score_samples(X))
    one.predict(X)
    assert np.array_equal(X, before)


@EVERY
def test_a_fit_does_not_depend_on_the_order_of_the_rows(
    make: type[OutlierDetector], X: Array
) -> None:
    shuffled = X[np.random.default_rng(1).permutation(len(X))]
    assert np.array_equal(
        make().fit(X).score_samples(X[:50]), make().fit(shuffled).score_samples(X[:50])
    )


@EVERY
def test_a_window_is_judged_alike_alone_and_in_company(
    make: type[OutlierDetector], X: Array
) -> None:
    detector = make().fit(X)
    alone = np.concatenate([detector.score_samples(row[None, :]) for row in X[:40]])
    assert np.array_equal(alone, detector.score_samples(X)[:40])


# The reference detector


def along(detector: InductiveDBSCAN, distances: list[float]) -> Array:
    """Windows at these distances (in standard deviations) from the outermost core sample."""
    edge = detector.core_[detector.core_[:, 1].argmax()]
    step = np.array([0.0, 1.0, 0.0])
    away = np.array([edge + d * step for d in distances])
    return np.asarray(away * detector.scale_ + detector.mean_)


def test_the_score_is_one_half_exactly_at_eps() -> None:
    detector = InductiveDBSCAN(eps=2.0).fit(history())
    window = along(detector, [1.0])
    detector.eps = float(detector.distance(window)[0])
    assert detector.anomaly_score(window).tolist() == [0.5]
    assert detector.predict(window).tolist() == [1]
    assert detector.cluster(window)[0] >= 0


def test_the_score_grows_with_the_distance_from_0_to_1() -> None:
    detector = InductiveDBSCAN().fit(history())
    scores = detector.anomaly_score(along(detector, [0, 0.5, 1, 4.9, 5.1, 50, 5e6]))
    assert scores[0] == 0
    assert (np.diff(scores) > 0).all()
    assert scores[-1] < 1
    assert np.array_equal(
        scores > 0.5, detector.predict(along(detector, [0, 0.5, 1, 4.9, 5.1, 50, 5e6])) == -1
    )


def test_a_new_window_takes_the_label_of_the_nearest_cluster_or_minus_one() -> None:
    X = history()
    detector = InductiveDBSCAN(eps=0.5).fit(X)
    low, high = detector.cluster(np.array([[0.0, 10.0, 3.0], [100.0, 10.0, 3.0]]))
    assert {low, high} == {0, 1}
    assert detector.cluster(np.array([[50.0, 10.0, 3.0]])).tolist() == [-1]
    assert np.array_equal(detector.cluster(X), detector.labels_)


def test_a_single_live_window_is_not_always_noise() -> None:
    # What refitting DBSCAN on the live windows does.
    detector = InductiveDBSCAN().fit(history())
    assert detector.predict(np.array([[0.5, 10.5, 3.0]])).tolist() == [1]


def test_without_a_core_sample_everything_is_an_anomaly() -> None:
    far_apart = np.eye(3) * 1e6
    detector = InductiveDBSCAN(eps=0.1).fit(far_apart)
    assert detector.predict(far_apart).tolist() == [-1] * 3
    assert detector.anomaly_score(far_apart).tolist() == [1] * 3
    assert detector.cluster(far_apart).tolist() == [-1] * 3


def test_the_labels_are_those_of_dbscan() -> None:
    from sklearn.cluster import DBSCAN
    from sklearn.preprocessing import StandardScaler

    X = np.vstack([history(), [[40.0, 40.0, 3.0]]])
    theirs = DBSCAN(eps=1.0, min_samples=3).fit_predict(StandardScaler().fit_transform(X))
    ours = InductiveDBSCAN(eps=1.0).fit(X).labels_
    assert np.array_equal(ours == -1, theirs == -1)
    pairs = {(a, b) for a, b in zip(ours.tolist(), theirs.tolist(), strict=True)}
    assert len(pairs) == len(set(ours.tolist())) == len(set(theirs.tolist()))


def test_equal_windows_count_each_as_one() -> None:
    X = np.array([[0.0], [0.0], [0.0], [9.0], [9.0]])
    labels = InductiveDBSCAN(eps=0.1, min_samples=3).fit(X).labels_
    assert labels.tolist() == [0, 0, 0, -1, -1]


def test_a_long_history_is_thinned() -> None:
    X = history(rows=3 * MAX_FIT_ROWS)
    detector = InductiveDBSCAN().fit(X)
    assert len(detector.core_) <= MAX_FIT_ROWS
    assert len(detector.labels_) == len(X)
    assert (detector.predict(X) == 1).mean() > 0.99
    shuffled = X[np.random.default_rng(1).permutation(len(X))]
    assert np.array_equal(InductiveDBSCAN().fit(shuffled).core_, detector.core_)


def test_the_nearest_window_of_history_is_told_in_its_own_units() -> None:
    X = history()
    detector = InductiveDBSCAN().fit(X)
    nearest = detector.nearest(np.array([[100.0, 60.0, 3.0]]))[0]
    assert np.abs(X - nearest).sum(axis=1).min() < 1e-9
    assert nearest[0] > 50


def test_parameters_as_scikit_learn_sets_them() -> None:
    detector = InductiveDBSCAN().set_params(eps=1.5, min_samples=7)
    assert detector.get_params() == {"eps": 1.5, "min_samples": 7}


# Novelty


def test_surprise_of_a_key_is_minus_the_log_of_its_share_of_the_spells() -> None:
    bits = novelty_bits(np.array([3.0]), np.array([27.0]))
    assert bits[0] == pytest.approx(-np.log2(3.5 / 28), abs=1e-6)
    assert novelty_bits(np.zeros(1), np.array([1440.0]))[0] == pytest.approx(11.5, abs=0.01)


@bounded(100)
@given(
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.floats(1e-9, 1.0),
    st.booleans(),
)
def test_the_rarer_the_newer_and_the_severer_the_more_surprising(
    spells: int, watched: int, said: int, share: float, severe: bool
) -> None:
    def bits(own: int, all_spells: int, statement: int, tone: float, bad: float) -> float:
        a, b, c, d, e = (np.array([float(n)]) for n in (own, all_spells, statement, tone, bad))
        return float(novelty_bits(a, b, c, d, e)[0])

    base = bits(spells, watched, said, share, severe)
    assert base >= 0
    more = max(watched, spells + 1, said + 1)
    assert bits(spells + 1, more, said, share, severe) <= bits(spells, more, said, share, severe)
    assert bits(spells, more, said + 1, share, severe) <= bits(spells, more, said, share, severe)
    assert bits(spells, watched, said, share / 2, severe) >= base
    assert bits(spells, watched, said, share, 1.0) >= base


def test_a_column_beyond_those_fitted_is_a_key_never_seen() -> None:
    X = counts()
    detector = NoveltyDetector().fit(X)
    wider = np.column_stack([X, np.zeros(len(X))])
    assert np.array_equal(detector.score_samples(wider), detector.score_samples(X))
    wider[7, -1] = 1
    assert detector.predict(wider[:20]).tolist() == [-1 if i == 7 else 1 for i in range(20)]


def test_no_window_of_its_history_is_novel() -> None:
    X = counts()
    assert set(NoveltyDetector().fit(X).predict(X).tolist()) == {1}
    assert set(CountSurprise().fit(X).predict(X).tolist()) == {1}


@bounded(100)
@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=100), st.randoms(use_true_random=False))
def test_exact_numbers_sum_alike_in_any_order(values: list[float], random: Random) -> None:
    bits = exact(np.array(values))
    shuffled = bits.tolist()
    random.shuffle(shuffled)
    assert sum(bits.tolist()) == sum(shuffled) == bits.sum()
    assert np.abs(bits - values).max() <= 2**-21 + 1e-12


# Count surprise


@bounded(150)
@given(st.floats(0.01, 1e5), st.floats(1.0, 100.0), st.floats(-6, 12))
def test_tails_equal_those_of_the_negative_binomial(
    mean: float, dispersion: float, deviations: float
) -> None:
    variance = mean * dispersion
    count = max(0.0, round(mean + deviations * variance**0.5))
    over = max(variance - mean, 1e-6 * mean)
    size = mean**2 / over
    p = size / (size + mean)
    below = -stats.nbinom.logcdf(count, size, p) / np.log(2)
    above = -stats.nbinom.logsf(count - 1, size, p) / np.log(2) if count else 0.0
    bits, side = tail_bits(np.array([count]), np.array([mean]), np.array([variance]))
    assert bits[0] == pytest.approx(min(max(above, below), MAX_BITS), abs=2e-6, rel=1e-6)
    if abs(above - below) > 1e-5:
        assert side[0] == (1 if above > below else -1)
    upward, up = tail_bits(np.array([count]), np.array([mean]), np.array([variance]), both=False)
    assert upward[0] == pytest.approx(min(above, MAX_BITS), abs=2e-6, rel=1e-6)
    assert up[0] == 1


@bounded(50)
@given(st.floats(0.1, 1e4), st.floats(-5, 8))
def test_without_overdispersion_the_tails_are_poissons(mean: float, deviations: float) -> None:
    count = max(0.0, round(mean + deviations * mean**0.5))
    below = -stats.poisson.logcdf(count, mean) / np.log(2)
    above = -stats.poisson.logsf(count - 1, mean) / np.log(2) if count else 0.0
    bits, _ = tail_bits(np.array([count]), np.array([mean]), np.array([mean]))
    assert bits[0] == pytest.approx(min(max(above, below), MAX_BITS), abs=1e-3)


@bounded(50)
@given(st.floats(1, 1000), st.floats(1, 10))
def test_surprise_grows_away_from_the_mean_on_both_sides(mean: float, dispersion: float) -> None:
    n = np.arange(0, int(mean * 3) + 10, dtype=float)
    bits, side = tail_bits(n, np.full(len(n), mean), np.full(len(n), mean * dispersion))
    assert (np.diff(bits[side > 0]) >= 0).all()
    assert (np.diff(bits[side < 0]) <= 0).all()
    assert (np.diff(side) >= 0).all()


def test_a_count_of_usual_size_is_worth_next_to_nothing() -> None:
    bits, _ = tail_bits(np.array([20.0]), np.array([20.0]), np.array([20.0]))
    assert bits[0] < 1


def test_silence_where_there_were_always_events_is_surprising() -> None:
    bits, side = tail_bits(np.zeros(1), np.array([50.0]), np.array([60.0]))
    assert (bits[0] > 40, side[0]) == (True, -1)


@bounded(50)
@given(st.lists(st.integers(0, 1000), min_size=2, max_size=60))
def test_moments_are_those_of_the_windows_with_room_for_doubt(values: list[int]) -> None:
    X = np.array(values, dtype=float)
    n = len(X)
    sums = np.array([[X.sum(), (X**2).sum()]])
    mean, variance = moments(sums, np.array([float(n)]))
    assert mean[0] == pytest.approx((X.sum() + 0.5) / (n + 1))
    plain = max(float(X.var(ddof=1)), mean[0]) * (1 + 1 / n) + (0.05 * mean[0]) ** 2
    assert variance[0] == pytest.approx(plain, rel=1e-6)
    assert variance[0] > mean[0]


def test_the_longer_the_history_the_surer() -> None:
    one, many = (
        tail_bits(np.array([20.0]), *moments(np.array([[2.0 * n, 6.0 * n]]), np.array([float(n)])))[
            0
        ]
        for n in (5, 500)
    )
    assert many[0] > one[0]


# Detectors of others


def test_a_detector_is_made_from_its_import_path() -> None:
    detector = import_detector("sklearn.ensemble.IsolationForest").fit(history())
    assert detector.score_samples(history()).shape == (300,)


def test_a_detector_whose_scores_point_the_other_way_is_turned_round() -> None:
    detector = import_detector(f"{Pyod.__module__}.Pyod")
    detector.fit(history())
    assert detector.score_samples(np.array([[1.0], [5.0]])).tolist() == [-1, -5]
    assert detector.predict(np.array([[1.0], [5.0]])).tolist() == [1, -1]


class Pyod:
    """A detector as PyOD has them: higher is less normal, 1 is an outlier."""

    def fit(self, X: Array) -> None:
        pass

    def decision_function(self, X: Array) -> Array:
        return X[:, 0]

    def predict(self, X: Array) -> Array:
        return (X[:, 0] > 2).astype(int)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "no.such.Class",
            "(No module named 'no'); a module in the current directory is found with",
        ),
        ("sklearn.ensemble.NoSuch", "sklearn.ensemble has no class 'NoSuch'"),
        ("json.dumps", "must be made without arguments"),
        ("builtins.dict", "has no fit(X)"),
        ("math", "write package.module.Class, with dots only"),
        ("", "write package.module.Class, with dots only"),
        ("a..b", "write package.module.Class, with dots only"),
        ("sklearn.ensemble:IsolationForest", "write package.module.Class, with dots only"),
    ],
)
def test_a_path_that_leads_to_no_detector_is_refused(path: str, said: str) -> None:
    with pytest.raises(OptionError) as refused:
        import_detector(path)
    assert said in str(refused.value)


class Unmade:
    def __init__(self) -> None:
        raise RuntimeError("no licence,\nnone at all")


class Unfit(Pyod):
    def fit(self, X: Array) -> None:
        raise ZeroDivisionError


class Scoring(Pyod):
    """Gives what it is told to give."""

    given: Any = None

    def decision_function(self, X: Array) -> Any:
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


def test_what_a_detector_raises_is_told_in_a_line_with_its_place() -> None:
    with pytest.raises(DetectorError) as failed:
        import_detector(f"{__name__}.Unmade")
    assert re.fullmatch(
        r"detector '.*\.Unmade' cannot be made: RuntimeError: no licence, none at all "
        r"\(in __init__, test_detectors\.py line \d+\)",
        str(failed.value),
    )
    with pytest.raises(DetectorError, match=r"cannot be fitted: ZeroDivisionError \(in fit, "):
        Outlier.fit(import_detector(f"{__name__}.Unfit"), history())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (KeyError("nix"), r"cannot score: KeyError: 'nix' \(in decision_function, "),
        (None, r"given 3 windows and gave nothing; it must give .* of shape \(3,\)"),
        (["a", "b", "c"], "gave no numbers; it must"),
        ([1.0, 2.0], r"gave scores of shape \(2,\); it must"),
        ([[1.0], [2.0], [3.0]], r"gave scores of shape \(3, 1\); it must"),
        ([1.0, np.nan, np.inf], r"gave 2 that are not finite \(NaN or infinite\); it must"),
    ],
)
def test_scores_that_cannot_be_used_are_refused(
    given: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{__name__}.Scoring"
    monkeypatch.setattr(import_module(__name__).Scoring, "given", given)
    with pytest.raises(DetectorError, match=said):
        import_detector(path).score_samples(history()[:3])


def test_the_score_that_most_windows_have_raises_no_alarm() -> None:
    usual = np.array([[0.0]] * 100)
    outlier = Outlier.fit(import_detector(f"{__name__}.Pyod"), usual)
    ratio = outlier.ratio(np.array([[0.0], [0.5], [-1.0]]))
    assert (ratio >= 1.0).tolist() == [False, True, False]


@bounded(300)
@given(st.integers(0, 5_000), st.floats(0.01, 3_000.0), st.floats(1.0, 200.0))
def test_a_count_is_never_within_the_range_that_is_told_with_its_surprise(
    count: int, mean: float, dispersion: float
) -> None:
    bits, side = tail_bits(np.array([count]), np.array([mean]), np.array([mean * dispersion]))
    low, high = usual_counts(mean, mean * dispersion, float(bits[0]), float(side[0]))
    assert 0 <= low <= high
    if bits[0] > 1.1:  # less than half of the windows are as extreme
        assert not low <= count <= high


@bounded(60)
@given(st.floats(0.01, 3_000.0), st.floats(1.01, 200.0))
def test_the_usual_range_of_what_surprises_holds_98_percent_and_no_count_more_than_it_must(
    mean: float, dispersion: float
) -> None:
    low, high = usual_counts(mean, mean * dispersion, MAX_BITS, 1.0)
    counts = stats.nbinom(mean / (dispersion - 1.0), 1.0 / dispersion)
    rounding = 1.002
    assert counts.sf(high) <= 0.01 * rounding
    assert high == 0 or counts.sf(high - 1) > 0.01 / rounding
    assert counts.cdf(low - 1) <= 0.01 * rounding
    assert counts.cdf(low) > 0.01 / rounding
