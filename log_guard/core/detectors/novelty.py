"""Novelty: what has not been seen, or hardly ever, is surprising; the more so the rarer its level.

The surprise of a key (group, level, template) is ``-log2`` of the share of the group's spells (of 2
minutes) that held it, with half a spell added (the Krichevsky-Trofimov estimate). It is weighted by
how rare the level is in its group: an ERROR means much in a service that hardly ever logs one, and
nothing in one that logs them all day. A level that never varies weighs nothing and costs nothing.
"""

from __future__ import annotations

import numpy as np

LEVEL_WEIGHT = 0.2
"""What a bit of the level's own surprise adds to the weight of a key."""
MAX_LEVEL_BITS = 12.0

_UNIT = float(1 << 20)


def exact(bits: np.ndarray) -> np.ndarray:
    """Round to whole multiples of 2**-20, whose sums are exact in any order."""
    return np.asarray(np.round(bits * _UNIT) / _UNIT)


def novelty_bits(
    spells_with: np.ndarray,
    spells_watched: np.ndarray,
    level_shares: np.ndarray | float = 1.0,
    counts: np.ndarray | float = 1.0,
    exponent: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Surprise of keys that occur, bits; all arguments (n,).

    level_shares:  share of the group's events that have the key's level, in (0, 1].
    exponent:      a key that comes ``counts`` times is ``exponent * log2(counts)`` bits more
                   surprising than one that comes once: the tail of such counts is taken as a power.
    """
    share = (spells_with + 0.5) / (np.maximum(spells_watched, spells_with) + 1.0)
    often = exponent * np.log2(np.maximum(counts, 1.0))
    level_bits = np.clip(-np.log2(level_shares), 0.0, MAX_LEVEL_BITS)
    return exact((often - np.log2(share)) * (1.0 + LEVEL_WEIGHT * level_bits))


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
        bits = novelty_bits(seen, rows)
        return np.asarray(-np.sqrt(((X > 0) * bits**2).sum(axis=1)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(self.score_samples(X) >= self.offset_, 1, -1)
