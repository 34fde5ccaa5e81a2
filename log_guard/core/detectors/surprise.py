"""Count surprise: a count far above or below its own baseline, silence included.

The count of a key in a window is taken as negative binomial with the mean and the spread of the
history (Poisson where the history is no wilder than that). The surprise is ``-log2`` of the
probability of a count at least, or at most, as extreme, whichever side it is on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from log_guard.core.exact import exact

MAX_BITS = 100.0
USUAL_BITS = float(np.log2(100.0))
"""Counts of less surprise than this are usual: beyond them lies 1 % of the windows on either side."""
SLACK_BITS = 0.001
"""By which rounding may have changed the surprise of a count since."""


def moments(sums: np.ndarray, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance a window from (count, squares) sums, (n, 2), over ``windows`` windows, (n,).

    Half an event in one more window is added to the history, so that a short one is not taken for
    certain; the variance is at least that of a Poisson count of uncertain mean.
    """
    n = np.maximum(windows, 1.0)
    mean = (sums[:, 0] + 0.5) / (n + 1.0)
    variance = (
        np.maximum(sums[:, 1] / n - (sums[:, 0] / n) ** 2, 0.0) * n / np.maximum(n - 1.0, 1.0)
    )
    return mean, np.maximum(variance, mean) * (1.0 + 1.0 / n) + (0.05 * mean) ** 2


def tail_bits(
    counts: np.ndarray, mean: np.ndarray, variance: np.ndarray, both: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Surprise of counts, bits, and their side (1 above, -1 below), each (n,).

    ``both`` False looks only above: counts of an unfinished window can only grow.
    """
    from scipy.special import betainc

    over = np.maximum(variance - mean, 1e-6 * mean)
    size = mean * mean / over  # the negative binomial's r
    p = size / (size + mean)
    counts = np.asarray(counts, dtype=float)
    at_most = betainc(size, counts + 1.0, p)
    at_least = np.where(counts > 0, betainc(np.maximum(counts, 1e-9), size, 1.0 - p), 1.0)
    above = -np.log2(np.maximum(at_least, 2.0**-MAX_BITS))
    below = -np.log2(np.maximum(at_most, 2.0**-MAX_BITS))
    if not both:
        return exact(above), np.ones(len(counts))
    return exact(np.maximum(above, below)), np.where(above >= below, 1.0, -1.0)


def usual_ranges(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest count of less than :data:`USUAL_BITS` of surprise, of each mean and variance, (n,)."""

    def surprise(counts: np.ndarray, side: float) -> np.ndarray:
        bits, where = tail_bits(counts, mean, variance, both=side < 0)
        return np.where(where == side, bits, 0.0)

    low, high = np.floor(mean), np.floor(mean + np.sqrt(99.0 * np.maximum(variance, mean))) + 2.0
    below, above = np.full(len(mean), -1.0), np.floor(mean)
    while ((high - above) > 1.0).any():
        middle = np.floor((high + above) / 2.0)
        usual = surprise(middle, 1.0) < USUAL_BITS
        above, high = np.where(usual, middle, above), np.where(usual, high, middle)
    while ((low - below) > 1.0).any():
        middle = np.floor((low + below) / 2.0)
        usual = surprise(middle, -1.0) < USUAL_BITS
        low, below = np.where(usual, middle, low), np.where(usual, below, middle)
    return low, above


@lru_cache(maxsize=4096)  # a search, and each trial of what would have been normal asks it again
def usual_counts(mean: float, variance: float, bits: float, side: float) -> tuple[int, int]:
    """Lowest and highest count that is less surprising than both :data:`USUAL_BITS` and ``bits``.

    So a count of ``bits`` of surprise on this side (1 above, -1 below) is never within.
    """
    if mean <= 0:
        return 0, 0
    limit = min(USUAL_BITS, bits) - SLACK_BITS

    def surprise(counts: np.ndarray, *, below: bool) -> np.ndarray:
        at = np.full(len(counts), mean), np.full(len(counts), variance)
        found, where = tail_bits(counts, *at, both=below)
        return np.where(where < 0, found, 0.0) if below else found

    # Cantelli's inequality: less than 1 % lies as far above the mean as this.
    farthest = int(mean + np.sqrt(99.0 * max(variance, mean))) + 2
    high = _first(1, farthest, lambda counts: surprise(counts, below=False) >= limit) - 1
    low = _first(0, int(mean), lambda counts: surprise(counts, below=True) < limit)
    return (min(low, high), high) if side > 0 else (low, max(low, high))


def _first(low: int, high: int, holds: Callable[[np.ndarray], np.ndarray]) -> int:
    """Lowest integer in [low, high) for which it holds, as it does for all above it; ``high`` if for none."""
    while low < high:
        tried = np.arange(low, high, max((high - low) // 64, 1))
        found = np.flatnonzero(holds(tried))
        if not len(found):
            low = int(tried[-1]) + 1
        else:
            first = int(found[0])
            high = int(tried[first])
            low = int(tried[first - 1]) + 1 if first else high
    return high


class CountSurprise:
    """The same for a plain matrix of counts, (windows, keys), behind scikit-learn's interface."""

    def get_params(self, deep: bool = True) -> dict[str, object]:
        return {}

    def fit(self, X: np.ndarray, y: None = None) -> CountSurprise:
        X = np.asarray(X, dtype=float)
        sums = np.column_stack([X.sum(axis=0), (X**2).sum(axis=0)])
        self.mean_, self.variance_ = moments(sums, np.full(X.shape[1], float(len(X))))
        self.offset_ = float(self.score_samples(X).min())
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Minus the Euclidean norm of the keys' surprises, (windows,)."""
        X = np.asarray(X, dtype=float)
        bits = [
            tail_bits(X[:, k], np.full(len(X), m), np.full(len(X), v))[0]
            for k, (m, v) in enumerate(zip(self.mean_, self.variance_, strict=True))
        ]
        return np.asarray(-np.sqrt((np.array(bits) ** 2).sum(axis=0)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(self.score_samples(X) >= self.offset_, 1, -1)
