"""What a running detector learns, and when: models by training, from then on by its memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.baseline.memory import Memory
from log_guard.core.detection.eras import FOREVER, Era, Eras
from log_guard.core.detection.judge import Judge
from log_guard.core.detection.options import DetectOptions
from log_guard.core.detection.schedule import Schedule
from log_guard.core.detectors.base import Outlier, OutlierDetector
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.learning.history import History, history_features
from log_guard.core.learning.model import FIRST_SCALES, Model
from log_guard.core.learning.training import train
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import Windows

STEADY_SECONDS = 3_600.0
"""A processor that begins with nothing counts on its load being other than what it has seen so far
for about so long."""


class Learner:
    """Learns from the windows that have closed, and knows who judges which of them.

    groups, templates:  the tables of the ids in ``windows``.
    outlier:            as in ``Detect``.
    """

    def __init__(
        self,
        windows: Windows,
        groups: Vocabulary,
        templates: Templates,
        options: DetectOptions,
        outlier: OutlierDetector | Outlier | None,
    ) -> None:
        self.windows = windows
        self.groups = groups
        self.templates = templates
        self.options = options
        self.feedback = options.feedback
        self.schedule = Schedule(windows.spec, options.train_until, options.least_windows)
        self.eras = Eras(windows.spec)
        self._outlier = outlier

    @property
    def model(self) -> Model | None:
        """The model that judges now; None during the warm-up."""
        era = self.eras.latest
        return era.judge.model if era else None

    @property
    def due(self) -> int | None:
        """Event time (µs) of the next training; None if there is none to come."""
        return self.schedule.due(self.windows.began, trained=self.model is not None)

    def follow(self, model: Model) -> None:
        """Judge by this model, of our ids, all windows that are not published yet; train no more."""
        self.schedule.give()
        self._install(model, self.windows.closed)

    def heed(self, feedback: Feedback) -> None:
        """Let this feedback hold in place of the one before."""
        self.feedback = feedback
        self.eras.rejudge(self._judge_of)

    def learn(self, start: int, end: int) -> None:
        """Learn from the panes of ``[start, end)``, µs, which have closed."""
        panes = self.windows.closed_panes(start, end)
        due = self.due
        if due is not None:
            self.schedule.keep(panes, start)
            if end >= due:
                self._train(end)
                return
        era = self.eras.latest
        if era is not None and era.memory.learn(panes, self.templates, start, end):
            self._compact()

    def state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Plain values, and frames, models and memories as named parts."""
        kept, histories = self.schedule.state()
        starts, eras = self.eras.state()
        return {**kept, "eras_from": starts, "feedback": self.feedback}, {**histories, **eras}

    def restore(self, kept: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.feedback = kept["feedback"]
        self.schedule.restore(kept, parts)
        self.eras.restore(kept["eras_from"], parts, self._judge_of)

    def _train(self, now: int) -> None:
        """Learn from all that is kept: once at the time that is given, or anew when it has doubled."""
        if self.options.train_until is not None:
            self._install(self._fit(self.schedule.history(), now, self.options.least_windows), now)
            self.schedule.forget()
            return
        began, window = self.windows.began, self.windows.spec.window
        assert began is not None  # there would be no training to come
        least = self.options.least_windows
        early = now - began < least * window
        needed = self.schedule.first_windows if early else least
        panes = self.schedule.history()
        if (
            not panes.is_empty()
            and int(panes["pane"].to_numpy().max()) - began >= (needed - 1) * window
        ):
            model = self._fit(panes, now, needed)
            self._install(replace(model, scales=FIRST_SCALES) if early else model, now)
        self.schedule.next = began + least * window if early else now + (now - began)

    def _fit(self, panes: pl.DataFrame, until: int, least_windows: int) -> Model:
        return train(
            History(panes, self.groups, self.templates, until),
            self.windows.spec,
            false_alarms_per_day=self.options.false_alarms_per_day,
            group_by=self.options.group_by,
            least_windows=least_windows,
            feedback=self.feedback,
            steady_seconds=STEADY_SECONDS if self.options.train_until is None else 0.0,
        )

    def _install(self, model: Model, now: int | None) -> None:
        outlier = self._outlier
        if outlier is not None and not isinstance(outlier, Outlier):
            history = History(self.schedule.history(), self.groups, self.templates)
            outlier = Outlier.fit(outlier, history_features(history, self.windows.spec, model.text))
        judge = self._judge_of(model, outlier)
        since = dict.fromkeys(model.baseline.groups.ids.tolist(), model.training.start)
        remembered = 3 + self.windows.spec.max_lateness // EPOCH
        start = FOREVER if now is None else now
        memory = Memory(model.baseline, since, start, self.windows.spec.window, remembered)
        self.eras.begin(start, Era(judge, memory))

    def _judge_of(self, model: Model, outlier: Outlier | None = None) -> Judge:
        return Judge(
            model,
            self.groups,
            self.templates,
            self.options.detector,
            outlier,
            self.feedback.suppressions,
        )

    def _compact(self) -> None:
        """Forget the templates that nothing refers to any more, once the table is over its bound."""
        if len(self.templates) <= self.options.max_templates:
            return
        eras = self.eras.trained
        used = [self.windows.used_templates(), *(era.memory.used_templates() for era in eras)]
        mapping = self.templates.keep(np.concatenate([*used, *self.schedule.used_templates()]))
        for era in eras:
            era.memory.rename_templates(mapping)
            era.judge.forget_vectors()
        self.windows.rename_templates(mapping)
        self.schedule.rename_templates(mapping)
