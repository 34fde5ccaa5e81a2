"""The volumes of windows: events of each level, all events, and how long there were none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.columns import COUNT, SQUARES, WINDOWS
from log_guard.core.baseline.keys import ALL_LEVELS, volume_codes
from log_guard.core.detectors.novelty import rarity_bits
from log_guard.core.detectors.surprise import moments
from log_guard.core.events import Level
from log_guard.core.exact import exact
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.scoring.entries import Entries
from log_guard.core.scoring.gaps import Telling, bits_for_length
from log_guard.core.scoring.parts import VOLUME_TEMPLATE, Parts
from log_guard.core.scoring.surprises import surprises
from log_guard.core.windows.spec import SILENCE_SHOWN

FIRST_WINDOWS = 2
"""Windows of history below which no count is judged; below ``min_windows``, only bursts of errors and
silence are."""


def volume_parts(
    entries: Entries,
    back: np.ndarray,
    fresh: np.ndarray,
    baseline: Baseline,
    judged: np.ndarray,
    suppressor: Suppressor,
) -> Parts:
    """Levels and totals.

    What has come back (``back``, (n,)) explains as much of them as it came to before, and what is new and no
    trouble (``fresh``, (n,)) all that it comes to of its level: a program that is told to log at DEBUG does.
    """
    e, watched = entries, entries.watched
    windows = len(e.groups)
    levels = np.array([*range(7), ALL_LEVELS])
    heard = ~e.spared
    counts = _by_level(windows, e.row[heard], e.level[heard], e.count[heard])
    at, new = np.flatnonzero(back & heard), np.flatnonzero(fresh & heard)
    explained = _by_level(windows, e.row[at], e.level[at], _came_before(e, at, baseline))
    explained[:, :-1] += _by_level(windows, e.row[new], e.level[new], e.count[new])[:, :-1]
    chosen = np.flatnonzero(watched[:, 1] >= FIRST_WINDOWS)
    rows = np.repeat(chosen, len(levels))
    which = np.tile(levels, len(chosen))
    observed = counts[chosen].reshape(-1)
    codes = volume_codes(e.groups[rows], which)
    sums = suppressor.volumes(baseline, codes, e.ends[rows])
    if len(at) or len(new):
        mean, _ = moments(sums[:, [COUNT, SQUARES]], watched[rows, 1])
        usual = np.where(sums[:, COUNT] > 0, np.ceil(mean), 0.0)
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
    return surprises(rows, which, template, observed, sums, watched[rows, 1], e.settled[rows])


def _came_before(entries: Entries, at: np.ndarray, baseline: Baseline) -> np.ndarray:
    """Events of these entries, (n,), as far as they came in such numbers before."""
    sums = baseline.keys.look_up(entries.code[at])
    mean = sums[:, COUNT] / np.maximum(sums[:, WINDOWS], 1.0)
    return np.asarray(np.minimum(entries.count[at], np.ceil(mean)))


def _by_level(windows: int, row: np.ndarray, level: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Events by level, and last of all levels, (windows, 8)."""
    counts = np.zeros((windows, 8))
    np.add.at(counts, (row, level), count)
    counts[:, -1] = counts.sum(axis=1)
    return counts


def longer_silence(
    parts: Parts, entries: Entries, baseline: Baseline, window: int, telling: Telling | None
) -> Parts:
    """Silence is the more surprising the longer it lasts: no event in ten windows is ten times no event.

    That takes windows not to depend on one another. Those of a service that sleeps at night do, so where
    history holds whole spells of silence, it is no more surprising than as many of those are rare. Nor does
    a history tell of silences that are longer than itself: those surprise as much as one as long.
    Beyond a quarter of an hour it surprises no more than it did by then, so that what was told goes on and nothing comes
    up; whether so long a gap is a surprise of its own is another question (``gaps.py``), and the only one that is left.

    window:  its length, µs.
    """
    every = (parts.template == VOLUME_TEMPLATE) & (parts.level == ALL_LEVELS)
    shown = SILENCE_SHOWN / window
    lasted = np.minimum(np.minimum(entries.silent, shown), entries.watched[:, 1])
    windows = np.maximum(np.where(every, lasted[parts.row], 1.0), 1.0)
    bits = parts.bits * windows
    at = np.flatnonzero(every & (parts.count == 0))
    row = parts.row[at]
    spells, watched = entries.watched[row].T
    silent = entries.empty[row]
    slept = np.maximum(windows[at] * spells / np.maximum(watched, 1.0), 1.0)
    most = np.where(silent > 0, rarity_bits(silent, spells) * slept, np.inf)
    bits[at] = np.minimum(bits[at], most)
    if len(at) and telling is not None:
        length = entries.silent[row] * window
        by_length = bits_for_length(baseline, entries.groups[row], length, window, telling)
        bits[at] = np.maximum(bits[at], np.where(parts.side[at] < 0, by_length, 0.0))
    return replace(parts, bits=exact(bits))
