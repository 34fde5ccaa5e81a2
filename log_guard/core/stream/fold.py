"""Detection as a fold over the records of ``window-summaries``: equal records in, equal results out.

It reads no clock and keeps no secret: :meth:`Fold.state` is all of it, so a detector that restores
a state and takes in the records after it gives, bit for bit, what the first one would have given.

The fold also guards the accounts. A commit says which input offsets it covers; a range that was
covered before is kept out and reported as doubled, one that is skipped is reported as missing.
Windows close when *all* partitions of the input have passed their end. A partition that nobody has
reported yet holds them open: silence of ours is not silence of theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.memory import Memory
from log_guard.core.baseline.table import Table
from log_guard.core.course import Bout, Symptom
from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.detectors.density import InductiveDBSCAN
from log_guard.core.episodes.episodes import Episode, EpisodeRules, Episodes
from log_guard.core.episodes.trouble import Trouble
from log_guard.core.evaluation.observed import Departure, Observed
from log_guard.core.events import SECOND, Level
from log_guard.core.features.text import TextModel
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.learning.model import Model, Scales, Training
from log_guard.core.results import Alert, Bound, Evidence, Part, Result, Sample
from log_guard.core.stream.progress import (
    ACCEPTED,
    DOUBLED,
    MISSING,
    Account,
    Balance,
    Commit,
    Progress,
)
from log_guard.core.windows import WindowSpec
from log_guard.core.windows.admission import Admission
from log_guard.errors import StateError

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        *(
            Account,
            Admission,
            Baseline,
            Bound,
            Bout,
            Episode,
            EpisodeRules,
            Episodes,
            Evidence,
            InductiveDBSCAN,
        ),
        *(Memory, Model, Part, Progress, Sample, Scales, Symptom),
        *(Table, TextModel, Training, Trouble),
        *(Feedback, Label, Observed, Suppression),
    )
}
"""Classes that a stored state may hold."""


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


class Fold:
    """The detector of a deployment: takes records in the order of their offsets."""

    def __init__(
        self, spec: WindowSpec, options: DetectOptions | None = None, model: Model | None = None
    ) -> None:
        self.detect = Detect(spec, options, model)
        self.model_name: str | None = None  # of the model that was switched to
        self.episodes = Episodes()
        self.observed = Observed()
        self._partitions: dict[int, Progress] = {}  # the latest word of each input partition
        self._expected = 0
        self._taken = 0
        self._parts: dict[str, list[pl.DataFrame]] = {}  # of commits whose last record is to come
        self._ranges: dict[int, Account] = {}  # accepted since the last report, by partition
        self._early: dict[str, int] = {}  # service → end of the last window announced early
        self._offset = -1  # of the last record that was taken in

    @property
    def watermark(self) -> int | None:
        """Event time (µs) that all input partitions have passed; None while one was not heard of."""
        known = self._partitions.values()
        if len(known) < self._expected:
            return None
        if any(p.watermark is None and not p.idle for p in known):
            return None
        return min((p.watermark for p in known if p.watermark is not None), default=None)

    @property
    def waiting_for(self) -> list[int]:
        """Input partitions that hold time because nobody has reported them yet."""
        return [p for p in range(self._expected) if p not in self._partitions]

    def take(self, commit: Commit, offset: int) -> Emitted:
        """Take in the record at this offset, which becomes the revision of its results."""
        out = Emitted()
        for part in self.slices(commit, offset):
            out.results += part.results
            out.alerts += part.alerts
            out.accounts += part.accounts
            out.balance = part.balance
            out.departure = part.departure or out.departure
        return out

    def slices(self, commit: Commit, offset: int) -> Iterator[Emitted]:
        """Take in a record, to be exhausted before anything else is asked; the last slice has the accounts.

        After a partition that lagged for hours one record may close hours of windows of a thousand
        groups: more than fits in memory or in a transaction. Equal records have equal slices.
        """
        parts = self._parts.setdefault(commit.id, [])
        parts.append(commit.summary)
        if not commit.last:
            yield Emitted()
            return
        del self._parts[commit.id]
        out = Emitted()
        self._expected = max(self._expected, commit.partitions)
        accepted = [p.partition for p in commit.progress if self._accept(p, offset, out)]
        summary = pl.concat(parts).filter(pl.col("source").is_in(accepted))
        known = len(self.detect.templates)
        self.detect.add(summary)
        watermark = self.watermark
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
        return at - at % STRIDE + STRIDE

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

    def _accept(self, progress: Progress, offset: int, out: Emitted) -> bool:
        """Enter a range into the accounts; whether its events may go into the windows."""
        last = self._partitions.get(progress.partition)
        expected = progress.first if last is None else last.next
        status = DOUBLED if progress.first < expected else ACCEPTED
        account = Account(
            progress.partition,
            progress.first,
            progress.next,
            status,
            offset,
            progress.consumed,
            progress.summarised,
            progress.late,
            progress.dead_lettered,
            progress.filtered,
        )
        if status == DOUBLED:
            out.accounts.append(account)
            if progress.next <= expected:
                return False
            # The end of the range is new, but its events cannot be told from the doubled ones.
            missing = Account(progress.partition, expected, progress.next, MISSING, offset)
            out.accounts.append(missing)
        elif progress.first > expected:
            missing = Account(progress.partition, expected, progress.first, MISSING, offset)
            out.accounts.append(missing)
        self._partitions[progress.partition] = progress
        if status == DOUBLED:
            return False
        self._taken += progress.summarised
        before = self._ranges.get(progress.partition)
        if before is not None and before.next_offset == account.first_offset:
            account = _joined(before, account)
        elif before is not None:
            out.accounts.append(before)
        if account.next_offset > account.first_offset:
            self._ranges[progress.partition] = account
        return True

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
        out.accounts += [self._ranges[partition] for partition in sorted(self._ranges)]
        self._ranges.clear()
        windows = self.detect.windows
        out.balance = Balance(
            offset, self._taken, windows.scored, windows.too_late, windows.pending, watermark
        )

    def state(self) -> dict[str, Any]:
        """All of it, as named parts of plain values and of :data:`KINDS`."""
        own = {name: value for name, value in vars(self).items() if name != "detect"}
        return {"fold": own, **self.detect.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of a fold with the same settings; StateError if it is of another version."""
        own = {name for name in vars(self) if name != "detect"}
        try:
            if state["fold"].keys() != own:
                raise StateError("the stored state was written by another version")
            self.detect.restore(state)
        except KeyError as e:
            raise StateError(f"the stored state lacks {e}: another version has written it") from e
        vars(self).update(state["fold"])


def _joined(a: Account, b: Account) -> Account:
    """Two ranges of a partition that follow one another, as one."""
    return replace(
        b,
        first_offset=a.first_offset,
        consumed=a.consumed + b.consumed,
        summarised=a.summarised + b.summarised,
        late=a.late + b.late,
        dead_lettered=a.dead_lettered + b.dead_lettered,
        filtered=a.filtered + b.filtered,
    )
