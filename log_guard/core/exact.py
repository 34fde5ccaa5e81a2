"""Numbers whose sums are exact: whole multiples of 2**-20 (record 9)."""

from __future__ import annotations

import numpy as np

_UNIT = float(1 << 20)


def exact(values: np.ndarray) -> np.ndarray:
    """Round to whole multiples of 2**-20: float64 adds up such numbers exactly, in any order."""
    return np.asarray(np.round(values * _UNIT) / _UNIT)
