"""How long a silence must be to be told for its length, by how long the gaps of its group were.

A device that logs once a minute says so little in a window that no silence of minutes is a surprise, window by
window. Its gaps are: none was ever longer than two minutes. How often gaps are longer than the longest that was seen is
extrapolated by a power law, the heaviest tail that the gaps seen allow, and never a lighter one than that of
:data:`STEEPEST`: what sleeps now and then sleeps longer some day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.columns import GAPS, LENGTHS, WATCHED_WINDOWS
from log_guard.core.baseline.gaps import GAP_LENGTHS
from log_guard.core.events import SECOND

SHARE = 0.1
"""Of the promised false alarms: what silences that are told for their length may come to, of all groups together."""
FLATTEST, STEEPEST = 1.0, 3.0
"""Bounds of the exponent of the power law."""
FITTED = 3
"""Lengths, each twice the one before, that it is taken from."""
BEYOND = 2.0
"""No silence is told for its length that is not so many times as long as every gap that was seen."""
DAY = 86_400.0 * SECOND


@dataclass(frozen=True)
class Telling:
    """By what a model tells a long silence.

    bits:   of a surprise that is an alarm.
    a_day:  false alarms a day that are promised.
    """

    bits: float
    a_day: float


def told_from(baseline: Baseline, groups: np.ndarray, window: int, a_day: float) -> np.ndarray:
    """Length, µs, from which on a silence of these groups, (n,), is told; infinite where no gaps are known."""
    known = baseline.groups.look_up(groups)
    gaps, watched = known[:, GAPS:], known[:, WATCHED_WINDOWS] * window / DAY
    reached = (gaps > 0).sum(axis=1)  # lengths that some gap had
    row = np.arange(len(groups))
    lowest = np.maximum(reached - FITTED, 0)
    fitted = np.log2(gaps[row, np.minimum(lowest, LENGTHS - 1)] + 1.0)
    exponent = np.clip(fitted / np.maximum(reached - lowest, 1), FLATTEST, STEEPEST)
    longest = float(GAP_LENGTHS[0]) * 2.0**reached
    # None was so long: once, had it been watched for as long again.
    often = 1.0 / np.maximum(watched, 1e-9)
    allowed = SHARE * a_day / max(len(baseline.groups.ids), 1)
    times = np.maximum(often / allowed, 1.0) ** (1.0 / exponent)
    return np.asarray(np.where(reached > 0, longest * np.maximum(times, BEYOND), np.inf))


def bits_for_length(
    baseline: Baseline, groups: np.ndarray, lasted: np.ndarray, window: int, telling: Telling
) -> np.ndarray:
    """Surprise of silences of these groups and lengths, (n,) µs: an alarm as soon as it is told for its length.

    From then on it grows by a tenth as the silence doubles.
    """
    over = lasted / told_from(baseline, groups, window, telling.a_day)
    grown = 1.0 + 0.1 * np.log2(np.maximum(over, 1.0))
    return np.asarray(np.where(over >= 1.0, telling.bits * grown, 0.0))
