"""How detectors speak: scikit-learn's outlier interface.

``fit(X)``, ``score_samples(X)`` (higher is more normal) and ``predict(X)`` (1 or -1), with X of shape
(windows, features). So any detector of scikit-learn, or of a library that follows it, plugs in by
its import path, and those here work in their tools. Nothing in a detector reads a clock.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from log_guard.errors import OptionError


class OutlierDetector(Protocol):
    """What is asked of a detector on the 30 features."""

    def fit(self, X: np.ndarray, y: None = None) -> Any: ...
    def score_samples(self, X: np.ndarray) -> np.ndarray: ...
    def predict(self, X: np.ndarray) -> np.ndarray: ...


def import_detector(path: str) -> OutlierDetector:
    """Make a detector from its import path, e.g. ``sklearn.ensemble.IsolationForest``.

    PyOD's detectors (``decision_function``, higher is *less* normal) are adapted. Raises
    :class:`OptionError` where the path leads to no detector.
    """
    module, _, name = path.rpartition(".")
    try:
        detector = getattr(importlib.import_module(module), name)()
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise OptionError(
            f"detector {path!r}: cannot be imported and made without arguments ({error})"
        ) from None
    if "random_state" in getattr(detector, "get_params", dict)():
        detector.set_params(random_state=0)  # equal logs, equal figures
    if not hasattr(detector, "score_samples") and hasattr(detector, "decision_function"):
        return _Pyod(detector)
    if not hasattr(detector, "score_samples"):
        raise OptionError(
            f"detector {path!r} has no score_samples(X): it must follow scikit-learn's outlier interface"
        )
    found: OutlierDetector = detector
    return found


class _Pyod:
    """PyOD's outlier scores turned the right way round."""

    def __init__(self, detector: Any) -> None:
        self.detector = detector

    def fit(self, X: np.ndarray, y: None = None) -> _Pyod:
        self.detector.fit(X)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        return -np.asarray(self.detector.decision_function(X), dtype=float)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(self.detector.predict(X)) == 1, -1, 1)


@dataclass(frozen=True)
class Outlier:
    """A fitted detector of the user's own, on a scale where 1 is its threshold.

    middle, threshold:  median and 99.5 % quantile of its values in history, higher being less normal.
    """

    detector: OutlierDetector
    middle: float
    threshold: float

    @staticmethod
    def fit(detector: OutlierDetector, features: np.ndarray) -> Outlier:
        """Fit a detector on the features of history, (windows, 30)."""
        detector.fit(features)
        values = -np.asarray(detector.score_samples(features), dtype=float)
        middle, high = np.quantile(values, [0.5, 0.995])
        return Outlier(detector, float(middle), float(high))

    def ratio(self, features: np.ndarray) -> np.ndarray:
        """Monotone in the detector's score, (windows,), 0 or more; 1 at the threshold."""
        values = -np.asarray(self.detector.score_samples(features), dtype=float)
        spread = max(self.threshold - self.middle, 1e-9)
        return np.asarray(np.exp2(np.clip((values - self.threshold) / spread, -60.0, 60.0)))
