"""The 30 features: what each is, and that equal summaries give equal bits."""

from __future__ import annotations

from functools import cache
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.events import Level
from log_guard.core.features import FEATURES, TEXT_FEATURES, VOLUME_FEATURES
from log_guard.core.features.text import TextModel, fit_text, terms
from log_guard.core.features.volume import level_counts, volume_features
from log_guard.core.features.window import window_features
from log_guard.core.windows import WindowBatch
from tests.streams import bounded

ENTRIES = {"row": pl.Int64, "level": pl.UInt8, "template": pl.Int64, "count": pl.Int64}
TEMPLATES = [
    "request <num> served in <num> ms",
    "request <num> failed",
    "cache miss for <id>",
    "cache hit for <id>",
    "user <id> logged in",
    "disk full on <path>",
]
SEEN = np.array([1000, 10, 300, 900, 120, 1])


@cache
def model() -> TextModel:
    return fit_text(TEMPLATES, SEEN)


def batch(entries: list[tuple[int, int, int, int]], rows: int) -> WindowBatch:
    schema = {
        "end": pl.Int64,
        "group": pl.Int64,
        "late": pl.Boolean,
        "whole": pl.Boolean,
        "silent": pl.Float64,
    }
    windows = [(30 * i, 0, False, True, 0.0) for i in range(rows)]
    return WindowBatch(
        pl.DataFrame(windows, schema=schema, orient="row"),
        pl.DataFrame(entries, schema=ENTRIES, orient="row"),
    )


def test_there_are_30() -> None:
    assert (len(VOLUME_FEATURES), len(TEXT_FEATURES)) == (12, 18)
    assert len(set(FEATURES)) == 30


# 1 event without a level, 2 TRACE, 3 DEBUG, 8 INFO, 4 WARN, 5 ERROR, 7 FATAL
FULL = [1, 2, 3, 8, 4, 5, 7]
VOLUMES = {
    "log_count": 30,
    "error_count": 5,
    "fatal_count": 7,
    "warn_count": 4,
    "info_count": 8,
    "debug_count": 5,
    "error_rate": 5 / 30,
    "fatal_rate": 7 / 30,
    "warn_rate": 4 / 30,
    "warn_to_info_ratio": 4 / 9,
    "critical_count": 12,
    "critical_rate": 12 / 30,
}


@pytest.mark.parametrize("name", VOLUME_FEATURES)
def test_volume_feature(name: str) -> None:
    column = VOLUME_FEATURES.index(name)
    found = volume_features(np.array([FULL, [0] * 7], dtype=float))
    assert found[0, column] == pytest.approx(VOLUMES[name], rel=1e-12)
    assert found[1, column] == 0


def test_warnings_alone_have_a_ratio() -> None:
    counts = np.zeros((1, 7))
    counts[0, Level.WARN] = 6
    found = dict(zip(VOLUME_FEATURES, volume_features(counts)[0].tolist(), strict=True))
    assert (found["warn_to_info_ratio"], found["warn_rate"]) == (6, 1)


def test_events_are_counted_by_window_and_level() -> None:
    entries = [(0, 3, 0, 5), (0, 3, 1, 2), (0, 5, 1, 1), (2, 0, 0, 4)]
    counts = level_counts(batch(entries, 3).entries, 3)
    assert counts.tolist() == [[0, 0, 0, 7, 0, 1, 0], [0] * 7, [4, 0, 0, 0, 0, 0, 0]]


def test_words_and_pairs_of_a_template() -> None:
    assert terms("Request <num> served!") == [
        "request",
        "<num>",
        "served",
        "request <num>",
        "<num> served",
    ]
    assert terms("") == terms("12 + 7") == []
    assert terms("Übertrag storniert") == ["übertrag", "storniert", "übertrag storniert"]


def test_a_template_has_18_numbers_each_a_multiple_of_2_to_the_minus_20() -> None:
    vectors = model().vectors([*TEMPLATES, "never seen before", ""])
    assert vectors.shape == (8, 18)
    assert np.isfinite(vectors).all()
    assert np.array_equal(vectors * 2**20, np.round(vectors * 2**20))
    assert model().vectors([]).shape == (0, 18)


def test_a_template_has_the_same_vector_in_any_company() -> None:
    vectors = model().vectors(TEMPLATES)
    for i, template in enumerate(TEMPLATES):
        assert np.array_equal(model().vectors([template])[0], vectors[i])


def test_a_fit_does_not_depend_on_the_order_of_the_templates() -> None:
    order = np.random.default_rng(0).permutation(len(TEMPLATES))
    shuffled = fit_text([TEMPLATES[i] for i in order], SEEN[order])
    for name, array in model().arrays().items():
        assert np.array_equal(array, shuffled.arrays()[name]), name


RARITY = TEXT_FEATURES.index("message_rarity")
STRANGENESS = TEXT_FEATURES.index("message_anomaly_score")
CLUSTER = TEXT_FEATURES.index("message_cluster")


def test_the_rarer_a_template_the_higher_its_rarity() -> None:
    rarity = model().vectors(TEMPLATES)[:, RARITY]
    assert rarity.argmin() == SEEN.argmax()
    assert rarity.argmax() == SEEN.argmin()


def test_a_template_never_seen_is_rarer_than_all_that_were_seen_in_its_cluster() -> None:
    vectors = model().vectors([*TEMPLATES, "never seen before", "request <num> served twice"])
    for unseen in vectors[-2:]:
        cluster = vectors[:-2][vectors[:-2, CLUSTER] == unseen[CLUSTER]]
        assert unseen[RARITY] > cluster[:, RARITY].max()
        assert unseen[RARITY] > np.log2(SEEN.sum()) / 2


def test_a_text_unlike_all_others_is_strange() -> None:
    usual, strange = model().vectors([TEMPLATES[0], "disk cache user failed"])[:, STRANGENESS]
    assert strange > usual


def test_clusters_are_numbered_by_their_share() -> None:
    vectors = model().vectors(TEMPLATES)
    assert vectors[int(SEEN.argmax()), CLUSTER] == 0
    share = model().cluster_share
    assert (np.diff(share) <= 0).all()
    assert share.sum() == pytest.approx(1)


def test_one_template_is_enough_to_learn_from() -> None:
    for only in ("started", "", "42"):
        vectors = fit_text([only], np.array([3])).vectors([only, "something else"])
        assert np.isfinite(vectors).all()


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 5), st.integers(1, 10**6)),
    max_size=30,
)


@bounded(50)
@given(ROWS, st.randoms(use_true_random=False))
def test_features_are_sums_in_any_order(
    entries: list[tuple[int, int, int, int]], random: Random
) -> None:
    vectors = model_vectors()
    shuffled = list(entries)
    random.shuffle(shuffled)
    one = window_features(batch(entries, 3), vectors)
    other = window_features(batch(shuffled, 3), vectors)
    assert one.tobytes() == other.tobytes()


@bounded(50)
@given(ROWS)
def test_text_features_are_means_over_the_events(entries: list[tuple[int, int, int, int]]) -> None:
    vectors = model_vectors()
    found = window_features(batch(entries, 3), vectors)[:, 12:]
    for row in range(3):
        mine = [(template, n) for r, _, template, n in entries if r == row]
        if mine:
            mean = np.average(vectors[[t for t, _ in mine]], axis=0, weights=[n for _, n in mine])
            assert found[row] == pytest.approx(mean, rel=1e-9, abs=1e-12)
        else:
            assert not found[row].any()


def model_vectors() -> np.ndarray:
    return model().vectors(TEMPLATES)


def test_an_empty_window_is_all_zeros() -> None:
    assert not window_features(batch([], 2), model_vectors()).any()
    assert window_features(batch([], 2), model_vectors()).shape == (2, 30)


def test_without_a_model_there_are_volumes_only() -> None:
    found = window_features(batch([(0, 5, 0, 4)], 1), None)[0]
    assert found[0] == 4
    assert not found[12:].any()
