"""Which keys of a batch are new or rare, and how much that means."""

from __future__ import annotations

import numpy as np

from log_guard.core.baseline.baseline import SPELL, STEADY, Baseline, Known, there_for
from log_guard.core.baseline.columns import (
    COUNT,
    SPELLS,
    STATEMENT_SPELLS,
    STATEMENT_WINDOWS,
    TRACE,
)
from log_guard.core.baseline.keys import (
    ALL_LEVELS,
    TROUBLED,
    code_templates,
    key_codes,
    volume_codes,
    without_groups,
)
from log_guard.core.detectors.novelty import AGAIN, TROUBLE_AGAIN, novelty_bits
from log_guard.core.events import Level
from log_guard.core.exact import exact
from log_guard.core.scoring.entries import Entries
from log_guard.core.scoring.parts import NOVELTY, Parts
from log_guard.core.windows import WHOLE

UNKNOWN_SHARE = 0.1
"""Share of events of a level, or of talk of trouble, in a group without history."""
WIDESPREAD = 2
"""In so many other services trouble is known elsewhere."""
NEWS = 0
"""Stands for all statements that are new and no trouble."""
OWN_SPELLS = 720.0
"""A statement is rare among the spells since it was first made, or among those of a day, if that is more."""


def novelty_parts(entries: Entries, returning: np.ndarray, known: Known) -> Parts:
    """A part for each key that occurs; ``returning``: whether it is known to come back, (n,)."""
    e, baseline, lately = entries, known.baseline, known.lately
    spells, windows = e.watched[e.row, 0], e.watched[e.row, 1]
    keys = baseline.keys.look_up(e.code)
    statements = baseline.statements.look_up(e.said)
    once = np.where(e.harmless, AGAIN, TROUBLE_AGAIN)
    again = lately.statements.look_up(e.said)[:, STATEMENT_SPELLS]
    peaks = baseline.statements.look_up_peaks(e.said)
    # A deploy brings a line that comes every ten minutes from then on: in a month of history it would
    # be rare for weeks.
    since = np.maximum(there_for(peaks, e.ends[e.row] // SPELL), OWN_SPELLS)
    bits = novelty_bits(
        keys[:, SPELLS],
        spells,
        statements[:, STATEMENT_SPELLS],
        _tone_shares(e.groups[e.row], e.level, e.troubled, baseline),
        e.level >= Level.ERROR,
        [
            (again - once, lately.groups.look_up(e.groups)[e.row, 0]),
            (statements[:, STATEMENT_SPELLS] - once, np.minimum(since, spells)),
        ],
        returning,
        _in_the_whole_stream(e, baseline),
    )
    # What is nearly always there comes together with everything, and so with nothing. Nor does what is
    # severe: a restart is one event, a hundred errors are more than one.
    often = statements[:, STATEMENT_WINDOWS] >= STEADY * np.maximum(windows, 1.0)
    trace = np.where(often | (e.level >= Level.ERROR), 0.0, peaks[:, TRACE])
    unheard = e.harmless & (statements[:, STATEMENT_SPELLS] == 0)
    said = np.where(unheard, NEWS, e.said)
    return Parts(
        row=e.row,
        detector=np.full(len(e.row), NOVELTY),
        level=e.level,
        template=e.template,
        count=e.count,
        mean=keys[:, COUNT] / np.maximum(windows, 1.0),
        variance=np.zeros(len(e.row)),
        bits=together(np.where(e.spared, 0.0, bits), e.row, trace, said),
        side=np.ones(len(e.row)),
        windows=np.ones(len(e.row)),
        turn=np.zeros(len(e.row)),
    )


def _in_the_whole_stream(entries: Entries, baseline: Baseline) -> tuple[np.ndarray, np.ndarray]:
    """Spells of the whole stream with each statement that is known elsewhere, (n,), and those watched.

    Trouble is news in each service that has it, until several have it: all that are clients of a broker lose it
    now and then. Of a stream of one group nothing is elsewhere.
    """
    e = entries
    own = baseline.statements.look_up(e.said)[:, STATEMENT_SPELLS] > 0
    others = baseline.spread.look_up(without_groups(e.said))[:, 0] - own
    whole = np.full(len(e.said), WHOLE)
    codes = key_codes(whole, e.level, code_templates(e.said))
    spells = baseline.statements.look_up(codes)[:, STATEMENT_SPELLS]
    elsewhere = e.harmless | (others >= WIDESPREAD)
    return np.where(elsewhere, spells, 0.0), baseline.groups.look_up(whole)[:, 0]


def _tone_shares(
    groups: np.ndarray, level: np.ndarray, troubled: np.ndarray, baseline: Baseline
) -> np.ndarray:
    """Share of the group's events that have the level or, if that is less, speak of trouble too, (n,)."""
    level_share = _shares(groups, level, baseline)
    talk = _shares(groups, TROUBLED, baseline)
    return np.where(troubled, np.minimum(level_share, talk), level_share)


def _shares(groups: np.ndarray, level: np.ndarray | int, baseline: Baseline) -> np.ndarray:
    """Share of the group's events under a level, (n,); of a group without history a tenth."""
    mine = baseline.volumes.look_up(volume_codes(groups, level))[:, COUNT]
    total = baseline.volumes.look_up(volume_codes(groups, ALL_LEVELS))[:, COUNT]
    return np.where(total > 0, (mine + 0.5) / (total + 1.0), UNKNOWN_SHARE)


def together(
    bits: np.ndarray, row: np.ndarray, trace: np.ndarray, statement: np.ndarray
) -> np.ndarray:
    """Count what is one thing as one surprise; all (n,), ``row`` ascending.

    A restart logs a hundred lines of which each is rare; it is one rare event and not a hundred. So
    within a window the keys of one trace (they came together in history too) or, where there is none,
    of one statement share the bits of the most surprising of them: the norm of their parts is that of
    the largest alone. What is new and no trouble (:data:`NEWS`) has no history of coming together, and mostly
    is one thing all the same; sixteen such statements are twice the surprise of one (the 4-norm).
    """
    if not len(bits):
        return bits
    # Traces and codes of statements are whole numbers: one sign tells them apart.
    cluster = np.where(trace > 0, trace.astype(np.int64), -1 - statement)
    order = np.lexsort((cluster, row))
    fresh = (np.diff(row[order]) != 0) | (np.diff(cluster[order]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], fresh]))
    largest = np.maximum.reduceat(bits[order], starts)
    norm = np.sqrt(np.add.reduceat(exact(bits[order] ** 2), starts))
    news = cluster[order][starts] == -1 - NEWS
    fourth = np.sqrt(np.sqrt(np.add.reduceat(exact(bits[order] ** 4), starts)))
    factor = np.where(news, fourth, largest) / np.maximum(norm, 1e-6)
    shared = np.empty(len(bits))
    sizes = np.diff(np.append(starts, len(bits)))
    shared[order] = exact(bits[order] * np.repeat(factor, sizes))
    return shared
