"""What is usual of a count in a **stretch**: the sum of ten tumbling windows.

Load wanders: counts of neighbouring windows depend on one another, so the spread of their sum is not that of
ten windows. It is learnt from the stretches of history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.columns import (
    COUNT,
    LONG_COUNT,
    LONG_SQUARES,
    SQUARES,
    STRETCHES,
    WATCHED_STRETCHES,
    WATCHED_WINDOWS,
)
from log_guard.core.baseline.keys import TROUBLED, code_groups, code_levels
from log_guard.core.baseline.table import Table, among
from log_guard.core.detectors.surprise import moments, usual_ranges
from log_guard.core.windows.spec import LASTING

OFTEN = 0.5
"""A count is judged by stretches if it is in at least this share of them."""
LEAST_STRETCHES = 4
"""Stretches of history below which nothing is told of them."""
EXPECTED_SPREAD, EXPECTED_STRETCHES = 2.0, 4.0
"""To be expected of the variance of a stretch is so many times that of windows which do not depend on one another;
that expectation is worth so many stretches."""


@dataclass(frozen=True)
class UsualStretches:
    """Counts that are in most stretches, (n,).

    codes:           of keys or of volumes, ascending
    low, high:       usual range in a window
    mean, variance:  of the sum of a stretch
    """

    codes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @staticmethod
    def of(table: Table, groups: Table) -> UsualStretches:
        """Of the counts of a baseline's ``keys`` or ``volumes``; ``groups``: its own."""
        watched = groups.look_up(code_groups(table.ids))
        stretches = watched[:, WATCHED_STRETCHES]
        often = table.sums[:, STRETCHES] >= OFTEN * stretches
        # Talk of trouble is no count of a window: it tells how rare such talk is.
        counted = code_levels(table.ids) != TROUBLED
        chosen = np.flatnonzero(often & counted & (stretches >= LEAST_STRETCHES))
        sums, windows = table.sums[chosen], watched[chosen, WATCHED_WINDOWS]
        low, high = usual_ranges(*moments(sums[:, [COUNT, SQUARES]], windows))
        mean, variance = stretch_moments(sums, watched[chosen])
        return UsualStretches(table.ids[chosen], low, high, mean, variance)

    def find(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of these codes, (k,), are among them, and where those are."""
        known = among(codes, self.codes)
        return known, np.searchsorted(self.codes, codes[known])


def stretch_moments(sums: np.ndarray, watched: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of stretches, (n,), from sums of keys or volumes, (n, 7), and of their groups, (n, 3)."""
    n = np.maximum(watched[:, WATCHED_STRETCHES], 1.0)
    _, of_window = moments(sums[:, [COUNT, SQUARES]], watched[:, WATCHED_WINDOWS])
    independent = LASTING * of_window
    squares = np.maximum(sums[:, LONG_SQUARES] - sums[:, LONG_COUNT] ** 2 / n, 0.0)
    expected = EXPECTED_STRETCHES * EXPECTED_SPREAD * independent
    spread = (squares + expected) / (n - 1.0 + EXPECTED_STRETCHES)
    mean = (sums[:, LONG_COUNT] + 0.5) / (n + 1.0 / LASTING)  # half an event in one more window
    return mean, np.maximum(spread, independent) * (1.0 + 1.0 / n) + (0.05 * mean) ** 2
