"""How detectors speak: scikit-learn's outlier interface.

``fit(X)``, ``score_samples(X)`` (higher is more normal) and ``predict(X)`` (1 or -1), with X of shape
(windows, features). So any detector of scikit-learn, or of a library that follows it, plugs in by
its import path, and those here work in their tools. Nothing in a detector reads a clock.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any, Protocol

import numpy as np

from log_guard.errors import DetectorError, OptionError


class OutlierDetector(Protocol):
    """What is asked of a detector on the 30 features."""

    def fit(self, X: np.ndarray, y: None = None) -> Any: ...
    def score_samples(self, X: np.ndarray) -> np.ndarray: ...
    def predict(self, X: np.ndarray) -> np.ndarray: ...


def import_detector(path: str) -> OutlierDetector:
    """Make a detector from its import path, e.g. ``sklearn.ensemble.IsolationForest``.

    PyOD's detectors (``decision_function``, higher is *less* normal) are adapted. Raises
    :class:`OptionError` where the path leads to no detector, :class:`DetectorError` where its code fails,
    then or later.
    """
    make = _found(path)
    with _blaming(path, "cannot be made"):
        detector = make()
        if "random_state" in getattr(detector, "get_params", dict)():
            detector.set_params(random_state=0)  # equal logs, equal figures
    turned = not hasattr(detector, "score_samples") and hasattr(detector, "decision_function")
    for name in ("fit", "decision_function" if turned else "score_samples"):
        if not callable(getattr(detector, name, None)):
            raise OptionError(
                f"detector {path!r} has no {name}(X): it must follow scikit-learn's outlier interface"
            )
    return _Foreign(path, detector, turned)


def _found(path: str) -> Any:
    """What the path leads to, if it can be called without arguments."""
    module, _, name = path.rpartition(".")
    if not module or not all(map(str.isidentifier, path.split("."))):
        raise OptionError(f"detector {path!r}: write package.module.Class, with dots only")
    try:
        with _blaming(path, "cannot be imported", ImportError):
            found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        missing = getattr(error, "name", None) or ""
        repair = "install what it needs"
        if module == missing or module.startswith(f"{missing}."):
            repair = (
                "a module in the current directory is found with PYTHONPATH=. before the command"
            )
        raise OptionError(
            f"detector {path!r}: cannot be imported ({_flat(error)}); {repair}"
        ) from None
    if not callable(found):
        raise OptionError(
            f"detector {path!r}: {module} has no class {name!r}; write package.module.Class"
        )
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise OptionError(
            f"detector {path!r}: must be made without arguments ({error}); write a class of yours that fills them in"
        ) from None
    except ValueError:  # some compiled classes do not tell what they take
        pass
    return found


@contextmanager
def _blaming(path: str, what: str, *others: type[Exception]) -> Iterator[None]:
    """What a detector of somebody else raises is its own, and not a bug of ours.

    others:  pass as they are.
    """
    try:
        yield
    except others:
        raise
    except Exception as error:  # it is not our code that raises
        raise DetectorError(
            f"detector {path!r} {what}: {': '.join(filter(None, (type(error).__name__, _flat(error))))}{_place(error)}"
        ) from error


def _flat(error: Exception) -> str:
    return " ".join(str(error).split())


def _place(error: Exception) -> str:
    """The last line of its traceback, which is what the detector's author needs of it; none of ours."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    code = frame.f_code
    if code.co_filename == __file__ or isinstance(error, SyntaxError):  # that one tells it itself
        return ""
    file = re.split(r"[\\/]", code.co_filename)[-1]
    return f" (in {code.co_name}, {file} line {line})"


class _Foreign:
    """A detector of somebody else: its scores the right way round, held to what was asked for.

    turned:  it scores as PyOD's do.
    """

    def __init__(self, path: str, detector: Any, turned: bool) -> None:
        self.path = path
        self.detector = detector
        self.turned = turned

    def fit(self, X: np.ndarray, y: None = None) -> _Foreign:
        with _blaming(self.path, "cannot be fitted"):
            self.detector.fit(X)
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        with _blaming(self.path, "cannot score"):
            given = (
                self.detector.decision_function(X)
                if self.turned
                else self.detector.score_samples(X)
            )
        if given is None:
            raise self._useless("nothing", len(X))
        try:
            scores = np.asarray(given, dtype=float)
        except (TypeError, ValueError):
            raise self._useless("no numbers", len(X)) from None
        if scores.shape != (len(X),):
            raise self._useless(f"scores of shape {scores.shape}", len(X))
        wrong = int(np.count_nonzero(~np.isfinite(scores)))
        if wrong:
            raise self._useless(f"{wrong} that are not finite (NaN or infinite)", len(X))
        return -scores if self.turned else scores

    def predict(self, X: np.ndarray) -> np.ndarray:
        with _blaming(self.path, "cannot predict"):
            verdicts = np.asarray(self.detector.predict(X))
        return np.where(verdicts == 1, -1, 1) if self.turned else verdicts

    def _useless(self, given: str, windows: int) -> DetectorError:
        name = "decision_function" if self.turned else "score_samples"
        return DetectorError(
            f"detector {self.path!r}: {name} was given {windows} windows and gave {given}; it must give a finite number "
            f"for each, in an array of shape ({windows},)"
        )


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
        values = -detector.score_samples(features)
        middle, high = np.quantile(values, [0.5, 0.995])
        return Outlier(detector, float(middle), float(high))

    def ratio(self, features: np.ndarray) -> np.ndarray:
        """Monotone in the detector's score, (windows,), 0 or more; 1 or more above the threshold.

        Not at it: of a detector that gives most windows the same score, that is the usual one.
        """
        values = -self.detector.score_samples(features)
        spread = max(self.threshold - self.middle, 1e-9)
        ratio = np.exp2(np.clip((values - self.threshold) / spread, -60.0, 60.0))
        return np.where(values > self.threshold, ratio, np.minimum(ratio, np.nextafter(1.0, 0.0)))
