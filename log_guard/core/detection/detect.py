"""Summaries and watermarks in, results out: a fold. Same records in, same results out; no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.baseline.memory import MAX_KEYS, Memory
from log_guard.core.detection.eras import FOREVER, Era, Eras
from log_guard.core.detection.judge import Judge, Outlier
from log_guard.core.detection.schedule import Schedule
from log_guard.core.detection.verdicts import Verdicts
from log_guard.core.detectors.base import OutlierDetector
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.learning.history import History, history_features
from log_guard.core.learning.model import FIRST_SCALES, Model
from log_guard.core.learning.training import train
from log_guard.core.learning.translation import translated
from log_guard.core.results import Result
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WindowBatch, Windows, WindowSpec
from log_guard.core.windows.admission import MAX_GROUPS
from log_guard.errors import OptionError

WARM_WINDOWS = 10
"""Windows to learn from before anything is judged, where no model and no training span is given."""
STEADY_SECONDS = 3_600.0
"""A processor that begins with nothing counts on its load being other than what it has seen so far
for about so long."""


@dataclass(frozen=True)
class DetectOptions:
    """How to judge.

    detector:      a name of ``judge.DETECTORS``.
    train_until:   learn from what lies before this event time, µs. None: from the first
                   windows, and again each time the history has doubled.
    max_templates: bound on the table of templates.
    max_groups:    bound on the groups that have windows of their own.
    least_windows: a history must span at least so many windows to be learnt from; before that,
                   bursts of errors and silence are judged by the few windows there are.
    show_warm_up:  publish the windows before any judgement too.
    feedback:      what people have said is fine, and what was an incident.
    """

    detector: str = "fusion"
    train_until: int | None = None
    false_alarms_per_day: float = 2.0
    group_by: tuple[str, ...] = ("service",)
    max_templates: int = MAX_KEYS
    max_groups: int = MAX_GROUPS
    least_windows: int = WARM_WINDOWS
    show_warm_up: bool = True
    feedback: Feedback = field(default_factory=Feedback)


class Detect:
    """The detector of one partition: windows, what it has learnt, and when it learns.

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
        self.feedback = self.options.feedback
        self.groups = Vocabulary(model.groups if model else ())
        self.templates = Templates(model.templates if model else ())
        self.windows = Windows(
            spec, self.groups, self.templates, max_groups=self.options.max_groups
        )
        self._outlier = outlier
        self._schedule = Schedule(spec, self.options.train_until, self.options.least_windows)
        self._schedule.given = model is not None
        self._eras = Eras(spec)
        if model is not None:
            self._install(model, None)

    @property
    def model(self) -> Model | None:
        """The model that judges now; None during the warm-up."""
        era = self._eras.latest
        return era.judge.model if era else None

    @property
    def promised(self) -> float:
        """False alarms a day that the model's thresholds are for."""
        model = self.model
        return self.options.false_alarms_per_day if model is None else model.false_alarms_per_day

    @property
    def dropped_history(self) -> int:
        """Rows of history that its bound has dropped."""
        return self._schedule.dropped

    @property
    def dropped_keys(self) -> int:
        """Keys of the baseline that its bound has dropped."""
        era = self._eras.latest
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
        schedule, eras = self._schedule, self._eras.state()
        return {
            "detect": {
                "groups": self.groups.words,
                "dropped_history": schedule.dropped,
                "popped": schedule.popped,
                "history": len(schedule.kept),
                "next_training": schedule.next,
                "given": schedule.given,
                "eras_from": eras.pop("eras_from"),
                "feedback": self.feedback,
            },
            "templates": self.templates.words,
            "windows": self.windows.state(),
            **{f"history-{schedule.popped + i}": panes for i, panes in enumerate(schedule.kept)},
            **eras,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a detector with the same settings."""
        kept = state["detect"]
        self.groups = Vocabulary(kept["groups"])
        self.templates = Templates(state["templates"])
        self.windows = Windows(
            self.spec, self.groups, self.templates, max_groups=self.options.max_groups
        )
        self.windows.restore(state["windows"])
        schedule, starts = self._schedule, kept["eras_from"]
        self.feedback = kept["feedback"]
        schedule.dropped, schedule.popped = kept["dropped_history"], kept["popped"]
        schedule.kept = [state[f"history-{schedule.popped + i}"] for i in range(kept["history"])]
        schedule.next, schedule.given = kept["next_training"], kept["given"]
        models = {i: state[f"model-{i}"] for i in range(len(starts))}
        judges = {i: self._judge_of(model) for i, model in models.items() if model is not None}
        self._eras.restore(starts, state, judges)

    def switch(self, model: Model) -> None:
        """Judge by this model all windows that end after those published so far, and train no more.

        Earlier windows, where late events revise them, are judged by what judged them first.
        """
        self._schedule.given = True
        self._schedule.forget()
        self._install(translated(model, self.groups, self.templates), self.windows.closed)

    def heed(self, feedback: Feedback) -> None:
        """Let this feedback hold in place of the one before, for all that is judged or learnt from now on."""
        self.feedback = feedback
        self._eras.rejudge(self._judge_of)

    def add(self, summary: pl.DataFrame) -> None:
        """Take in a summary."""
        self.windows.add(summary)

    def advance(self, watermark: int, revision: int) -> list[Result]:
        """Publish all windows that end at or below the watermark (µs)."""
        results: list[Result] = []
        while self.windows.began is not None:
            at = self.windows.closed if self.windows.closed is not None else self.windows.began
            stop = min(self._next_stop(at, watermark), watermark)
            batch = self.windows.close(stop)
            if batch is not None:
                results += self._judge(batch, revision)
            closed = self.windows.closed
            if closed is not None and closed > at:
                self._learn(at, closed)
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
            self._eras, self.windows, self.groups, self.warming, self.options.show_warm_up
        )
        return verdicts.of(batch, revision)

    def _next_stop(self, at: int, watermark: int) -> int:
        """Where to pause: at the end of the epoch, for a training, or past a gap in one step."""
        stop = at - at % EPOCH + EPOCH
        newest = self.windows.newest_pane
        if newest is not None and at - newest > self.spec.silence_shown + self.spec.window:
            following = self.windows.next_pane(at)
            beyond = watermark if following is None else min(following, watermark)
            stop = max(stop, beyond - beyond % EPOCH)
        due = self._training_due()
        return min(stop, due) if due is not None and due > at else stop

    def _training_due(self) -> int | None:
        return self._schedule.due(self.windows.began, trained=self.model is not None)

    def _learn(self, start: int, end: int) -> None:
        """Learn from the panes of ``[start, end)``, which have closed."""
        panes = self.windows.closed_panes(start, end)
        due = self._training_due()
        if due is not None:
            self._schedule.keep(panes, start)
            if end >= due:
                self._train(end)
                return
        era = self._eras.latest
        if era is not None and era.memory.learn(panes, self.templates, start, end):
            self._compact()

    def _train(self, now: int) -> None:
        began = self.windows.began
        assert began is not None
        schedule = self._schedule
        panes = schedule.history()
        least = self.options.least_windows * self.spec.window
        if self.options.train_until is not None:
            self._install(self._fit(panes, now), now)
        elif not panes.is_empty():
            seen = int(panes["pane"].to_numpy().max()) - began
            if now - began < least:
                first = schedule.first_windows
                if seen >= (first - 1) * self.spec.window:
                    model = self._fit(panes, now, first)
                    self._install(replace(model, scales=FIRST_SCALES), now)
            elif seen >= least - self.spec.window:
                self._install(self._fit(panes, now), now)
        schedule.next = began + least if now - began < least else now + (now - began)
        if self.options.train_until is not None:
            schedule.forget()

    def _fit(self, panes: pl.DataFrame, until: int, least_windows: int | None = None) -> Model:
        return train(
            History(panes, self.groups, self.templates, until),
            self.spec,
            false_alarms_per_day=self.options.false_alarms_per_day,
            group_by=self.options.group_by,
            least_windows=least_windows or self.options.least_windows,
            feedback=self.feedback,
            steady_seconds=STEADY_SECONDS if self.options.train_until is None else 0.0,
        )

    def _install(self, model: Model, now: int | None) -> None:
        outlier = self._outlier
        if outlier is not None and not isinstance(outlier, Outlier):
            history = History(self._schedule.history(), self.groups, self.templates)
            outlier = Outlier.fit(outlier, history_features(history, self.spec, model.text))
        judge = self._judge_of(model, outlier)
        since = dict.fromkeys(model.baseline.groups.ids.tolist(), model.training.start)
        remembered = 3 + self.spec.max_lateness // EPOCH
        start = FOREVER if now is None else now
        memory = Memory(model.baseline, since, start, self.spec.window, remembered)
        self._eras.begin(start, Era(judge, memory))

    def _judge_of(self, model: Model, outlier: Outlier | None = None) -> Judge:
        o = self.options
        return Judge(
            model, self.groups, self.templates, o.detector, outlier, self.feedback.suppressions
        )

    def _compact(self) -> None:
        """Forget the templates that nothing refers to any more, once the table is over its bound."""
        if len(self.templates) <= self.options.max_templates:
            return
        eras = self._eras.trained
        used = [self.windows.used_templates(), *(era.memory.used_templates() for era in eras)]
        mapping = self.templates.keep(np.concatenate([*used, *self._schedule.used_templates()]))
        for era in eras:
            era.memory.rename_templates(mapping)
            era.judge.forget_vectors()
        self.windows.rename_templates(mapping)
        self._schedule.rename_templates(mapping)
