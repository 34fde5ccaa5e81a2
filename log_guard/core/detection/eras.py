"""Who judges which window: a judge and a memory from each training, or change of model, to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from log_guard.core.baseline.memory import Memory
from log_guard.core.detection.judge import Judge
from log_guard.core.learning.model import Model
from log_guard.core.windows import WindowSpec

FOREVER = -(1 << 62)
"""Start of an era that judges all windows there are."""


@dataclass(frozen=True)
class Era:
    """Who judges the windows that end after a training and not after the next."""

    judge: Judge
    memory: Memory


class Eras:
    """Eras by the event time (µs) at which they begin; None: nobody judges yet."""

    def __init__(self, spec: WindowSpec) -> None:
        self.spec = spec
        self._eras: list[Era | None] = [None]
        self._from = [FOREVER]

    @property
    def latest(self) -> Era | None:
        """The era of the newest windows."""
        return self._eras[-1]

    @property
    def trained(self) -> list[Era]:
        """Those in which somebody judges, oldest first."""
        return [era for era in self._eras if era is not None]

    def begin(self, start: int, era: Era) -> None:
        """Judge by it from now on; keep the eras whose windows may still be revised."""
        oldest = start - self.spec.max_lateness - self.spec.window
        kept = max(int(np.searchsorted(self._from, oldest, side="left")) - 1, 0)
        if self._from[-1] == start:
            kept = len(self._eras)
        self._eras = [*self._eras[kept:], era]
        self._from = [*self._from[kept:], start]

    def rejudge(self, judge_of: Callable[[Model], Judge]) -> None:
        """Put another judge of the same model in every era."""
        self._eras = [era and Era(judge_of(era.judge.model), era.memory) for era in self._eras]

    def judging(self, ends: np.ndarray) -> Iterator[tuple[np.ndarray, Era | None]]:
        """Eras of windows by their ends, (n,): pairs of a mask over the windows and the era."""
        at = np.searchsorted(self._from, ends, side="left") - 1
        for i in np.unique(at).tolist():
            yield at == i, self._eras[i]

    def state(self) -> tuple[list[int], dict[str, Any]]:
        """Starts, and a model and a memory for each era as named parts."""
        return self._from, {
            **{f"model-{i}": era and era.judge.model for i, era in enumerate(self._eras)},
            **{f"memory-{i}": era and era.memory for i, era in enumerate(self._eras)},
        }

    def restore(
        self, starts: list[int], parts: Mapping[str, Any], judge_of: Callable[[Model], Judge]
    ) -> None:
        """Go on from a state; ``judge_of`` makes a judge that applies a model."""
        self._from = starts
        eras = [(parts[f"model-{i}"], parts[f"memory-{i}"]) for i in range(len(starts))]
        self._eras = [model and Era(judge_of(model), memory) for model, memory in eras]
