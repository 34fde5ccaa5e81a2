"""The stretches that have just ended, count by count.

A burst is the business of the window that it is in, and is not to be told of for minutes afterwards: where too
many are looked for, each window counts in its stretch for no more than its usual range allows, and where too
few are, for no less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.keys import ALL_LEVELS, code_groups, key_codes, volume_codes
from log_guard.core.baseline.stretches import UsualStretches
from log_guard.core.baseline.table import Table, among
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.windows.recent import RecentWindows
from log_guard.core.windows.spec import LASTING


@dataclass(frozen=True)
class Stretches:
    """Sums of the stretches that end at each of some times, (ends, n), of the n counts that are usual.

    side:      1 where too many are looked for, -1 too few
    bounded:   with each window within its usual range, as far as it is on that side
    observed:  as they were
    """

    usual: UsualStretches
    side: float
    bounded: np.ndarray
    observed: np.ndarray


class Recent:
    """The tumbling windows in the stretches that end at these times; suppressed templates count in none.

    ends:  (k,) µs, ascending.
    """

    def __init__(self, recent: RecentWindows, ends: np.ndarray, suppressor: Suppressor) -> None:
        self._ends, self._window = ends, recent.window
        self._span = int(ends[-1] - ends[0]) // recent.window + LASTING + 1
        rows = recent.between(int(ends[0]) - LASTING * recent.window, int(ends[-1]))
        end, group, template, count = (
            rows[name].to_numpy() for name in ("end", "group", "template", "count")
        )
        level = rows["level"].to_numpy().astype(np.int64)
        kept = ~suppressor.covered(group, level, template, end)
        self._end, self._count = end[kept], count[kept].astype(float)
        self._group, self._level = group[kept], level[kept]
        self._code = key_codes(group[kept], level[kept], template[kept])

    def heard(self, at: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Whether these groups, (n,), said something in each of the last two windows of these stretches, (n,).

        At the edge of a silence there is too little of everything.
        """

        def place(group: np.ndarray, end: np.ndarray) -> np.ndarray:
            number = (end - int(self._ends[0])) // self._window + LASTING
            return np.asarray(group * self._span + number)

        there = np.unique(place(self._group, self._end))
        ends = self._ends[at]
        both = among(place(groups, ends), there), among(place(groups, ends - self._window), there)
        return np.asarray(both[0] & both[1])

    def keys(self, baseline: Baseline, side: float) -> Stretches:
        """Of each (group, level, template) that is usual."""
        known, at = baseline.key_stretches.find(self._code)
        return self._sums(baseline.key_stretches, side, self._end[known], at, self._count[known])

    def volumes(self, baseline: Baseline, side: float) -> Stretches:
        """Of each volume; too many there are of what is usual alone: a nightly job speaks for itself."""
        chosen = baseline.key_stretches.find(self._code)[0] | (side < 0)
        group, level, end = self._group[chosen], self._level[chosen], self._end[chosen]
        codes = np.concatenate([volume_codes(group, level), volume_codes(group, ALL_LEVELS)])
        usual = baseline.volume_stretches
        known, at = usual.find(codes)
        first = int(self._ends[0]) - LASTING * self._window
        number = (np.tile(end, 2)[known] - first) // self._window
        many = max(len(usual.codes), 1)
        made = Table.of(number * many + at, np.tile(self._count[chosen], 2)[known][:, None])
        ends = made.ids // many * self._window + first
        return self._sums(usual, side, ends, made.ids % many, made.sums[:, 0])

    def _empty(self, groups: np.ndarray) -> np.ndarray:
        """In how many windows of each stretch each of these groups said nothing, (ends, n)."""
        names, at = np.unique(groups, return_inverse=True)
        said = among(self._group, names)
        span = self._end[said] // self._window
        place = np.unique(np.searchsorted(names, self._group[said]) + span * len(names))
        heard = np.zeros((len(self._ends), len(names)))
        for later in range(LASTING):
            stretch = (place // max(len(names), 1) + later) * self._window
            row = np.minimum(np.searchsorted(self._ends, stretch), len(self._ends) - 1)
            mine = self._ends[row] == stretch
            np.add.at(heard, (row[mine], place[mine] % max(len(names), 1)), 1.0)
        return np.asarray(LASTING - heard[:, at])

    def _sums(
        self,
        usual: UsualStretches,
        side: float,
        end: np.ndarray,
        at: np.ndarray,
        count: np.ndarray,
    ) -> Stretches:
        """Add up counts, (n,), of windows by their ends, (n,); ``at``: which of the usual ones it is."""
        shape = len(self._ends), len(usual.codes)
        least = np.zeros(len(usual.codes)) if side > 0 else usual.low  # where there is none
        some = np.minimum(count, usual.high[at]) if side > 0 else np.maximum(count, least[at])
        bounded, observed = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
        for later in range(LASTING):
            stretch = end + later * self._window
            row = np.minimum(np.searchsorted(self._ends, stretch), shape[0] - 1)
            mine = self._ends[row] == stretch
            cell = row[mine] * shape[1] + at[mine]
            bounded += np.bincount(cell, (some - least[at])[mine], len(bounded))
            observed += np.bincount(cell, count[mine], len(observed))
        bounded = bounded.reshape(shape) + LASTING * least
        if side < 0:  # windows in which nothing came at all are told as silence
            few = np.maximum(usual.mean / LASTING - least, 0.0)
            bounded += self._empty(code_groups(usual.codes)) * few
        return Stretches(usual, side, bounded, observed.reshape(shape))
