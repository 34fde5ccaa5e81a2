"""Summaries and watermarks in, results out: a fold. Same records in, same results out; no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.detection.learner import Learner
from log_guard.core.detection.options import DetectOptions
from log_guard.core.detection.verdicts import Verdicts
from log_guard.core.detectors.base import Outlier, OutlierDetector
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.learning.model import Model
from log_guard.core.learning.translation import translated
from log_guard.core.results import Result
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WindowBatch, Windows, WindowSpec
from log_guard.errors import OptionError


class Detect:
    """The detector of one partition: its windows, and what it has learnt to judge them by.

    model:    judge by this one, and do not train.
    outlier:  a detector on the 30 features, to score in place of the own ones; it is fitted in the
              first training, where it has not been fitted yet.
    """

    def __init__(
        self,
        spec: WindowSpec,
        options: DetectOptions | None = None,
        model: Model | None = None,
        outlier: OutlierDetector | Outlier | None = None,
    ) -> None:
        self.spec = spec
        self.options = options or DetectOptions()
        self.groups = Vocabulary(model.groups if model else ())
        self.templates = Templates(model.templates if model else ())
        self._outlier = outlier
        self._begin()
        if model is not None:
            self.learner.follow(model)

    def _begin(self) -> None:
        """Begin with these tables of groups and templates."""
        self.windows = Windows(
            self.spec, self.groups, self.templates, max_groups=self.options.max_groups
        )
        self.learner = Learner(
            self.windows, self.groups, self.templates, self.options, self._outlier
        )

    @property
    def model(self) -> Model | None:
        """The model that judges now; None during the warm-up."""
        return self.learner.model

    @property
    def feedback(self) -> Feedback:
        """What people have said that holds now."""
        return self.learner.feedback

    @property
    def promised(self) -> float:
        """False alarms a day that the model's thresholds are for."""
        model = self.model
        return self.options.false_alarms_per_day if model is None else model.false_alarms_per_day

    @property
    def dropped_history(self) -> int:
        """Rows of history that its bound has dropped."""
        return self.learner.schedule.dropped

    @property
    def dropped_keys(self) -> int:
        """Keys of the baseline that its bound has dropped."""
        era = self.learner.eras.latest
        return era.memory.dropped if era else 0

    @property
    def crowded(self) -> int:
        """Events counted under ``<other services>``, for there was no more room for their groups."""
        return self.windows.admission.crowded

    def warming(self, end: int) -> str | None:
        """How far the warm-up is at this event time, e.g. ``7/20`` windows; None before the first event."""
        if self.windows.began is None:
            return None
        window = self.spec.window
        total = self.options.least_windows
        if self.options.train_until is not None:
            total = max((self.options.train_until - self.windows.began) // window, 1)
        return f"{min(max(end - self.windows.began, 0) // window, total)}/{total}"

    def state(self) -> dict[str, Any]:
        """Everything that later results depend on, as named parts; the settings are not in it.

        Parts that have not changed are equal, so that whoever stores them can leave them out.
        """
        if self._outlier is not None:
            raise OptionError("a detector by import path cannot be kept over a restart")
        kept, parts = self.learner.state()
        return {
            "detect": {"groups": self.groups.words, **kept},
            "templates": self.templates.words,
            "windows": self.windows.state(),
            **parts,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a detector with the same settings."""
        self.groups = Vocabulary(state["detect"]["groups"])
        self.templates = Templates(state["templates"])
        self._begin()
        self.windows.restore(state["windows"])
        self.learner.restore(state["detect"], state)

    def switch(self, model: Model) -> None:
        """Judge by this model all windows that end after those published so far, and train no more.

        Earlier windows, where late events revise them, are judged by what judged them first.
        """
        self.learner.follow(translated(model, self.groups, self.templates))

    def heed(self, feedback: Feedback) -> None:
        """Let this feedback hold in place of the one before, for all that is judged or learnt from now on."""
        self.learner.heed(feedback)

    def add(self, summary: pl.DataFrame) -> None:
        """Take in a summary."""
        self.windows.add(summary)

    def advance(self, watermark: int, revision: int) -> list[Result]:
        """Publish all windows that end at or below the watermark (µs)."""
        results: list[Result] = []
        while (at := self.windows.frontier) is not None:
            stop = min(self._next_stop(at, watermark), watermark)
            batch = self.windows.close(stop)
            if batch is not None:
                results += self._judge(batch, revision)
            closed = self.windows.closed
            if closed is not None and closed > at:
                self.learner.learn(at, closed)
            if stop >= watermark:
                break
        return results

    def finish(self, revision: int) -> list[Result]:
        """Publish what is still open, at the end of the stream, as not final."""
        batch = self.windows.flush()
        return [] if batch is None else self._judge(batch, revision)

    def open_windows(self, revision: int) -> list[Result]:
        """All windows that are still open, judged as they stand; not final, and nothing changes."""
        batch = self.windows.peek()
        return [] if batch is None else self._judge(batch, revision)

    def peek(self, revision: int, groups: Sequence[int] | None = None) -> list[Result]:
        """Early verdicts: open windows that are anomalous already, by evidence that can only grow.

        groups:  ids of the groups to look at; None: all.
        """
        batch = self.windows.peek(groups) if self.model is not None else None
        return [] if batch is None else [r for r in self._judge(batch, revision) if r.is_anomaly]

    def _judge(self, batch: WindowBatch, revision: int) -> list[Result]:
        verdicts = Verdicts(
            self.learner.eras, self.windows, self.groups, self.warming, self.options.show_warm_up
        )
        return verdicts.of(batch, revision)

    def _next_stop(self, at: int, watermark: int) -> int:
        """Where to pause: at the end of the epoch, for a training, or past a gap in one step."""
        stop = self._pane_end(at - at % EPOCH + EPOCH)
        if self.windows.is_idle(at):
            following = self.windows.next_pane(at)
            beyond = watermark if following is None else min(following, watermark)
            stop = max(stop, self._pane_end(beyond - beyond % EPOCH))
        due = self.learner.due
        return min(stop, due) if due is not None and due > at else stop

    def _pane_end(self, time: int) -> int:
        """The first end of a pane at or after this time: a stop before it closes nothing."""
        return time + (-time) % self.windows.spec.slide
