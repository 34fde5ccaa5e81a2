"""What was learnt from history: everything that scoring needs, as arrays and plain values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.detectors.density import InductiveDBSCAN
from log_guard.core.features import FEATURES
from log_guard.core.features.text import TextModel

FORMAT_VERSION = 5


@dataclass(frozen=True)
class Training:
    """Where a model comes from.

    start, end:  span of event time learnt from, µs.
    digest:      SHA-256 of the summaries learnt from: equal data, equal digest.
    blocks:      blocks of history whose maxima calibrated the thresholds.
    block:       their length, µs.
    unusual:     windows of the history that are not normal by the rest of it: their trouble was not
                 learnt.
    worst:       end of the most unusual of them, µs; None where there is none.
    """

    start: int
    end: int
    events: int
    windows: int
    digest: str
    blocks: int
    block: int
    unusual: int = 0
    worst: int | None = None


@dataclass(frozen=True)
class Scales:
    """What each detector's value is divided by, so that 1 is the threshold, bits."""

    novelty: float
    surprise: float
    shift: float

    def as_array(self) -> np.ndarray:
        """(3,), in the order of ``parts.KINDS``."""
        return np.array([self.novelty, self.surprise, self.shift])


NEVER = 1e9
"""A threshold that nothing passes, bits."""
FIRST_SCALES = Scales(novelty=NEVER, surprise=40.0, shift=NEVER)
"""Before there is a history to calibrate by: nothing is new yet, and a count must be one that a steady
stream shows in one window of 2**40."""


@dataclass(frozen=True)
class Model:
    """A trained model. ``groups`` and ``templates`` give the meaning of the ids in it."""

    window: int
    slide: int
    group_by: tuple[str, ...]
    false_alarms_per_day: float
    groups: tuple[str, ...]
    templates: tuple[str, ...]
    baseline: Baseline
    scales: Scales
    text: TextModel
    density: InductiveDBSCAN
    training: Training
    features: tuple[str, ...] = field(default=FEATURES)

    @property
    def version(self) -> str:
        """Name of the model: a function of what it learnt from, and of the thresholds that it came to."""
        return version_of(self.training.digest, self.false_alarms_per_day, self.scales)


def version_of(digest: str, false_alarms_per_day: float, scales: Scales) -> str:
    """12 hexadecimal digits; other feedback or another budget make other thresholds of the same events."""
    said = (
        f"{digest} {false_alarms_per_day!r} {scales.novelty!r} {scales.surprise!r} {scales.shift!r}"
    )
    return hashlib.sha256(said.encode()).hexdigest()[:12]
