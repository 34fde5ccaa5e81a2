"""Which counts of a batch are above or below what is usual: volumes, steady keys, surges, silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from log_guard.core.baseline import (
    ALL_LEVELS,
    COUNT,
    SQUARES,
    WINDOWS,
    Baseline,
    code_groups,
    code_levels,
    code_templates,
    key_codes,
)
from log_guard.core.detectors.novelty import exact, rarity_bits
from log_guard.core.detectors.surprise import moments, tail_bits
from log_guard.core.entries import Entries, watched_for
from log_guard.core.events import Level
from log_guard.core.parts import SURPRISE, VOLUME_TEMPLATE, Parts
from log_guard.core.suppression import Suppressor

FIRST_WINDOWS = 2
"""Windows of history below which no count is judged; below ``min_windows``, only bursts of errors and
silence are."""
SURGE_COUNT = 5.0
"""The count of what is not steady, or was never seen, is judged from so many events a window on."""
DRIFT_BITS = 4.0
"""Count surprises above this are looked at again by what the last hour taught."""
LATELY_WINDOWS = 60
"""If it taught at least so much."""


def count_parts(
    entries: Entries,
    returning: np.ndarray,
    baseline: Baseline,
    lately: Baseline,
    min_windows: float,
    suppressor: Suppressor | None = None,
) -> Parts:
    """Parts of the volumes of all windows, of the steady keys of their groups, and of surges.

    returning:    whether the key is known to come back, (n,).
    min_windows:  of history, below which a group's counts are not judged.
    suppressor:   whose templates count in no volume.
    """
    judged = entries.watched[:, 1] >= min_windows
    seldom = ~np.isin(entries.code, baseline.steady)
    back = returning & seldom
    found = [
        _volume_parts(entries, back, baseline, judged, suppressor),
        _steady_parts(entries, baseline, judged),
        _surges(entries, seldom, back, baseline, judged),
    ]
    drifted = _unless_usual_lately(Parts.join(found), entries, lately, suppressor)
    return _longer_silence(drifted, entries)


def _volume_parts(
    entries: Entries,
    back: np.ndarray,
    baseline: Baseline,
    judged: np.ndarray,
    suppressor: Suppressor | None,
) -> Parts:
    """Levels and totals; what has come back (``back``, (n,)) explains as much of them as it came to before."""
    e, watched = entries, entries.watched
    windows = len(e.groups)
    levels = np.array([*range(7), ALL_LEVELS])
    heard = ~e.spared
    counts = _by_level(windows, e.row[heard], e.level[heard], e.count[heard])
    at = np.flatnonzero(back & heard)
    explained = _by_level(windows, e.row[at], e.level[at], _came_before(e, at, baseline))
    chosen = np.flatnonzero(watched[:, 1] >= FIRST_WINDOWS)
    rows = np.repeat(chosen, len(levels))
    which = np.tile(levels, len(chosen))
    observed = counts[chosen].reshape(-1)
    codes = key_codes(e.groups[rows], which, np.zeros(len(rows), dtype=np.int64))
    sums = _volume_sums(baseline, codes, e.ends[rows], suppressor)
    if len(at):
        usual = np.ceil(moments(sums[:, [COUNT, SQUARES]], watched[rows, 1])[0])
        least = observed - explained[chosen].reshape(-1)
        observed = np.clip(usual, least, observed)
    # Events without a level are judged by the total alone.
    there = ((observed > 0) | (sums[:, COUNT] > 0)) & (which != Level.UNSPECIFIED)
    errors = (
        (which >= Level.ERROR)
        & (which < ALL_LEVELS)
        & (observed * watched[rows, 1] > sums[:, COUNT])
    )
    silence = (which == ALL_LEVELS) & (observed == 0)
    there &= judged[rows] | errors | silence
    rows, which, observed, sums = rows[there], which[there], observed[there], sums[there]
    template = np.full(len(rows), VOLUME_TEMPLATE)
    return _surprises(rows, which, template, observed, sums, watched[rows, 1], e.whole[rows])


def _came_before(entries: Entries, at: np.ndarray, baseline: Baseline) -> np.ndarray:
    """Events of these entries, (n,), as far as they came in such numbers before."""
    sums = baseline.keys.look_up(entries.code[at])
    mean = sums[:, COUNT] / np.maximum(sums[:, WINDOWS], 1.0)
    return np.asarray(np.minimum(entries.count[at], np.ceil(mean)))


def _volume_sums(
    baseline: Baseline, codes: np.ndarray, ends: np.ndarray, suppressor: Suppressor | None
) -> np.ndarray:
    """Sums of these volumes, (n, 4), without what is suppressed at these ends, (n,)."""
    if suppressor is None:
        return baseline.volumes.look_up(codes)
    return suppressor.volumes(baseline, codes, ends)


def _by_level(windows: int, row: np.ndarray, level: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Events by level, and last of all levels, (windows, 8)."""
    counts = np.zeros((windows, 8))
    np.add.at(counts, (row, level), count)
    counts[:, -1] = counts.sum(axis=1)
    return counts


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
    return _surprises(
        *(rows, code_levels(code), code_templates(code), observed, sums),
        *(e.watched[rows, 1], e.whole[rows]),
    )


def _surges(
    entries: Entries,
    seldom: np.ndarray,
    back: np.ndarray,
    baseline: Baseline,
    judged: np.ndarray,
) -> Parts:
    """What has no usual number, and comes in numbers.

    The number of what has come back (``back``, (n,)) is held against those in which it came before: that it
    comes at all is a matter of novelty.
    """
    e = entries
    at = np.flatnonzero(judged[e.row] & (e.count >= SURGE_COUNT) & seldom)
    sums = baseline.keys.look_up(e.code[at])
    known = back[at] & (sums[:, WINDOWS] > 0)
    windows = np.where(known, sums[:, WINDOWS], e.watched[e.row[at], 1])
    return _surprises(
        e.row[at], e.level[at], e.template[at], e.count[at], sums, windows, np.zeros(len(at), bool)
    )


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


def _surprises(
    rows: np.ndarray,
    level: np.ndarray,
    template: np.ndarray,
    observed: np.ndarray,
    sums: np.ndarray,
    windows: np.ndarray,
    both: np.ndarray,
) -> Parts:
    """All (n,): sums over so many windows of history; whether too few would be a surprise, too."""
    mean, variance = moments(sums[:, [COUNT, SQUARES]], windows)
    bits, side = tail_bits(observed, mean, variance)
    upward, _ = tail_bits(observed, mean, variance, both=False)
    return Parts(
        row=rows,
        detector=np.full(len(rows), SURPRISE),
        level=level,
        template=template,
        count=observed,
        mean=mean,
        variance=variance,
        bits=np.where(both, bits, upward),
        side=np.where(both, side, 1.0),
    )


def _unless_usual_lately(
    parts: Parts, entries: Entries, lately: Baseline, suppressor: Suppressor | None
) -> Parts:
    """Count surprises that are none by the last hour are as small as that says: load drifts."""
    watched, _ = watched_for(entries.groups, entries.silent, lately)
    at = np.flatnonzero((parts.bits > DRIFT_BITS) & (watched[parts.row, 1] >= LATELY_WINDOWS))
    if not len(at):
        return parts
    template = parts.template[at]
    volume = template == VOLUME_TEMPLATE
    codes = key_codes(entries.groups[parts.row[at]], parts.level[at], np.where(volume, 0, template))
    volumes = _volume_sums(lately, codes, entries.ends[parts.row[at]], suppressor)
    sums = np.where(volume[:, None], volumes, lately.keys.look_up(codes))
    rows = parts.row[at]
    again = _surprises(
        *(rows, parts.level[at], template, parts.count[at], sums),
        *(watched[rows, 1], entries.whole[rows]),
    )
    bits = parts.bits.copy()
    bits[at] = np.minimum(bits[at], again.bits)
    return replace(parts, bits=bits)


def _longer_silence(parts: Parts, entries: Entries) -> Parts:
    """Silence is the more surprising the longer it lasts: no event in ten windows is ten times no event.

    That takes windows not to depend on one another. Those of a service that sleeps at night do, so where
    history holds whole spells of silence, it is no more surprising than as many of those are rare. Nor does
    a history tell of silences that are longer than itself: those surprise as much as one as long.
    """
    every = (parts.template == VOLUME_TEMPLATE) & (parts.level == ALL_LEVELS)
    lasted = np.minimum(entries.silent, entries.watched[:, 1])
    windows = np.maximum(np.where(every, lasted[parts.row], 1.0), 1.0)
    bits = parts.bits * windows
    at = np.flatnonzero(every & (parts.count == 0))
    row = parts.row[at]
    spells, watched = entries.watched[row].T
    silent = entries.empty[row]
    slept = np.maximum(windows[at] * spells / np.maximum(watched, 1.0), 1.0)
    most = np.where(silent > 0, rarity_bits(silent, spells) * slept, np.inf)
    bits[at] = np.minimum(bits[at], most)
    return replace(parts, bits=exact(bits))
