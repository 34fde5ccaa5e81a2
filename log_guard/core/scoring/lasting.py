"""What has lasted: the counts of the stretches that have just ended that are not usual, whatever window asks.

(That a window is part of it is told in ``shifts.py``, again for each trial of what would have been normal.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import Baseline, Known
from log_guard.core.baseline.columns import COUNT, WATCHED_STRETCHES
from log_guard.core.baseline.keys import code_groups, code_levels
from log_guard.core.baseline.stretches import stretch_moments
from log_guard.core.detectors.surprise import tail_bits
from log_guard.core.events import Level
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.scoring.stretches import Recent, Stretches
from log_guard.core.windows.recent import RecentWindows
from log_guard.core.windows.spec import LASTING

LEAST_BITS = 3.0
"""Smaller surprises are not looked at."""
LATELY_STRETCHES = 6
"""What the last hour taught is heeded if it taught at least so much: load drifts."""


@dataclass(frozen=True)
class Lasted:
    """Counts of stretches that are too high, or too low, (n,).

    side:      1 too many, -1 too few; ``volume``: whether they are volumes, or keys
    at:        (n,) index of the stretch
    code:      (n,) of a key or a volume
    observed:  (n,) in all of the stretch
    mean, variance:  (n,) of a stretch of history
    bits:      (n,) surprise
    """

    side: float
    volume: bool
    at: np.ndarray
    code: np.ndarray
    observed: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    bits: np.ndarray

    @property
    def turn(self) -> np.ndarray:
        """Half way from the usual mean of a window to that of the stretch, (n,)."""
        return np.asarray((self.mean + self.observed) / (2.0 * LASTING))

    def take(self, chosen: np.ndarray) -> Lasted:
        """Return those at these indexes, or under this mask."""
        arrays = (self.at, self.code, self.observed, self.mean, self.variance, self.bits)
        return Lasted(self.side, self.volume, *(array[chosen] for array in arrays))


@dataclass(frozen=True)
class Shifts:
    """All that has lasted at some times; ``ends`` of the stretches, (k,), µs, ascending."""

    ends: np.ndarray
    window: int
    lasted: tuple[Lasted, ...] = ()


def shifts_of(
    ends: np.ndarray, recent: RecentWindows, known: Known, suppressor: Suppressor
) -> Shifts:
    """What has lasted, for windows that end at these times, (n,), µs."""
    window = recent.window
    asked = np.unique(ends - ends % window)
    asked = asked[asked - LASTING * window >= recent.began]
    if recent.rows.is_empty() or not len(asked):
        return Shifts(asked[:0], window)
    counts, baseline = Recent(recent, asked, suppressor), known.baseline
    found = []
    for side in (1.0, -1.0):
        keys, volumes = counts.keys(baseline, side), counts.volumes(baseline, side)
        some = _lasted(keys, known.lately, volume=False)
        every = _unsuppressed(
            _lasted(volumes, known.lately, volume=True), asked, baseline, suppressor
        )
        for lasted in (some, every):
            heard = side > 0 or counts.heard(lasted.at, code_groups(lasted.code))
            found.append(lasted if side > 0 else lasted.take(np.asarray(heard)))
    return Shifts(asked, window, tuple(lasted for lasted in found if len(lasted.at)))


def _lasted(stretches: Stretches, lately: Baseline, *, volume: bool) -> Lasted:
    """Of these stretches; ``lately``: what the last hour taught."""
    usual, bounded, side = stretches.usual, stretches.bounded, stretches.side
    # One standard deviation is less than LEAST_BITS, and most are within.
    at, which = np.nonzero(side * (bounded - usual.mean) > np.sqrt(usual.variance))
    codes, sums = usual.codes[which], bounded[at, which]
    bits = _bits(sums, usual.mean[which], usual.variance[which], side)
    learnt = lately.volumes if volume else lately.keys
    watched = lately.groups.look_up(code_groups(codes))
    again = np.flatnonzero(
        (bits >= LEAST_BITS) & (watched[:, WATCHED_STRETCHES] >= LATELY_STRETCHES)
    )
    moments = stretch_moments(learnt.look_up(codes[again]), watched[again])
    bits[again] = np.minimum(bits[again], _bits(sums[again], *moments, side))
    left = np.flatnonzero((bits >= LEAST_BITS) & (code_levels(codes) != Level.UNSPECIFIED))
    at, which = at[left], which[left]
    observed = stretches.observed[at, which]
    usually = usual.mean[which], usual.variance[which]
    return Lasted(side, volume, at, codes[left], observed, *usually, bits[left])


def _bits(counts: np.ndarray, mean: np.ndarray, variance: np.ndarray, side: float) -> np.ndarray:
    """Surprise of counts on one side, (n,); 0 on the other."""
    bits, where = tail_bits(counts, mean, variance, both=side < 0)
    return np.where(where == side, bits, 0.0)


def _unsuppressed(
    volumes: Lasted, ends: np.ndarray, baseline: Baseline, suppressor: Suppressor
) -> Lasted:
    """Those of which nothing is suppressed: what is usual of the rest in a stretch was not learnt."""
    left = suppressor.volumes(baseline, volumes.code, ends[volumes.at])
    return volumes.take(left[:, COUNT] == baseline.volumes.look_up(volumes.code)[:, COUNT])
