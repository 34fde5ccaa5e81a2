"""What a running detector has learnt, by epochs of event time.

Within an epoch every window is judged by the same baseline, the one that all epochs before it
taught; at its end the epoch's own (on-time) panes are added. So verdicts do not depend on how the
stream was cut into batches, and the revision of a window is judged by what judged it first.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import EPOCH, Baseline, Known
from log_guard.core.baseline.gaps import last_heard
from log_guard.core.baseline.keys import code_templates, renumbered
from log_guard.core.baseline.learning import learn, with_whole
from log_guard.core.baseline.table import Table
from log_guard.core.statements import Templates
from log_guard.core.windows import WHOLE
from log_guard.core.windows.panes import first_panes, with_templates

MAX_KEYS = 50_000
LATELY = 6
"""Epochs (an hour) that are remembered apart: what has become usual since."""


class Memory:
    """Baselines by the event time from which they judge.

    start:       from when on the first baseline judges, µs.
    max_keys:    bound on (group, level, template) keys; those seen least are dropped and counted.
    remembered:  how many past baselines are kept, for revisions.
    """

    def __init__(
        self,
        baseline: Baseline,
        since: dict[int, int],
        start: int,
        window: int,
        remembered: int,
        max_keys: int = MAX_KEYS,
    ) -> None:
        self.window = window
        self.max_keys = max_keys
        self.remembered = remembered
        self.dropped = 0
        self.since = since
        self.heard: dict[int, int] = {}  # group → its last pane that was learnt
        self._baselines: dict[int, Baseline] = {start: baseline}
        self._gains: list[Baseline] = []  # of the last epochs
        self._lately: dict[int, Baseline] = {start: Baseline.empty()}  # their sums
        self._learnt_to: int | None = None
        self._pending: list[pl.DataFrame] = []

    def judging(self, ends: np.ndarray) -> list[tuple[np.ndarray, Known]]:
        """What judges windows by their ends, (n,): pairs of a mask over the windows and what is known."""
        starts = np.array(sorted(self._baselines))
        # A window that ends exactly where an epoch ends belongs to that epoch, not to the next.
        at = np.maximum(np.searchsorted(starts, ends, side="left") - 1, 0)
        chosen = [(at == i, int(starts[i])) for i in np.unique(at)]
        return [
            (mask, Known(self._baselines[start], self._lately[start])) for mask, start in chosen
        ]

    def learn(self, panes: pl.DataFrame, templates: Templates, start: int, end: int) -> bool:
        """Take in the panes of ``[start, end)`` that have closed; True if an epoch ended with them."""
        for group, pane in first_panes(panes).items():
            self.since.setdefault(group, pane)
        if len(self.since) > 1 and WHOLE not in self.since:
            self.since[WHOLE] = min(self.since.values())
        self._pending.append(panes)
        if self._learnt_to is None:
            self._learnt_to = start
        if end // EPOCH == self._learnt_to // EPOCH:
            return False
        current = self._baselines[max(self._baselines)]
        whole = WHOLE in self.since
        gained = learn(
            pl.concat(self._pending),
            templates,
            self._learnt_to,
            end,
            self.window,
            self.since,
            whole,
            known=current,
            heard=self.heard,
        )
        self.heard |= last_heard(with_whole(pl.concat(self._pending), whole))
        grown, dropped = (current + gained).bounded(self.max_keys)
        self.dropped += dropped
        self._baselines[end] = grown
        self._gains = [*self._gains, gained][-LATELY:]
        self._lately[end] = reduce(add, self._gains)
        for old in sorted(self._baselines)[: -self.remembered]:
            del self._baselines[old], self._lately[old]
        self._learnt_to = end
        self._pending = []
        return True

    def used_templates(self) -> np.ndarray:
        """Ids of the templates that are remembered."""
        baselines = [*self._baselines.values(), *self._lately.values(), *self._gains]
        keys = [code_templates(b.keys.ids) for b in baselines]
        return np.unique(np.concatenate(keys + [p["template"].to_numpy() for p in self._pending]))

    def rename_templates(self, mapping: np.ndarray) -> None:
        """Apply new template ids after the vocabulary was compacted."""
        for held in (self._baselines, self._lately):
            for start, baseline in held.items():
                held[start] = _renamed(baseline, mapping)
        self._gains = [_renamed(gain, mapping) for gain in self._gains]
        self._pending = [with_templates(panes, mapping) for panes in self._pending]


def _renamed(baseline: Baseline, mapping: np.ndarray) -> Baseline:
    keys = baseline.keys  # alone in naming templates
    codes = renumbered(keys.ids, templates=mapping)
    return replace(baseline, keys=Table.of(codes, keys.sums, keys.peaks))
