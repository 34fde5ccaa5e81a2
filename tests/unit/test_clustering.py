"""Weighted k-means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from log_guard.core.features.clustering import kmeans


def made(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points in and around clumps, as templates lie, and weights as uneven as theirs."""
    random = np.random.default_rng(seed)
    middle = random.normal(size=(12, 5))
    points = middle[random.integers(0, 12, rows)] + random.normal(scale=0.2, size=(rows, 5))
    return points, random.zipf(1.5, rows).clip(1, 10_000).astype(float)


def error(points: np.ndarray, weight: np.ndarray, centres: np.ndarray, label: np.ndarray) -> float:
    return float(weight @ ((points - centres[label]) ** 2).sum(axis=1))


@given(st.integers(0, 1_000), st.integers(1, 60), st.integers(1, 20))
def test_no_point_is_nearer_to_another_centre_and_no_cluster_is_empty(
    seed: int, rows: int, clusters: int
) -> None:
    points, weight = made(rows, seed)
    clusters = min(clusters, rows)
    centres, label = kmeans(points, weight, clusters)
    squares = ((points[:, None, :] - centres) ** 2).sum(axis=2)
    assert np.array_equal(label, squares.argmin(axis=1))
    assert set(label.tolist()) == set(range(clusters))
    for k in range(clusters):
        mean = np.average(points[label == k], axis=0, weights=weight[label == k])
        assert np.allclose(centres[k], mean)


@pytest.mark.parametrize(("rows", "seed"), [(60, 1), (500, 2), (3_000, 3)])
def test_the_error_is_about_that_of_scikit_learn(rows: int, seed: int) -> None:
    points, weight = made(rows, seed)
    theirs = KMeans(n_clusters=20, n_init=3, random_state=0).fit(points, sample_weight=weight)
    assert error(points, weight, *kmeans(points, weight, 20)) < 1.1 * theirs.inertia_


def test_a_weight_counts_as_so_many_points() -> None:
    points = np.array([[0.0], [1.0], [10.0]])
    centres, label = kmeans(points, np.array([3.0, 1.0, 1.0]), 2)
    assert label.tolist() == [0, 0, 1]
    assert centres.tolist() == [[0.25], [10.0]]


def test_equal_points_are_one_cluster() -> None:
    points = np.repeat([[1.0, 2.0], [3.0, 4.0]], 5, axis=0)
    centres, label = kmeans(points, np.ones(10), 2)
    assert sorted(centres.tolist()) == [[1.0, 2.0], [3.0, 4.0]]
    assert len(set(label[:5].tolist())) == len(set(label[5:].tolist())) == 1
