"""What a person has said is fine: templates that no longer make a window abnormal.

A suppression takes away what its templates add to the surprise, and nothing else: the window is still
judged by all that remains. Suppressed events count neither in how much a service says nor in its silence:
what is usual is what the rest of its events came to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.columns import COUNT, SQUARES
from log_guard.core.baseline.keys import (
    ALL_LEVELS,
    code_groups,
    code_levels,
    code_templates,
    volume_codes,
)
from log_guard.core.baseline.table import Table
from log_guard.core.events import Level
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE

Mask = npt.NDArray[np.bool_]
_FOREVER = 1 << 62
_REMEMBERED = 8
"""Baselines for which the volume of what is suppressed is kept: those that may judge a batch."""


@dataclass(frozen=True)
class Suppression:
    """One entry of the feedback file.

    template:  the template as it is shown in alerts; or
    matches:   a regular expression that is searched for in templates.
    service:   only in this group (and in the whole stream); empty: in all.
    level:     only at this level; None: at all.
    until:     event time (µs) from which on it holds no more, by the ends of windows.
    """

    reason: str
    author: str
    template: str = ""
    matches: str = ""
    service: str = ""
    level: Level | None = None
    until: int = _FOREVER

    def covers(self, template: str) -> bool:
        """Whether it is about this template."""
        if self.matches:
            return re.search(self.matches, template) is not None
        return self.template == template


class Suppressor:
    """Suppressions over the ids of one detector; a template is looked at when it is first met."""

    def __init__(
        self, entries: Sequence[Suppression], groups: Vocabulary, templates: Vocabulary
    ) -> None:
        self.entries = tuple(entries)
        self.groups = groups
        self.templates = templates
        self._known: list[Mask] = []
        self.forget()

    def forget(self) -> None:
        """Call after template ids have changed."""
        self._known = [np.zeros(0, dtype=bool) for _ in self.entries]
        self._taken: list[tuple[Baseline, bytes, Table]] = []

    def covered(
        self, groups: np.ndarray, levels: np.ndarray, templates: np.ndarray, ends: np.ndarray
    ) -> Mask:
        """Which keys of which windows are suppressed; all arguments and the result (n,)."""
        out = np.zeros(len(templates), dtype=bool)
        for i, entry in enumerate(self.entries):
            known = self._known[i]
            if len(known) < len(self.templates):
                fresh = [entry.covers(word) for word in self.templates.words[len(known) :]]
                known = self._known[i] = np.concatenate([known, np.array(fresh, dtype=bool)])
            mine = known[templates] & (ends < entry.until)
            if entry.level is not None:
                mine &= levels == entry.level
            if entry.service:
                mine &= (groups == WHOLE) | (groups == self._id(entry.service))
            out |= mine
        return out

    def _id(self, service: str) -> int:
        """Id of a group, -1 where it has not been seen."""
        return self.groups.words.index(service) if service in self.groups.words else -1

    def volumes(self, baseline: Baseline, codes: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Sums of volumes, (n, 4), by their codes, (n,), without what is suppressed at these ends, (n,).

        Counts subtract. So do variances of counts that do not depend on one another; where load moves
        them together, what is left is too large, and the judgement so much the milder.
        """
        sums = baseline.volumes.look_up(codes)
        if not self.entries or not len(codes):
            return sums
        holds = np.array([ends < entry.until for entry in self.entries])
        windows = np.maximum(baseline.groups.look_up(code_groups(codes))[:, 1], 1.0)
        for held in np.unique(holds, axis=1).T:
            mine = np.flatnonzero((holds == held[:, None]).all(axis=0))
            less = self._less(baseline, held, int(ends[mine[0]])).look_up(codes[mine])
            n, old = windows[mine], sums[mine]
            count = np.maximum(old[:, COUNT] - less[:, 0], 0.0)
            spread = old[:, SQUARES] - old[:, COUNT] ** 2 / n - less[:, 1]
            sums[mine, COUNT] = count
            sums[mine, SQUARES] = np.maximum(spread, 0.0) + count**2 / n
        return sums

    def _less(self, baseline: Baseline, held: Mask, end: int) -> Table:
        """Volume code → count of the suppressed keys of history, and the sum of squared deviations of each."""
        for known, which, table in self._taken:
            if known is baseline and which == held.tobytes():
                return table
        keys = baseline.keys
        groups, levels = code_groups(keys.ids), code_levels(keys.ids)
        ends = np.full(len(keys.ids), end)
        rows = np.flatnonzero(self.covered(groups, levels, code_templates(keys.ids), ends))
        groups, levels, sums = groups[rows], levels[rows], keys.sums[rows]
        windows = np.maximum(baseline.groups.look_up(groups)[:, 1], 1.0)
        spread = np.maximum(sums[:, SQUARES] - sums[:, COUNT] ** 2 / windows, 0.0)
        codes = [volume_codes(groups, level) for level in (levels, ALL_LEVELS)]
        table = Table.of(
            np.concatenate(codes), np.tile(np.column_stack([sums[:, COUNT], spread]), (2, 1))
        )
        self._taken = [*self._taken, (baseline, held.tobytes(), table)][-_REMEMBERED:]
        return table
