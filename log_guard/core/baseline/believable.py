"""How much of a count a running detector learns: as much as it believes.

What runs cannot look back over a whole history and leave the trouble in it out, as training does
(``learning/trimming.py``). A burst of errors that it learnt as it came would make the next one usual.
So of a severe count, or one of talk of trouble, that was more surprising than :data:`BELIEVED_BITS` it
learns the largest count that was not. What goes on is believed a little more each epoch.
That there was trouble is learnt as it was, and so are all other counts: load drifts, jobs have their numbers.
"""

from __future__ import annotations

import numpy as np

from log_guard.core.baseline.columns import COUNT, SQUARES
from log_guard.core.baseline.keys import code_groups
from log_guard.core.baseline.table import Table
from log_guard.core.detectors.surprise import moments, tail_bits

BELIEVED_BITS = 13.0
"""Once in three days of windows."""
LEAST_WINDOWS = 20
"""Windows of history below which everything is believed."""


def believed(codes: np.ndarray, counts: np.ndarray, known: Table, groups: Table) -> np.ndarray:
    """The counts of windows, (n,), as far as they are believed, at least 1.

    codes:   (n,) of keys or volumes.
    known:   what is known of them, columns as those of ``Baseline.keys``.
    groups:  as in ``Baseline.groups``.
    """
    windows = groups.look_up(code_groups(codes))[:, 1]
    mean, variance = moments(known.look_up(codes)[:, [COUNT, SQUARES]], windows)
    counts = counts.astype(float)
    bits, _ = tail_bits(counts, mean, variance, both=False)
    at = np.flatnonzero((bits > BELIEVED_BITS) & (windows >= LEAST_WINDOWS))
    if len(at):
        counts[at] = np.maximum(_largest(counts[at], mean[at], variance[at]), 1.0)
    return counts


def _largest(counts: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The largest counts, (n,), of no more surprise than is believed; ``counts`` are of more."""
    low, high = np.minimum(np.floor(mean), counts - 1.0), counts
    while (high - low > 1.0).any():
        middle = np.floor((low + high) / 2.0)
        bits, _ = tail_bits(middle, mean, variance, both=False)
        fits = bits <= BELIEVED_BITS
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    return np.asarray(low)
