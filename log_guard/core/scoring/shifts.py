"""Shifts: counts that are a little too high, or too low, for minutes.

Twice the usual number is no surprise in a single window of a service that logs five lines in it, and is a
certainty after five minutes. So the last ten tumbling windows are held together against the stretches of
history (``lasting.py``).

What is over has not lasted: the window that is judged must be nearer to the mean of the stretch than to the
usual one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.keys import (
    ALL_LEVELS,
    code_groups,
    code_levels,
    code_templates,
    volume_codes,
)
from log_guard.core.baseline.table import Table, among
from log_guard.core.scoring.entries import Entries
from log_guard.core.scoring.lasting import Lasted, Shifts
from log_guard.core.scoring.parts import SHIFT, VOLUME_TEMPLATE, Parts
from log_guard.core.windows.spec import LASTING


def shift_parts(entries: Entries, shifts: Shifts, baseline: Baseline) -> Parts:
    """A part for each count that has lasted and is still so in the window."""
    if not shifts.lasted:
        return Parts.none()
    windows = _Windows.of(entries, shifts)
    return Parts.join([_parts(windows, lasted, entries, baseline) for lasted in shifts.lasted])


@dataclass(frozen=True)
class _Windows:
    """Windows by the stretch and the group that they are judged by, (n,).

    rows:   their indexes
    place:  index of the stretch and of the group as one number, ascending; ``width``: groups in it
    """

    rows: np.ndarray
    place: np.ndarray
    width: int

    @staticmethod
    def of(entries: Entries, shifts: Shifts) -> _Windows:
        e = entries
        ends = e.ends - e.ends % shifts.window
        # Where nothing comes, that is told as silence.
        rows = np.flatnonzero((e.silent == 0) & among(ends, shifts.ends))
        width = int(e.groups.max()) + 1
        place = np.searchsorted(shifts.ends, ends[rows]) * width + e.groups[rows]
        order = np.argsort(place, kind="stable")
        return _Windows(rows[order], place[order], width)

    def judged_by(self, lasted: Lasted) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of an index of what has lasted and one of a window."""
        groups = code_groups(lasted.code)
        place = np.where(groups < self.width, lasted.at * self.width + groups, -1)
        first = np.searchsorted(self.place, place, side="left")
        many = np.searchsorted(self.place, place, side="right") - first
        index = np.repeat(np.arange(len(place)), many)
        within = np.arange(len(index)) - np.repeat(np.cumsum(many) - many, many)
        return index, self.rows[first[index] + within]


def _parts(windows: _Windows, lasted: Lasted, entries: Entries, baseline: Baseline) -> Parts:
    index, row = windows.judged_by(lasted)
    here = lasted.take(index)
    still = lasted.side * (_counts(entries, baseline, here, row) - here.turn) > 0
    if lasted.side < 0:  # counts of an unfinished window can only grow
        still &= entries.settled[row]
    here, row = here.take(still), row[still]
    template = np.full(len(row), VOLUME_TEMPLATE) if here.volume else code_templates(here.code)
    return Parts(
        row=row,
        detector=np.full(len(row), SHIFT),
        level=code_levels(here.code),
        template=template,
        count=here.observed,
        mean=here.mean,
        variance=here.variance,
        bits=here.bits,
        side=np.full(len(row), here.side),
        windows=np.full(len(row), float(LASTING)),
        turn=here.turn,
    )


def _counts(entries: Entries, baseline: Baseline, here: Lasted, rows: np.ndarray) -> np.ndarray:
    """What is counted in the stretches, in these windows alone, (n,)."""
    e, heard = entries, ~entries.spared
    if not here.volume:
        return _look_up(e.row[heard], e.code[heard], e.count[heard], rows, here.code)
    if here.side > 0:
        heard &= among(e.code, baseline.key_stretches.codes)
    row, level, count = e.row[heard], e.level[heard], e.count[heard]
    codes = [volume_codes(e.groups[row], of) for of in (level, ALL_LEVELS)]
    return _look_up(np.tile(row, 2), np.concatenate(codes), np.tile(count, 2), rows, here.code)


def _look_up(
    row: np.ndarray, code: np.ndarray, count: np.ndarray, rows: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """Sums of counts, by window and code, of these windows and codes."""
    names = np.unique(codes)
    mine = np.flatnonzero(among(code, names))
    place = row[mine] * len(names) + np.searchsorted(names, code[mine])
    sums = Table.of(place, count[mine, None])
    return sums.look_up(rows * len(names) + np.searchsorted(names, codes))[:, 0]
