"""Summaries and watermarks in, results out: a fold. Same records in, same results out; no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl

from log_guard.core.admission import MAX_GROUPS
from log_guard.core.baseline import EPOCH, Baseline
from log_guard.core.detectors.base import OutlierDetector
from log_guard.core.features.window import window_features
from log_guard.core.feedback import Feedback
from log_guard.core.judge import Judge, Outlier
from log_guard.core.memory import MAX_KEYS, Memory, rename
from log_guard.core.model import FIRST_SCALES, Model
from log_guard.core.results import Result
from log_guard.core.scoring import FIRST_WINDOWS
from log_guard.core.statements import Templates
from log_guard.core.training import History, history_features, train
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WindowBatch, Windows, WindowSpec
from log_guard.errors import InputError, OptionError

WARM_WINDOWS = 10
"""Windows to learn from before anything is judged, where no model and no training span is given."""
STEADY_SECONDS = 3_600.0
"""A processor that begins with nothing counts on its load being other than what it has seen so far
for about so long."""
MAX_HISTORY_ROWS = 3_000_000
"""Pane rows kept to learn from; of a longer history the oldest are dropped and counted."""


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


@dataclass(frozen=True)
class _Era:
    """Who judges the windows that end after a training and not after the next."""

    judge: Judge
    memory: Memory


_FOREVER = -(1 << 62)


class Detect:
    """The detector of one partition: windows, what it has learnt, and when it learns.

    model:    judge by this one, and do not train.
    outlier:  an unfitted detector on the 30 features, to score in place of the own ones.
    """

    def __init__(
        self,
        spec: WindowSpec,
        options: DetectOptions | None = None,
        model: Model | None = None,
        outlier: OutlierDetector | None = None,
    ) -> None:
        self.spec = spec
        self.options = options or DetectOptions()
        self.groups = Vocabulary(model.groups if model else ())
        self.templates = Templates(model.templates if model else ())
        self.windows = Windows(
            spec, self.groups, self.templates, max_groups=self.options.max_groups
        )
        self.dropped_history = 0
        self._popped = 0  # frames that have left the front of the history
        self._outlier = outlier
        self._history: list[pl.DataFrame] = []
        self._next_training: int | None = None
        self._given = model is not None
        self._eras: list[_Era | None] = [None]
        self._eras_from = [_FOREVER]
        if model is not None:
            self._install(model, None)

    @property
    def model(self) -> Model | None:
        """The model that judges now; None during the warm-up."""
        era = self._eras[-1]
        return era.judge.model if era else None

    @property
    def dropped_keys(self) -> int:
        """Keys of the baseline that its bound has dropped."""
        era = self._eras[-1]
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
        first = self._popped
        return {
            "detect": {
                "groups": self.groups.words,
                "dropped_history": self.dropped_history,
                "popped": self._popped,
                "history": len(self._history),
                "next_training": self._next_training,
                "eras_from": self._eras_from,
                "given": self._given,
            },
            "templates": self.templates.words,
            "windows": self.windows.state(),
            **{f"history-{first + i}": panes for i, panes in enumerate(self._history)},
            **{f"model-{i}": era and era.judge.model for i, era in enumerate(self._eras)},
            **{f"memory-{i}": era and era.memory for i, era in enumerate(self._eras)},
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
        self.dropped_history, self._popped = kept["dropped_history"], kept["popped"]
        self._history = [state[f"history-{self._popped + i}"] for i in range(kept["history"])]
        self._next_training, self._given = kept["next_training"], kept["given"]
        self._eras_from = kept["eras_from"]
        self._eras = []
        for i in range(len(self._eras_from)):
            model, memory = state[f"model-{i}"], state[f"memory-{i}"]
            if model is None:
                self._eras.append(None)
                continue
            judge = self._judge_of(model)
            self._eras.append(_Era(judge, memory))

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
        ends = batch.rows["end"].to_numpy()
        eras = np.searchsorted(self._eras_from, ends, side="left") - 1
        results: list[Result] = []
        for era in np.unique(eras).tolist():
            results += self._judge_era(batch.only(eras == era), self._eras[era], revision)
        return results

    def _judge_era(self, batch: WindowBatch, era: _Era | None, revision: int) -> list[Result]:
        if era is None:
            return self._unjudged(batch, revision) if self.options.show_warm_up else []
        by_age = era.memory.judging(batch.rows["end"].to_numpy())
        judged = [
            result
            for mask, baseline, lately in by_age
            for result in self._judged(era.judge, batch.only(mask), (baseline, lately), revision)
        ]
        if era.judge.model.scales != FIRST_SCALES:
            return judged
        return [replace(result, warming=self.warming(result.window_end)) for result in judged]

    def _judged(
        self, judge: Judge, batch: WindowBatch, known: tuple[Baseline, Baseline], revision: int
    ) -> list[Result]:
        """Judge a batch; a window on which that fails gets a result that says so, and not a hole."""
        try:
            return judge.judge(batch, known[0], self.windows, revision, known[1])
        except Exception as e:  # noqa: BLE001  # a bug of ours or of a detector must not stop the stream
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
                end - self.spec.window,
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
        began = self.windows.began
        if (
            self._given
            or began is None
            or (self.options.train_until is not None and self.model is not None)
        ):
            return None
        due = (
            self.options.train_until
            or self._next_training
            or began + min(FIRST_WINDOWS, self.options.least_windows) * self.spec.window
        )
        return due + (-due) % self.spec.slide

    def _learn(self, start: int, end: int) -> None:
        """Learn from the panes of ``[start, end)``, which have closed."""
        panes = self.windows.closed_panes(start, end)
        due = self._training_due()
        if due is not None:
            if self._history and start % EPOCH:
                self._history[-1] = pl.concat([self._history[-1], panes])
            else:
                self._history.append(panes)
            if end >= due:
                self._train(end)
                return
        era = self._eras[-1]
        if era is not None and era.memory.learn(panes, self.templates, start, end):
            self._compact()

    def _train(self, now: int) -> None:
        began = self.windows.began
        assert began is not None
        self._drop_history()
        panes = pl.concat(self._history)
        least = self.options.least_windows * self.spec.window
        if self.options.train_until is not None:
            self._install(self._fit(panes, now), now)
        elif not panes.is_empty():
            seen = int(panes["pane"].to_numpy().max()) - began
            if now - began < least:
                first = min(FIRST_WINDOWS, self.options.least_windows)
                if seen >= (first - 1) * self.spec.window:
                    model = self._fit(panes, now, first)
                    self._install(replace(model, scales=FIRST_SCALES), now)
            elif seen >= least - self.spec.window:
                self._install(self._fit(panes, now), now)
        self._next_training = began + least if now - began < least else now + (now - began)
        if self.options.train_until is not None:
            self._popped += len(self._history)
            self._history = []

    def train_now(self) -> Model:
        """Learn from all that has been closed and not been learnt yet; for a history of its own."""
        self._drop_history()
        if not self._history:
            raise InputError("nothing to learn from: no events were read")
        return self._fit(pl.concat(self._history), 0)

    def _fit(self, panes: pl.DataFrame, until: int, least_windows: int | None = None) -> Model:
        return train(
            History(panes, self.groups, self.templates, until),
            self.spec,
            false_alarms_per_day=self.options.false_alarms_per_day,
            group_by=self.options.group_by,
            least_windows=least_windows or self.options.least_windows,
            feedback=self.options.feedback,
            steady_seconds=STEADY_SECONDS if self.options.train_until is None else 0.0,
        )

    def _drop_history(self) -> None:
        rows = sum(panes.height for panes in self._history)
        while rows > MAX_HISTORY_ROWS and len(self._history) > 1:
            oldest = self._history.pop(0)
            self._popped += 1
            rows -= oldest.height
            self.dropped_history += oldest.height

    def _install(self, model: Model, now: int | None) -> None:
        outlier = None
        if self._outlier is not None:
            history = History(pl.concat(self._history), self.groups, self.templates)
            outlier = Outlier.fit(self._outlier, history_features(history, self.spec, model.text))
        judge = self._judge_of(model, outlier)
        since = dict.fromkeys(model.baseline.groups.ids.tolist(), model.training.start)
        remembered = 3 + self.spec.max_lateness // EPOCH
        start = _FOREVER if now is None else now
        memory = Memory(model.baseline, since, start, self.spec.window, remembered)
        self._begin_era(start, _Era(judge, memory))

    def _judge_of(self, model: Model, outlier: Outlier | None = None) -> Judge:
        o = self.options
        return Judge(
            model, self.groups, self.templates, o.detector, outlier, o.feedback.suppressions
        )

    def _begin_era(self, start: int, era: _Era) -> None:
        """Judge by it from now on; keep the eras whose windows may still be revised."""
        oldest = start - self.spec.max_lateness - self.spec.window
        kept = max(int(np.searchsorted(self._eras_from, oldest, side="left")) - 1, 0)
        if self._eras_from[-1] == start:
            kept = len(self._eras)
        self._eras = [*self._eras[kept:], era]
        self._eras_from = [*self._eras_from[kept:], start]

    def _compact(self) -> None:
        """Forget the templates that nothing refers to any more, once the table is over its bound."""
        if len(self.templates) <= self.options.max_templates:
            return
        eras = [era for era in self._eras if era is not None]
        used = [self.windows.used_templates(), *(era.memory.used_templates() for era in eras)]
        used += [panes["template"].unique().to_numpy() for panes in self._history]
        mapping = self.templates.keep(np.concatenate(used))
        for era in eras:
            era.memory.rename_templates(mapping)
            era.judge.forget_vectors()
        self.windows.rename_templates(mapping)
        self._history = [rename(panes, mapping) for panes in self._history]
