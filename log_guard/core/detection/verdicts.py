"""Windows → results, each by the model and the baseline that were there for its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from log_guard.core.baseline.baseline import Known
from log_guard.core.detection.eras import Era, Eras
from log_guard.core.detection.judge import Judge
from log_guard.core.features.window import window_features
from log_guard.core.learning.model import FIRST_SCALES
from log_guard.core.results import Result
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WindowBatch, Windows
from log_guard.errors import DetectorError


@dataclass(frozen=True)
class Verdicts:
    """Who judges what.

    warming:       how far the warm-up is at an event time (µs); None where it cannot be told.
    show_warm_up:  whether windows before any judgement give results, too.
    """

    eras: Eras
    windows: Windows
    groups: Vocabulary
    warming: Callable[[int], str | None]
    show_warm_up: bool

    def of(self, batch: WindowBatch, revision: int) -> list[Result]:
        """Results of a batch, which may span several eras."""
        results: list[Result] = []
        for mask, era in self.eras.judging(batch.rows["end"].to_numpy()):
            results += self._of_era(batch.only(mask), era, revision)
        return results

    def _of_era(self, batch: WindowBatch, era: Era | None, revision: int) -> list[Result]:
        if era is None:
            return self._unjudged(batch, revision) if self.show_warm_up else []
        by_age = era.memory.judging(batch.rows["end"].to_numpy())
        judged = [
            result
            for mask, known in by_age
            for result in self._judged(era.judge, batch.only(mask), known, revision)
        ]
        if era.judge.model.scales != FIRST_SCALES:
            return judged
        return [replace(result, warming=self.warming(result.window_end)) for result in judged]

    def _judged(
        self, judge: Judge, batch: WindowBatch, known: Known, revision: int
    ) -> list[Result]:
        """Judge a batch; a window on which that fails gets a result that says so, and not a hole."""
        try:
            return judge.judge(batch, known, self.windows, revision)
        except DetectorError:
            raise  # what its author is to mend is not to look like windows of a quiet log
        except Exception as e:  # noqa: BLE001  # a bug of ours must not stop the stream
            if batch.rows.height == 1:
                return self._unjudged(batch, revision, f"{type(e).__name__}: {e}")
        alone = np.eye(batch.rows.height, dtype=bool)
        return [
            result
            for one in alone
            for result in self._judged(judge, batch.only(one), known, revision)
        ]

    def _unjudged(
        self, batch: WindowBatch, revision: int, error: str | None = None
    ) -> list[Result]:
        features = window_features(batch, None)
        return [
            Result(
                end - self.windows.spec.window,
                end,
                self.groups.words[group],
                revision,
                batch.final,
                False,
                0.0,
                features[row],
                warming=None if error else self.warming(end),
                error=error,
            )
            for row, (end, group) in enumerate(batch.rows.select("end", "group").iter_rows())
        ]
