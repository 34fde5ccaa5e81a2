"""Shifts: counts that are a little too high, or too low, for minutes.

Twice the usual number is no surprise in a single window of a service that logs five lines in it, and is a
certainty after five minutes. So the last ten tumbling windows are held together against the stretches of
history (``baseline/stretches.py``).

What is over has not lasted: the window that is judged must be nearer to the mean of the stretch than to the
usual one. What surges in a volume must be what is usually there: a nightly job, and what is new, speak for
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import Baseline, Known
from log_guard.core.baseline.columns import COUNT, WATCHED_STRETCHES
from log_guard.core.baseline.keys import (
    ALL_LEVELS,
    code_groups,
    code_levels,
    code_templates,
    volume_codes,
)
from log_guard.core.baseline.stretches import LASTING, stretch_moments
from log_guard.core.baseline.table import Table, among
from log_guard.core.detectors.surprise import tail_bits
from log_guard.core.events import Level
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.scoring.entries import Entries
from log_guard.core.scoring.parts import SHIFT, VOLUME_TEMPLATE, Parts
from log_guard.core.scoring.stretches import Recent, Stretches
from log_guard.core.windows.recent import RecentWindows

LEAST_BITS = 3.0
"""Smaller surprises are not looked at."""
LATELY_STRETCHES = 6
"""What the last hour taught is heeded if it taught at least so much: load drifts."""


def shift_parts(
    entries: Entries, recent: RecentWindows, known: Known, suppressor: Suppressor
) -> Parts:
    """A part for each count whose stretch is not usual, and that is still so in the window."""
    e, baseline, window = entries, known.baseline, recent.window
    ends = e.ends - e.ends % window
    # Where nothing comes, that is told as silence.
    able = (e.silent == 0) & (ends - LASTING * window >= recent.began)
    if recent.rows.is_empty() or not able.any():
        return Parts.none()
    asked = np.unique(ends[able])
    rows = np.flatnonzero(able)
    windows = _Windows(e, rows, np.searchsorted(asked, ends[rows]))
    counts = Recent(recent, asked, suppressor)
    usual = ~e.spared & among(e.code, baseline.key_stretches.codes)
    found = []
    for side, chosen in ((1.0, usual), (-1.0, ~e.spared)):
        keys, volumes = counts.keys(baseline, side), counts.volumes(baseline, side)
        found.append(_parts(windows, counts, keys, windows.keys(), known.lately))
        now = windows.volumes(chosen)
        some = _parts(windows, counts, volumes, now, known.lately, volume=True)
        found.append(_unsuppressed(some, e, baseline, suppressor))
    return Parts.join(found)


class _Windows:
    """Windows that are judged by stretches.

    rows:  (n,) their indexes
    at:    (n,) which of the stretches each is judged by
    """

    def __init__(self, entries: Entries, rows: np.ndarray, at: np.ndarray) -> None:
        self.entries = entries
        self._width = int(entries.groups.max()) + 1
        place = at * self._width + entries.groups[rows]
        order = np.argsort(place, kind="stable")
        self._rows, self._place = rows[order], place[order]

    def of(self, at: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows of these stretches and groups, both (n,): pairs of an index into them and one of a window."""
        place = np.where(groups < self._width, at * self._width + groups, -1)
        first = np.searchsorted(self._place, place, side="left")
        many = np.searchsorted(self._place, place, side="right") - first
        index = np.repeat(np.arange(len(place)), many)
        within = np.arange(len(index)) - np.repeat(np.cumsum(many) - many, many)
        return index, self._rows[first[index] + within]

    def keys(self) -> _Now:
        e, heard = self.entries, ~self.entries.spared
        return _Now(e.row[heard], e.code[heard], e.count[heard])

    def volumes(self, chosen: np.ndarray) -> _Now:
        """Of these entries, (n,)."""
        e = self.entries
        row, level, count = e.row[chosen], e.level[chosen], e.count[chosen]
        codes = [volume_codes(e.groups[row], of) for of in (level, ALL_LEVELS)]
        return _Now(np.tile(row, 2), np.concatenate(codes), np.tile(count, 2))


@dataclass(frozen=True)
class _Now:
    """Counts in the windows that are judged, (n,); those of a window and a code add up."""

    row: np.ndarray
    code: np.ndarray
    count: np.ndarray

    def look_up(self, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
        names = np.unique(codes)
        mine = np.flatnonzero(among(self.code, names))
        place = self.row[mine] * len(names) + np.searchsorted(names, self.code[mine])
        sums = Table.of(place, self.count[mine, None])
        return sums.look_up(rows * len(names) + np.searchsorted(names, codes))[:, 0]


def _parts(
    windows: _Windows,
    recent: Recent,
    stretches: Stretches,
    now: _Now,
    lately: Baseline,
    *,
    volume: bool = False,
) -> Parts:
    """Parts of the stretches with too many, or too few.

    now:     the same counts in the windows alone.
    lately:  what the last hour taught.
    """
    usual, bounded, side = stretches.usual, stretches.bounded, stretches.side
    # One standard deviation is less than LEAST_BITS, and most are within.
    at, which = np.nonzero(side * (bounded - usual.mean) > np.sqrt(usual.variance))
    codes, sums = usual.codes[which], bounded[at, which]
    bits = _bits(sums, usual.mean[which], usual.variance[which], side)
    learnt = lately.volumes if volume else lately.keys
    watched = lately.groups.look_up(code_groups(codes))
    again = np.flatnonzero(
        (bits >= LEAST_BITS) & (watched[:, WATCHED_STRETCHES] >= LATELY_STRETCHES)
    )
    moments = stretch_moments(learnt.look_up(codes[again]), watched[again])
    bits[again] = np.minimum(bits[again], _bits(sums[again], *moments, side))
    left = np.flatnonzero((bits >= LEAST_BITS) & (code_levels(codes) != Level.UNSPECIFIED))
    if side < 0:
        left = left[recent.heard(at[left], code_groups(codes[left]))]
    index, row = windows.of(at[left], code_groups(codes[left]))
    one = left[index]
    observed = stretches.observed[at[one], which[one]]
    turn = (usual.mean[which[one]] + observed) / (2.0 * LASTING)
    still = side * (now.look_up(row, codes[one]) - turn) > 0
    if side < 0:  # counts of an unfinished window can only grow
        still &= windows.entries.whole[row]
    one, row, turn, observed = one[still], row[still], turn[still], observed[still]
    levels, templates = code_levels(codes[one]), code_templates(codes[one])
    return Parts(
        row=row,
        detector=np.full(len(one), SHIFT),
        level=levels,
        template=np.full(len(one), VOLUME_TEMPLATE) if volume else templates,
        count=observed,
        mean=usual.mean[which[one]],
        variance=usual.variance[which[one]],
        bits=bits[one],
        side=np.full(len(one), side),
        windows=np.full(len(one), float(LASTING)),
        turn=turn,
    )


def _bits(counts: np.ndarray, mean: np.ndarray, variance: np.ndarray, side: float) -> np.ndarray:
    """Surprise of counts on one side, (n,); 0 on the other."""
    bits, where = tail_bits(counts, mean, variance, both=side < 0)
    return np.where(where == side, bits, 0.0)


def _unsuppressed(
    volumes: Parts, entries: Entries, baseline: Baseline, suppressor: Suppressor
) -> Parts:
    """Those of which nothing is suppressed: what is usual of the rest in a stretch was not learnt."""
    codes = volume_codes(entries.groups[volumes.row], volumes.level)
    left = suppressor.volumes(baseline, codes, entries.ends[volumes.row])
    same = left[:, COUNT] == baseline.volumes.look_up(codes)[:, COUNT]
    return volumes.take(np.flatnonzero(same))
