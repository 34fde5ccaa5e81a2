"""Weighted k-means without chance: equal points and weights give equal clusters.

Lloyd's iteration from greedy starting points, as k-means++ (Arthur and Vassilvitskii, SODA 2007)
takes them, but where that draws its candidates, here they are those that add most to the error.
scikit-learn's is no better on templates, and importing it takes a second and 60 MB (record 23).
"""

from __future__ import annotations

import numpy as np

CANDIDATES = 32
"""Points that are tried for each starting point."""
MAX_STEPS = 300
"""Steps after which a slow iteration is left as it is."""


def kmeans(points: np.ndarray, weight: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres, (clusters, d), and each point's cluster, (n,).

    points:    (n, d), at least ``clusters`` of them distinct.
    weight:    (n,), above 0.
    """
    centres = _starts(points, weight, clusters)
    label, distance = _nearest(points, centres)
    for _ in range(MAX_STEPS):
        for k in range(clusters):
            mine = label == k
            if mine.any():
                centres[k] = np.average(points[mine], axis=0, weights=weight[mine])
            else:  # all went to other centres: begin again where the error is largest
                worst = int(np.argmax(weight * distance))
                centres[k], distance[worst] = points[worst], 0.0
        before = label
        label, distance = _nearest(points, centres)
        if np.array_equal(label, before):
            break
    return centres, label


def _starts(points: np.ndarray, weight: np.ndarray, clusters: int) -> np.ndarray:
    """The heaviest point, then always the candidate that leaves the least error, (clusters, d)."""
    chosen = [int(np.argmax(weight))]
    distance = _squares(points, points[chosen[0]])
    while len(chosen) < clusters:
        candidates = np.argsort(-weight * distance, kind="stable")[:CANDIDATES]
        after = [np.minimum(distance, _squares(points, points[c])) for c in candidates]
        best = int(np.argmin([weight @ left for left in after]))
        chosen.append(int(candidates[best]))
        distance = after[best]
    return points[chosen]


def _nearest(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each point's nearest centre and the square of its distance, (n,) both."""
    squares = np.stack([_squares(points, centre) for centre in centres])
    label = squares.argmin(axis=0)
    return label, squares[label, np.arange(len(points))]


def _squares(points: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return np.asarray(((points - centre) ** 2).sum(axis=1))
