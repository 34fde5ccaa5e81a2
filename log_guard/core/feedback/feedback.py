"""What people have said about alerts: what is fine, what was an incident, what was noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from log_guard.core.feedback.suppression import Suppression


@dataclass(frozen=True)
class Label:
    """A person's word on a span of event time, ``[start, end)`` in µs.

    real:     it was an incident; else it was noise.
    service:  of this group only; empty: of all.
    """

    start: int
    end: int
    real: bool
    reason: str
    author: str
    service: str = ""

    def about(self, start: int, end: int, services: tuple[str, ...]) -> bool:
        """Whether it speaks of an alert of this span and these services."""
        same = not self.service or self.service in services
        return same and start < self.end and end > self.start


@dataclass(frozen=True)
class Feedback:
    """The feedback file."""

    suppressions: tuple[Suppression, ...] = ()
    labels: tuple[Label, ...] = ()

    def without(self, suppression: Suppression) -> Feedback:
        """All but this entry (the object: an equal one stays)."""
        others = tuple(one for one in self.suppressions if one is not suppression)
        return replace(self, suppressions=others)

    def during_incident(self, starts: np.ndarray, length: int) -> npt.NDArray[np.bool_]:
        """Which spans ``[start, start + length)`` touch an incident, (n,): those teach nothing."""
        out = np.zeros(len(starts), dtype=bool)
        for label in self.labels:
            if label.real:
                out |= (starts < label.end) & (starts + length > label.start)
        return out
