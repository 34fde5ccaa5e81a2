"""How surprising is surprising enough: thresholds from the maxima of blocks of history.

Overlapping windows and neighbouring ones are many looks at one thing, so what is counted is the
highest value in a block of time. Maxima of blocks follow, for light-tailed values, a Gumbel
distribution (Coles, An Introduction to Statistical Modeling of Extreme Values, 2001, section 3.1).

A history holds incidents, and nobody has said where. They raise the quantiles of the block maxima, the
upper ones first, and never lower one. So the tail is fitted three times, to lower, middle and upper
quantiles, and the lowest threshold is taken: the upper fit is the closest to the tail where incidents
are few, the lower one holds although half of the blocks have some.

More incidents never make it more sensitive. Loud blocks in a share e of the history put the quantile q where
q / (1 - e) was. On a Gumbel plot that moves a point to the right by ``r(q / (1 - e)) - r(q)`` with ``r(q) =
-log(-log(q))``, which is more than nothing and grows with q: so each fit gets a higher middle and a larger
scale, its threshold rises, and so does the lowest of them. In a finite sample the lower quantiles can rise a
little faster by chance; but a fit is above its own upper quantile for any rate below one in ten blocks, and so
the threshold is above the median of the maxima, which more incidents only raise.

A few blocks tell little of a tail that is asked for far beyond them: a threshold that 13 of them put at one
block in 1,400 is passed by one in 40. So the threshold of count surprise is that of the predictive
distribution: an exponential tail whose scale is known by n maxima has ``(1 + x / (n scale)) ** -n`` beyond x, and
what is expected of any log counts as some maxima more (conjugate prior; Gelman and others, Bayesian Data
Analysis, 2013, section 2.6). It goes over into the fitted tail as history grows. Novelty has none of this: its
bits are bounded by the length of the history itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import EPOCH, SPELL
from log_guard.core.events import SECOND
from log_guard.core.learning.model import NEVER, Scales

DAY = 86_400.0

LEAST_BITS = 0.5
"""Least Gumbel scale of a detector's maxima, bits: a constant history is no certainty."""
COUNT_BITS = float(np.sqrt(2.0) / np.log(2.0))
"""Gumbel scale, bits, to be expected of the maxima of count surprise: the bits of a count in a steady stream are
above x in a share 2**-x, and a count is one of its level, or of all events, as well."""
EXPECTED_BLOCKS = 5.0
"""So many maxima that expectation is worth: as many as the shortest history has."""
WORTH = 1.0 / 3.0
"""What a maximum seen is worth: three quantiles know the scale as well as 0.4 to 0.7 of the maxima would, and the
lowest of three fits is taken. With it, Gumbel tails fitted to 13 blocks or more keep the rate within a factor of two."""
ORDINARY = 3
"""What came in so many spans of a history is how things are; what came in fewer may be an incident."""
LEAST_SHIFT_BLOCKS = 6
"""Blocks of ten minutes below which a history says nothing of how load shifts."""
LOWER, MIDDLE, UPPER = (0.1, 0.3, 0.5), (0.3, 0.5, 0.7), (0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Tail:
    """Gumbel distribution of a block's maximum; ``worth``: how many maxima its scale is known by."""

    location: float
    scale: float
    worth: float = float("inf")

    def threshold(self, probability: float) -> float:
        """Value that a block's maximum passes with this probability."""
        reduced = -float(np.log(-np.log1p(-probability)))
        if np.isfinite(self.worth):
            reduced = self.worth * float(np.expm1(reduced / self.worth))
        return self.location + self.scale * reduced

    def expecting(self, scale: float, blocks: int) -> Tail:
        """The same with what so many blocks leave uncertain, where this scale was to be expected."""
        seen = WORTH * blocks
        worth = seen + EXPECTED_BLOCKS
        return Tail(self.location, (seen * self.scale + EXPECTED_BLOCKS * scale) / worth, worth)


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


def threshold(
    maxima: np.ndarray,
    probability: float,
    least_scale: float = 0.0,
    expected_scale: float | None = None,
) -> float:
    """Value that the maximum of a block without an incident passes with this probability.

    expected_scale:  to allow for how little the maxima, (n,), tell of the tail: its scale by expectation.
    """
    tails = [fit_tail(maxima, quantiles, least_scale) for quantiles in (LOWER, MIDDLE, UPPER)]
    if expected_scale is not None:
        tails = [tail.expecting(expected_scale, len(maxima)) for tail in tails]
    return min(tail.threshold(probability) for tail in tails)


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


def passed(
    values: np.ndarray, ends: np.ndarray, block: int, false_alarms_per_day: float, span: int
) -> float:
    """Threshold that these values, (n,), pass in no more blocks than half the budget for ``span`` allows.

    Times in µs; 0 where there are no more than those.
    """
    maxima = np.sort(block_maxima(values, ends, block))[::-1]
    allowed = int(false_alarms_per_day * span / SECOND / DAY / 2)
    return float(np.nextafter(maxima[allowed], np.inf)) if allowed < len(maxima) else 0.0


def spans_allowed(false_alarms_per_day: float, span: int) -> int:
    """In how many spans of a history, of ``span`` µs in all, a threshold may be exceeded."""
    return max(int(false_alarms_per_day * span / SECOND / DAY / 2), ORDINARY - 1)


def certified_rate(blocks: int, block_seconds: float) -> float:
    """Lowest rate of false alerts a day that so many blocks of history can vouch for (one in all)."""
    return DAY / max(blocks * block_seconds, 1e-9)


def scales_of(
    values: np.ndarray, ends: np.ndarray, block: int, false_alarms_per_day: float
) -> Scales:
    """Thresholds for the whole deployment: in a block all groups together are one look.

    Not a threshold a group: one whose history holds an incident in every fourth block would be deaf
    to the next. A count surprise must besides exceed what the history has shown, but for as many spans
    as the budget allows, and for two at least: volumes are heavier-tailed than any tail that could be fitted to so few blocks.
    """
    span_days = (int(ends.max()) - int(ends.min()) + block) / SECOND / DAY
    budget = false_alarms_per_day * span_days / 2  # the two detectors share it
    # Novelty is looked at by the spell, for where incidents come every ten minutes no block of ten is without one.
    novelty = block_maxima(values[:, 0], ends, min(block, SPELL))
    surprise = block_maxima(values[:, 1], ends, block)
    shift = block_maxima(values[:, 2], ends, max(block, EPOCH))
    # A line that comes more often than the budget allows must not be an alarm by its rarity alone,
    # however regular the history was that it was not part of.
    least = float(np.log2(max(DAY / (SPELL / SECOND) / false_alarms_per_day, 1.0)))
    times = spans_allowed(false_alarms_per_day, int(span_days * DAY * SECOND))
    half = budget / 2
    return Scales(
        max(_threshold(novelty, budget), least),
        max(_threshold(surprise, half, COUNT_BITS), exceeded(surprise, times)),
        max(_threshold(shift, half, COUNT_BITS), exceeded(shift, times))
        if len(shift) >= LEAST_SHIFT_BLOCKS
        else NEVER,
    )


def _threshold(maxima: np.ndarray, budget: float, expected_scale: float | None = None) -> float:
    """Value that ``budget`` of the blocks seen would pass, by the tail fitted to their maxima."""
    probability = min(budget / len(maxima), 0.5)
    return max(threshold(maxima, probability, LEAST_BITS, expected_scale), LEAST_BITS)
