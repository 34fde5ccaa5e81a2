"""Which counts of a batch are above or below what is usual: volumes, steady keys, surges, silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from log_guard.core.baseline.baseline import Baseline, Known
from log_guard.core.baseline.columns import WINDOWS
from log_guard.core.baseline.keys import (
    code_groups,
    code_levels,
    code_templates,
    key_codes,
)
from log_guard.core.baseline.table import among
from log_guard.core.events import Level
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.scoring.entries import Entries, watched_for
from log_guard.core.scoring.gaps import Telling
from log_guard.core.scoring.parts import VOLUME_TEMPLATE, Parts
from log_guard.core.scoring.surprises import surprises
from log_guard.core.scoring.volumes import longer_silence, volume_parts

SURGE_COUNT = 5.0
"""The count of what is not steady, or was never seen, is judged from so many events a window on."""
FRESH_BITS = 60.0
"""What the number of a line that is new, or was within the hour, and is no trouble, is worth at most, beyond its
surprise among the numbers in which the service's other lines come."""
DRIFT_BITS = 4.0
"""Count surprises above this are looked at again by what the last hour taught."""
LATELY_WINDOWS = 60
"""If it taught at least so much."""


def count_parts(
    entries: Entries,
    returning: np.ndarray,
    fresh: np.ndarray,
    known: Known,
    min_windows: float,
    suppressor: Suppressor,
    window: int,
    telling: Telling | None,
) -> Parts:
    """Parts of the volumes of all windows, of the steady keys of their groups, and of surges.

    returning:    whether the key is known to come back, (n,).
    fresh:        whether it was first there in the last hour, or half of the history, and is no trouble, (n,).
    min_windows:  of history, below which a group's counts are not judged.
    suppressor:   whose templates count in no volume.
    window:       length of a window, µs.
    telling:      by what silences are told for their length; None: they are not.
    """
    baseline = known.baseline
    judged = entries.watched[:, 1] >= min_windows
    seldom = ~among(entries.code, baseline.steady)
    back = returning & seldom
    found = [
        volume_parts(entries, back, fresh, baseline, judged, suppressor),
        _steady_parts(entries, baseline, judged),
        _surges(entries, seldom, back, fresh, baseline, judged),
    ]
    drifted = _unless_usual_lately(Parts.join(found), entries, known.lately, suppressor)
    return longer_silence(drifted, entries, baseline, window, telling)


def _steady_parts(entries: Entries, baseline: Baseline, judged: np.ndarray) -> Parts:
    e, steady = entries, baseline.steady
    steady_group = code_groups(steady)
    first = np.searchsorted(steady_group, e.groups, side="left")
    many = (np.searchsorted(steady_group, e.groups, side="right") - first) * judged
    rows = np.repeat(np.arange(len(e.groups)), many)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
    code = steady[np.repeat(first, many) + within]
    observed = _counts_of(rows, code, e.row, e.code, e.count)
    sums = baseline.keys.look_up(code)
    level, template = code_levels(code), code_templates(code)
    return surprises(rows, level, template, observed, sums, e.watched[rows, 1], e.settled[rows])


def _surges(
    entries: Entries,
    seldom: np.ndarray,
    back: np.ndarray,
    fresh: np.ndarray,
    baseline: Baseline,
    judged: np.ndarray,
) -> Parts:
    """What has no usual number, and comes in numbers.

    The number of what has come back (``back``, (n,)) is held against those in which it came before: that it
    comes at all is a matter of novelty. A new line (``fresh``, (n,)) has none to be held against, and a deploy
    brings some: it is worth :data:`FRESH_BITS`, or nothing where its program calls it DEBUG, and what its
    number surprises by among those of the service's other lines.
    """
    e = entries
    at = np.flatnonzero(judged[e.row] & (e.count >= SURGE_COUNT) & seldom)
    sums = baseline.keys.look_up(e.code[at])
    came_before = back[at] & (sums[:, WINDOWS] > 0)
    windows = np.where(came_before, sums[:, WINDOWS], e.watched[e.row[at], 1])
    asked = e.row[at], e.level[at], e.template[at], e.count[at]
    upward = np.zeros(len(at), dtype=bool)
    found = surprises(*asked, sums, windows, upward)
    lines = baseline.numbers.look_up(e.groups[e.row[at]])
    among_others = surprises(*asked, lines, lines[:, WINDOWS], upward).bits
    debugging = (e.level[at] == Level.TRACE) | (e.level[at] == Level.DEBUG)
    most = among_others + FRESH_BITS * ~debugging
    return replace(found, bits=np.where(fresh[at], np.minimum(found.bits, most), found.bits))


def _counts_of(
    rows: np.ndarray, code: np.ndarray, row: np.ndarray, codes: np.ndarray, count: np.ndarray
) -> np.ndarray:
    """Count of each wanted (row, code) among the entries; 0 where it did not occur."""
    if not len(rows) or not len(row):
        return np.zeros(len(rows))
    names, packed = np.unique(codes, return_inverse=True)
    width = len(names)
    present = row * width + packed.reshape(-1)
    order = np.argsort(present)
    at = np.minimum(np.searchsorted(names, code), width - 1)
    wanted = rows * width + at
    position = np.minimum(np.searchsorted(present[order], wanted), len(order) - 1)
    hit = (names[at] == code) & (present[order[position]] == wanted)
    return np.where(hit, count[order[position]], 0.0)


def _unless_usual_lately(
    parts: Parts, entries: Entries, lately: Baseline, suppressor: Suppressor
) -> Parts:
    """Count surprises that are none by the last hour are as small as that says: load drifts."""
    watched, _ = watched_for(entries.groups, entries.silent, lately)
    at = np.flatnonzero((parts.bits > DRIFT_BITS) & (watched[parts.row, 1] >= LATELY_WINDOWS))
    if not len(at):
        return parts
    rows, level, template = parts.row[at], parts.level[at], parts.template[at]
    volume = template == VOLUME_TEMPLATE
    codes = key_codes(entries.groups[rows], level, np.where(volume, 0, template))
    volumes = suppressor.volumes(lately, codes, entries.ends[rows])
    sums = np.where(volume[:, None], volumes, lately.keys.look_up(codes))
    windows, both = watched[rows, 1], entries.settled[rows]
    again = surprises(rows, level, template, parts.count[at], sums, windows, both)
    bits = parts.bits.copy()
    bits[at] = np.minimum(bits[at], again.bits)
    return replace(parts, bits=bits)
