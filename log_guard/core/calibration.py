"""How surprising is surprising enough: thresholds from the maxima of blocks of history.

Overlapping windows and neighbouring ones are many looks at one thing, so what is counted is the
highest value in a block of time. Maxima of blocks follow, for light-tailed values, a Gumbel
distribution (Coles, An Introduction to Statistical Modeling of Extreme Values, 2001, section 3.1);
its two parameters are fitted by the lower quantiles alone, so that the threshold holds although up to
half of the blocks of a history hold incidents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DAY = 86_400.0

# Quantiles of the standard Gumbel distribution: -ln(-ln q).
_QUANTILES = (0.1, 0.3, 0.5)
_LOW, _MIDDLE, _HIGH = (float(-np.log(-np.log(q))) for q in _QUANTILES)


@dataclass(frozen=True)
class Tail:
    """Gumbel distribution of a block's maximum."""

    location: float
    scale: float

    def threshold(self, probability: float) -> float:
        """Value that a block's maximum passes with this probability."""
        return self.location - self.scale * float(np.log(-np.log1p(-probability)))


def block_maxima(values: np.ndarray, ends: np.ndarray, block: int) -> np.ndarray:
    """Highest value in each block of event time that has any; ``ends`` and ``block`` in µs."""
    number = ends // block
    blocks, inverse = np.unique(number, return_inverse=True)
    out = np.full(len(blocks), -np.inf)
    np.maximum.at(out, inverse, values)
    return out


def fit_tail(maxima: np.ndarray, least_scale: float = 0.0) -> Tail:
    """Fit by the lower half, (n,) → Tail; ``least_scale`` keeps a constant history from certainty."""
    low, middle, high = np.quantile(maxima, _QUANTILES)
    scale = max(float(high - low) / (_HIGH - _LOW), least_scale)
    return Tail(float(middle) - scale * _MIDDLE, scale)


def certified_rate(blocks: int, block_seconds: float) -> float:
    """Lowest rate of false alerts a day that so many blocks of history can vouch for (one in all)."""
    return DAY / max(blocks * block_seconds, 1e-9)
