"""Detection as a fold over the records of ``window-summaries``: equal records in, equal results out.

It reads no clock and keeps no secret: :meth:`Fold.state` is all of it, so a detector that restores
a state and takes in the records after it gives, bit for bit, what the first one would have given.

Each range of the input is let in once, and accounted for (``commits.py``). Windows close when *all*
partitions of the input have passed their end. A partition that nobody has reported yet holds them
open: silence of ours is not silence of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.evaluation.observed import Departure, Observed
from log_guard.core.events import SECOND, Level
from log_guard.core.learning.model import Model
from log_guard.core.results import Alert, Result
from log_guard.core.stream.commits import Commits
from log_guard.core.stream.progress import Account, Balance, Commit
from log_guard.core.windows import WindowSpec
from log_guard.errors import StateError

_OF_THEIR_OWN = ("commits", "detect")
"""Attributes that give their state themselves."""

STRIDE = 30 * SECOND
"""Event time (µs) that a slice of a record's results covers at most, but for silence."""
REPORT_EVERY = 16
"""Offsets of ``window-summaries`` after which accounts and balance are told: by the records alone, so that
whoever folds them again, with other settings, tells the same ranges."""


@dataclass
class Emitted:
    """What one record, or a slice of it, gave; ``departure``: the promise is broken from here on."""

    results: list[Result] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    balance: Balance | None = None
    departure: Departure | None = None


STATE_FORMAT = 1
"""Of what is kept; to be changed where classes of it, or the meaning of their fields, are. States before had none."""


class Fold:
    """The detector of a deployment: takes records in the order of their offsets."""

    def __init__(
        self, spec: WindowSpec, options: DetectOptions | None = None, model: Model | None = None
    ) -> None:
        self.commits = Commits()
        self.detect = Detect(spec, options, model)
        self.model_name: str | None = None  # of the model that was switched to
        self.episodes = Episodes(EpisodeRules(slide=spec.slide))
        self.observed = Observed()
        self._early: dict[str, int] = {}  # service → end of the last window announced early
        self._offset = -1  # of the last record that was taken in

    def slices(self, commit: Commit, offset: int) -> Iterator[Emitted]:
        """Take in a record, to be exhausted before anything else is asked; the last slice has the accounts.

        After a partition that lagged for hours one record may close hours of windows of a thousand
        groups: more than fits in memory or in a transaction. Equal records have equal slices.
        """
        out = Emitted()
        summary, out.accounts = self.commits.take(commit, offset)
        if summary is None:
            yield out
            return
        known = len(self.detect.templates)
        self.detect.add(summary)
        watermark = self.commits.watermark
        while watermark is not None and (stop := self._next_stop(watermark)) < watermark:
            yield self._judged(self.detect.advance(stop, offset))
        last = [] if watermark is None else self.detect.advance(watermark, offset)
        judged = self._judged(last + self._look_early(summary, known, offset))
        out.results, out.alerts, out.departure = judged.results, judged.alerts, judged.departure
        if out.accounts or offset // REPORT_EVERY > self._offset // REPORT_EVERY:
            self._report(offset, watermark, out)
        self._offset = offset
        yield out

    def _judged(self, results: list[Result]) -> Emitted:
        alerts = self.episodes.add(results)
        detect = self.detect
        departure = self.observed.take(results, alerts, detect.feedback.labels, detect.promised)
        return Emitted(results, alerts, departure=departure)

    def _next_stop(self, watermark: int) -> int:
        """How far to close windows in the next slice: a stride on, or beyond what nobody logged in."""
        windows = self.detect.windows
        at = windows.frontier
        if at is None:
            return watermark
        if windows.is_idle(at):
            following = windows.next_pane(at)
            window = self.detect.spec.window
            at = watermark if following is None else max(at, following - window)
        elif windows.is_quiet(at):
            following = windows.next_pane(at)
            if following is None or following - at > EPOCH + self.detect.spec.window:
                return at - at % EPOCH + EPOCH
        # In whole panes, or a stop before the next one's end closes nothing, for ever.
        slide = self.detect.spec.slide
        stride = max(STRIDE // slide, 1) * slide
        return at - at % stride + stride

    def switch(self, model: Model, name: str) -> None:
        """Between two records: judge by this model from the windows on that are not published yet.

        It is part of the state from now on, and so of whatever is folded after it.
        """
        self.detect.switch(model)
        self.model_name = name
        self.observed = Observed()

    def open_windows(self, offset: int) -> list[Result]:
        """The windows that are still open, as not final; the fold goes on as if nothing was asked."""
        return self.detect.open_windows(offset)

    def _look_early(self, summary: pl.DataFrame, known: int, offset: int) -> list[Result]:
        """Verdicts that need not wait: on groups with an error, or a template never met, just now.

        Counts only grow while a window is open, so such evidence cannot go away.
        """
        if summary.is_empty() or self.detect.model is None:
            return []
        telling = (summary["level"] >= Level.ERROR) | (
            self.detect.templates.ids(summary["template"]) >= known
        )
        groups = summary["group"].filter(telling).unique().sort().to_list()
        if not groups:
            return []
        found: list[Result] = []
        known_groups = [i for g in groups if (i := self.detect.groups.find(g)) is not None]
        for result in self.detect.peek(offset, known_groups):
            if result.window_end > self._early.get(result.service, result.window_end - 1):
                self._early[result.service] = result.window_end
                found.append(result)
        return found

    def _report(self, offset: int, watermark: int | None, out: Emitted) -> None:
        out.accounts += self.commits.report()
        windows = self.detect.windows
        out.balance = Balance(
            offset, self.commits.taken, windows.scored, windows.too_late, windows.pending, watermark
        )

    def state(self) -> dict[str, Any]:
        """All of it, as named parts of plain values and of the classes in ``kinds.KINDS``."""
        own = {**self._own(), **vars(self.commits), "format": STATE_FORMAT}
        return {"fold": own, **self.detect.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a fold with the same settings; StateError if it is of another version."""
        try:
            kept = state["fold"]
            known = {"format", *self._own(), *vars(self.commits)}
            if kept.get("format") != STATE_FORMAT or kept.keys() != known:
                raise StateError("the stored state was written by another version")
            self.detect.restore(state)
        except KeyError as e:
            raise StateError(f"the stored state lacks {e}: another version has written it") from e
        vars(self).update({name: kept[name] for name in self._own()})
        vars(self.commits).update({name: kept[name] for name in vars(self.commits)})

    def _own(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _OF_THEIR_OWN}
