"""Parts: a score taken apart into the surprises of the counts that make it up.

Every score is the norm of parts: one part a key or a volume, its surprise in bits divided by what the
calibration gave its detector. So shares of the score add up, and the evidence is the score itself taken
apart, not a second opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.exact import exact

NOVELTY, SURPRISE, SHIFT = 0, 1, 2
KINDS = ("novelty", "surprise", "shift")
VOLUME_TEMPLATE = -1
"""Stands for 'no template': the part is a volume (a level's count, or all events)."""


@dataclass(frozen=True)
class Parts:
    """Surprises of counts, n of them, sorted by nothing in particular.

    row:       (n,) index of the window
    detector:  (n,) NOVELTY, SURPRISE or SHIFT
    level:     (n,) level, or ALL_LEVELS
    template:  (n,) template id, or VOLUME_TEMPLATE
    count:     (n,) observed
    mean, variance:  (n,) of the history, a window
    bits:      (n,) surprise
    side:      (n,) 1 too many, -1 too few
    windows:   (n,) how many windows the count is of: 1, or those of a stretch
    turn:      (n,) of a stretch: on the other side of so many events in its own window it would be no part of it
    """

    row: np.ndarray
    detector: np.ndarray
    level: np.ndarray
    template: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    bits: np.ndarray
    side: np.ndarray
    windows: np.ndarray
    turn: np.ndarray

    def take(self, chosen: np.ndarray) -> Parts:
        """Return the parts at these indexes."""
        return Parts(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @staticmethod
    def none() -> Parts:
        whole, real = np.empty(0, dtype=np.int64), np.empty(0)
        return Parts(*[whole] * 4, *[real] * 7)

    @staticmethod
    def join(parts: list[Parts]) -> Parts:
        return Parts(
            *(
                np.concatenate([getattr(p, name) for p in parts])
                for name in Parts.__dataclass_fields__
            )
        )


def detector_values(parts: Parts, rows: int) -> np.ndarray:
    """Norm of the bits of each detector, (rows, 3)."""
    squares = np.zeros((rows, len(KINDS)))
    np.add.at(squares, (parts.row, parts.detector), _square(parts.bits))
    return np.sqrt(squares)


def weighted_squares(parts: Parts, scale: np.ndarray) -> np.ndarray:
    """Squared contribution of each part, (n,), given the scales of the detectors, (3,)."""
    return _square(parts.bits / scale[parts.detector])


def _square(values: np.ndarray) -> np.ndarray:
    return exact(values * values)
