"""The reference detector: StandardScaler + DBSCAN, used inductively.

DBSCAN (Ester et al., KDD 1996) labels the points it is fitted on and has nothing to say of others;
refitting it on the window at hand labels a single window -1, always. Here it is fitted on history.
A new window within ``eps`` of a core sample takes that sample's cluster, any other is noise (-1).
Only the core samples matter then, and they are a few lines; scikit-learn's DBSCAN gives the same ones
(a test holds the two equal), but importing it takes a second and 60 MB (record 23).
"""

from __future__ import annotations

import numpy as np

EPS = 5.0
MIN_SAMPLES = 3
MAX_FIT_ROWS = 2_000
"""All neighbourhoods are held at once: a longer history is thinned evenly to so many windows."""


class InductiveDBSCAN:
    """StandardScaler + DBSCAN behind scikit-learn's outlier interface.

    eps:          radius in standardised features (Euclidean).
    min_samples:  weight within ``eps`` (the window itself included) that makes a core sample.

    After ``fit``: ``mean_``, ``scale_`` (f,), ``core_`` (c, f) standardised core samples,
    ``core_labels_`` (c,), ``labels_`` (rows,) of the windows it was fitted on.
    """

    def __init__(self, eps: float = EPS, min_samples: int = MIN_SAMPLES) -> None:
        self.eps = eps
        self.min_samples = min_samples

    def get_params(self, deep: bool = True) -> dict[str, float | int]:
        return {"eps": self.eps, "min_samples": self.min_samples}

    def set_params(self, **params: float | int) -> InductiveDBSCAN:
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def fit(self, X: np.ndarray, y: None = None) -> InductiveDBSCAN:
        """Learn from history, X (windows, features), whatever the order of its rows."""
        X = np.asarray(X, dtype=float)
        order = np.lexsort(X.T)  # the last bits of a mean depend on the order of the sum
        if len(X) > MAX_FIT_ROWS:
            order = order[np.linspace(0, len(X) - 1, MAX_FIT_ROWS).astype(int)]
        every, X = X, X[order]
        self.mean_ = X.mean(axis=0)
        deviation = X.std(axis=0)
        self.scale_ = np.where(deviation > 1e-9, deviation, 1.0)
        scaled, weights = np.unique((X - self.mean_) / self.scale_, axis=0, return_counts=True)
        near = _within(scaled, self.eps)
        core = np.flatnonzero(near @ weights >= self.min_samples)
        self.core_ = scaled[core]
        self.core_labels_ = _connected(near[np.ix_(core, core)])
        self.labels_ = self.cluster(every)
        return self

    def distance(self, X: np.ndarray) -> np.ndarray:
        """Distance to the nearest core sample, (windows,); infinite if there is none."""
        return self._nearest(X)[0]

    def cluster(self, X: np.ndarray) -> np.ndarray:
        """Cluster labels, (windows,): that of the nearest core sample within ``eps``, otherwise -1."""
        distance, nearest = self._nearest(X)
        if not len(self.core_):
            return np.full(len(distance), -1)
        return np.where(distance <= self.eps, self.core_labels_[nearest], -1)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """1 for a normal window, -1 for an anomaly."""
        return np.where(self.distance(X) <= self.eps, 1, -1)

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Higher is more normal: minus the anomaly score."""
        return -self.anomaly_score(X)

    def anomaly_score(self, X: np.ndarray) -> np.ndarray:
        """Score in [0, 1]: d / (d + eps) for the distance d to the nearest core; 0.5 exactly at eps."""
        distance = self.distance(X)
        finite = np.where(np.isfinite(distance), distance, 0.0)
        return np.where(np.isfinite(distance), finite / (finite + self.eps), 1.0)

    def nearest(self, X: np.ndarray) -> np.ndarray:
        """Features of the nearest core sample in their own units, (windows, features)."""
        return np.asarray(self.core_[self._nearest(X)[1]] * self.scale_ + self.mean_)

    def _nearest(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # cdist works pair by pair: unlike a matrix product, the last bit of a distance does not
        # depend on how many windows are asked about at once.
        from scipy.spatial.distance import cdist

        scaled = (np.asarray(X, dtype=float) - self.mean_) / self.scale_
        if not len(self.core_):
            return np.full(len(scaled), np.inf), np.zeros(len(scaled), dtype=int)
        distance = np.empty(len(scaled))
        nearest = np.empty(len(scaled), dtype=int)
        for start in range(0, len(scaled), 1024):
            part = cdist(scaled[start : start + 1024], self.core_)
            nearest[start : start + 1024] = part.argmin(axis=1)
            distance[start : start + 1024] = part.min(axis=1)
        return distance, nearest


def _within(points: np.ndarray, radius: float) -> np.ndarray:
    """Which points lie within a radius of which, itself included, bool (n, n)."""
    from scipy.spatial.distance import cdist

    near = np.empty((len(points), len(points)), dtype=np.bool_)
    for start in range(0, len(points), 256):
        near[start : start + 256] = cdist(points[start : start + 256], points) <= radius
    return near


def _connected(near: np.ndarray) -> np.ndarray:
    """Clusters of core samples, each a chain of neighbours, numbered by their first one, (n,)."""
    label = np.full(len(near), -1)
    for first in range(len(near)):
        if label[first] < 0:
            fresh = np.arange(len(near)) == first
            number = label.max() + 1
            while fresh.any():
                label[fresh] = number
                fresh = near[fresh].any(axis=0) & (label < 0)
    return label
