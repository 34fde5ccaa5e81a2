"""Novelty: what has not been seen, or hardly ever, is surprising; the more so the more severe.

The surprise of a key (group, level, template) is ``-log2`` of the share of the group's minutes that
held it, with half a minute added (the Krichevsky-Trofimov estimate): a key seen all the time is worth
next to nothing, one never seen in a day worth 11 bits.
"""

from __future__ import annotations

import numpy as np

from log_guard.core.events import Level

LEVEL_WEIGHT = np.ones(16)
LEVEL_WEIGHT[Level.WARN] = 1.1
LEVEL_WEIGHT[Level.ERROR] = 1.25
LEVEL_WEIGHT[Level.FATAL] = 1.5

_UNIT = float(1 << 20)


def exact(bits: np.ndarray) -> np.ndarray:
    """Round to whole multiples of 2**-20, whose sums are exact in any order."""
    return np.asarray(np.round(bits * _UNIT) / _UNIT)


def novelty_bits(
    minutes_with: np.ndarray,
    minutes_watched: np.ndarray,
    levels: np.ndarray,
    counts: np.ndarray | float = 1.0,
    exponent: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Surprise of keys that occur, bits; all arguments (n,).

    A rare key that comes ``counts`` times is ``exponent * log2(counts)`` bits more surprising than
    one that comes once: the tail of such counts is taken as a power of the count.
    """
    share = (minutes_with + 0.5) / (np.maximum(minutes_watched, minutes_with) + 1.0)
    often = exponent * np.log2(np.maximum(counts, 1.0))
    return exact((often - np.log2(share)) * LEVEL_WEIGHT[levels])


class NoveltyDetector:
    """The same for a plain matrix of counts, behind scikit-learn's outlier interface.

    X is (windows, keys); columns beyond those fitted are keys never seen. ``offset_`` is the lowest
    score of the windows it was fitted on.
    """

    def get_params(self, deep: bool = True) -> dict[str, object]:
        return {}

    def fit(self, X: np.ndarray, y: None = None) -> NoveltyDetector:
        X = np.asarray(X)
        self.seen_ = (X > 0).sum(axis=0).astype(float)
        self.rows_ = float(len(X))
        self.offset_ = float(self.score_samples(X).min())
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Minus the Euclidean norm of the keys' surprises, (windows,)."""
        X = np.asarray(X)
        seen = np.concatenate([self.seen_, np.zeros(X.shape[1] - len(self.seen_))])
        rows = np.full(len(seen), self.rows_)
        bits = novelty_bits(seen, rows, np.full(len(seen), int(Level.INFO)))
        return np.asarray(-np.sqrt(((X > 0) * bits**2).sum(axis=1)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(self.score_samples(X) >= self.offset_, 1, -1)
