"""How surprising is surprising enough: thresholds from the maxima of blocks of history.

Overlapping windows and neighbouring ones are many looks at one thing, so what is counted is the
highest value in a block of time. Maxima of blocks follow, for light-tailed values, a Gumbel
distribution (Coles, An Introduction to Statistical Modeling of Extreme Values, 2001, section 3.1).

A history holds incidents, and nobody has said where. They raise the quantiles of the block maxima, the
upper ones first, and never lower one. So the tail is fitted three times, to lower, middle and upper
quantiles, and the lowest threshold is taken: the upper fit is the closest to the tail where incidents
are few, the lower one holds although half of the blocks have some.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DAY = 86_400.0

LOWER, MIDDLE, UPPER = (0.1, 0.3, 0.5), (0.3, 0.5, 0.7), (0.5, 0.7, 0.9)


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


def fit_tail(
    maxima: np.ndarray,
    quantiles: tuple[float, float, float] = LOWER,
    least_scale: float = 0.0,
) -> Tail:
    """Fit by three quantiles of the maxima, (n,); ``least_scale`` keeps a constant history from certainty."""
    low, middle, high = np.quantile(maxima, quantiles)
    reduced = [float(-np.log(-np.log(q))) for q in quantiles]  # those of the standard Gumbel
    scale = max(float(high - low) / (reduced[2] - reduced[0]), least_scale)
    return Tail(float(middle) - scale * reduced[1], scale)


def threshold(maxima: np.ndarray, probability: float, least_scale: float = 0.0) -> float:
    """Value that the maximum of a block without an incident passes with this probability."""
    return min(
        fit_tail(maxima, quantiles, least_scale).threshold(probability)
        for quantiles in (LOWER, MIDDLE, UPPER)
    )


def exceeded(maxima: np.ndarray, times: int) -> float:
    """Lowest of the block maxima, (n,) in order of time, that at most ``times`` spans of history exceed.

    Neighbouring blocks are one span: what lasts for half an hour is one thing and not three.
    """
    lowest = float("inf")
    for value in np.sort(maxima)[::-1].tolist():
        above = maxima > value
        spans = int(above[0]) + int((above[1:] & ~above[:-1]).sum())
        if spans > times:
            break
        lowest = value
    return lowest


def certified_rate(blocks: int, block_seconds: float) -> float:
    """Lowest rate of false alerts a day that so many blocks of history can vouch for (one in all)."""
    return DAY / max(blocks * block_seconds, 1e-9)
