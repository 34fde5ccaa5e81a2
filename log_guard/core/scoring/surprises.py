"""Counts held against their history: each as a part of its window's score."""

from __future__ import annotations

import numpy as np

from log_guard.core.baseline.columns import COUNT, SQUARES
from log_guard.core.detectors.surprise import moments, tail_bits
from log_guard.core.scoring.parts import SURPRISE, Parts


def surprises(
    rows: np.ndarray,
    level: np.ndarray,
    template: np.ndarray,
    observed: np.ndarray,
    sums: np.ndarray,
    windows: np.ndarray,
    both: np.ndarray,
) -> Parts:
    """Parts of these counts; all arguments (n,), but for ``sums``.

    sums:     of the count over its history, columns as those of ``Baseline.keys``, (n, 4).
    windows:  how many windows of history these were.
    both:     whether too few would be a surprise, too.
    """
    mean, variance = moments(sums[:, [COUNT, SQUARES]], windows)
    bits, side = tail_bits(observed, mean, variance)
    upward, _ = tail_bits(observed, mean, variance, both=False)
    return Parts(
        row=rows,
        detector=np.full(len(rows), SURPRISE),
        level=level,
        template=template,
        count=observed,
        mean=mean,
        variance=variance,
        bits=np.where(both, bits, upward),
        side=np.where(both, side, 1.0),
        windows=np.ones(len(rows)),
        turn=np.zeros(len(rows)),
    )
