"""Windows + baseline → how surprising each window is, and which counts make it so.

Every score is the norm of **parts**: one part a key or a volume, its surprise in bits divided by what
the calibration gave its detector. So shares of the score add up, and the evidence is the score itself
taken apart, not a second opinion. Sums run over whole multiples of 2**-20 and are exact: the same
window gets the same score, bit by bit, in whatever company it is scored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from log_guard.core.baseline import (
    ALL_LEVELS,
    COUNT,
    SPELLS,
    SQUARES,
    STATEMENT_SPELLS,
    STATEMENT_WINDOWS,
    STEADY,
    TRACE,
    TROUBLED,
    Baseline,
    code_groups,
    code_levels,
    code_templates,
    key_codes,
    known_for,
)
from log_guard.core.detectors.novelty import (
    AGAIN,
    RETURN_SHARE,
    RETURN_SPELLS,
    TROUBLE_AGAIN,
    exact,
    novelty_bits,
)
from log_guard.core.detectors.surprise import moments, tail_bits
from log_guard.core.events import Level
from log_guard.core.statements import Templates
from log_guard.core.suppression import Suppressor
from log_guard.core.windows import WindowBatch

NOVELTY, SURPRISE = 0, 1
KINDS = ("novelty", "surprise")

MIN_WINDOWS = 5
"""Windows of history below which not all of a group's counts are judged."""
FIRST_WINDOWS = 2
"""And below which none is; between the two, only bursts of errors and silence are."""
SURGE_COUNT = 5.0
"""The count of what is not steady, or was never seen, is judged from so many events a window on."""
DRIFT_BITS = 4.0
"""Count surprises above this are looked at again by what the last hour taught."""
LATELY_WINDOWS = 60
"""If it taught at least so much."""
UNKNOWN_SHARE = 0.1
"""Share of events of a level, or of talk of trouble, in a group without history."""
VOLUME_TEMPLATE = -1
"""Stands for 'no template': the part is a volume (a level's count, or all events)."""


@dataclass(frozen=True)
class Parts:
    """Surprises of counts, n of them, sorted by nothing in particular.

    row:       (n,) index of the window
    detector:  (n,) NOVELTY or SURPRISE
    level:     (n,) level, or ALL_LEVELS
    template:  (n,) template id, or VOLUME_TEMPLATE
    count:     (n,) observed
    mean, variance:  (n,) of the history, a window
    bits:      (n,) surprise
    side:      (n,) 1 too many, -1 too few
    """

    row: np.ndarray
    detector: np.ndarray
    level: np.ndarray
    template: np.ndarray
    count: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    bits: np.ndarray
    side: np.ndarray

    def take(self, chosen: np.ndarray) -> Parts:
        """Return the parts at these indexes."""
        return Parts(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    @staticmethod
    def join(parts: list[Parts]) -> Parts:
        return Parts(
            *(
                np.concatenate([getattr(p, name) for p in parts])
                for name in Parts.__dataclass_fields__
            )
        )


def find_parts(
    batch: WindowBatch,
    baseline: Baseline,
    templates: Templates,
    suppressor: Suppressor | None = None,
    min_windows: float = MIN_WINDOWS,
    lately: Baseline | None = None,
) -> Parts:
    """Parts of all windows of a batch.

    templates:    the table of the batch's template ids.
    suppressor:   whose templates make no part.
    min_windows:  as :data:`MIN_WINDOWS`; infinite while there is no history to calibrate by.
    lately:       what the last hour taught, which is part of ``baseline`` too.
    """
    lately = lately or Baseline.empty()
    groups = batch.rows["group"].to_numpy()
    row = batch.entries["row"].to_numpy()
    level = batch.entries["level"].to_numpy().astype(np.int64)
    template = batch.entries["template"].to_numpy()
    count = batch.entries["count"].to_numpy().astype(float)
    ends = batch.rows["end"].to_numpy()
    spared = np.zeros(len(row), dtype=bool)
    if suppressor is not None and suppressor.entries:
        spared = suppressor.covered(groups[row], level, template, ends[row])
    codes = key_codes(groups[row], level, template)
    watched = baseline.groups.look_up(groups)  # (rows, 2): spells, windows
    known = baseline.keys.look_up(codes)
    said = key_codes(groups[row], level, templates.statements(template))
    statements = baseline.statements.look_up(said)
    peaks = baseline.statements.look_up_peaks(said)
    troubled = templates.troubled(template)
    severe = level >= Level.ERROR
    again = lately.statements.look_up(said)[:, STATEMENT_SPELLS] - np.where(
        severe | troubled, TROUBLE_AGAIN, AGAIN
    )
    returning = (known_for(peaks) >= RETURN_SPELLS) & ~severe & ~troubled
    bits = novelty_bits(
        known[:, SPELLS],
        watched[row, 0],
        statements[:, STATEMENT_SPELLS],
        _tone_shares(groups[row], level, troubled, baseline),
        severe,
        (np.maximum(again, 0.0), lately.groups.look_up(groups)[row, 0]),
        returning,
    )
    # What is nearly always there comes together with everything, and so with nothing.
    often = statements[:, STATEMENT_WINDOWS] >= STEADY * np.maximum(watched[row, 1], 1.0)
    trace = np.where(often, 0.0, peaks[:, TRACE])
    novelty = Parts(
        row=row,
        detector=np.full(len(row), NOVELTY),
        level=level,
        template=template,
        count=count,
        mean=known[:, COUNT] / np.maximum(watched[row, 1], 1.0),
        variance=np.zeros(len(row)),
        bits=together(np.where(spared, 0.0, bits), row, trace, said),
        side=np.ones(len(row)),
    )
    whole = batch.rows["whole"].to_numpy() & batch.final
    judged = watched[:, 1] >= min_windows
    volumes = _volume_parts(groups, row, level, count, spared, watched, baseline, whole, judged)
    usual = _steady_parts(groups, codes, row, count, watched, baseline, whole, judged)
    seldom = judged[row] & (count >= SURGE_COUNT) & ~np.isin(codes, baseline.steady)
    at = np.flatnonzero(seldom)
    surging = _surprises(row[at], level[at], template[at], count[at], known[at], watched, whole)
    halved = np.where(returning[at], RETURN_SHARE, 1.0)
    surging = replace(surging, bits=exact(halved * surging.bits))
    usual = Parts.join([usual, surging])
    if suppressor is not None and suppressor.entries:
        about = groups[usual.row], usual.level, usual.template, ends[usual.row]
        usual = usual.take(np.flatnonzero(~suppressor.covered(*about)))
    counts = _unless_usual_lately(Parts.join([volumes, usual]), groups, whole, lately)
    return Parts.join([novelty, _longer_silence(counts, batch)])


def _unless_usual_lately(
    parts: Parts, groups: np.ndarray, whole: np.ndarray, lately: Baseline
) -> Parts:
    """Count surprises that are none by the last hour are as small as that says: load drifts."""
    watched = lately.groups.look_up(groups)
    at = np.flatnonzero((parts.bits > DRIFT_BITS) & (watched[parts.row, 1] >= LATELY_WINDOWS))
    if not len(at):
        return parts
    template = parts.template[at]
    volume = template == VOLUME_TEMPLATE
    codes = key_codes(groups[parts.row[at]], parts.level[at], np.where(volume, 0, template))
    sums = np.where(volume[:, None], lately.volumes.look_up(codes), lately.keys.look_up(codes))
    again = _surprises(
        parts.row[at], parts.level[at], template, parts.count[at], sums, watched, whole
    )
    bits = parts.bits.copy()
    bits[at] = np.minimum(bits[at], again.bits)
    return replace(parts, bits=bits)


def _longer_silence(parts: Parts, batch: WindowBatch) -> Parts:
    """Silence is the more surprising the longer it lasts: no event in ten windows is ten times no event."""
    every = (parts.template == VOLUME_TEMPLATE) & (parts.level == ALL_LEVELS)
    windows = np.where(every, batch.rows["silent"].to_numpy()[parts.row], 1.0)
    return replace(parts, bits=exact(parts.bits * np.maximum(windows, 1.0)))


def _tone_shares(
    groups: np.ndarray, level: np.ndarray, troubled: np.ndarray, baseline: Baseline
) -> np.ndarray:
    """Share of the group's events that have the level or, if that is less, speak of trouble too, (n,)."""
    level_share = _shares(groups, level, baseline)
    talk = _shares(groups, np.full(len(groups), TROUBLED), baseline)
    return np.where(troubled, np.minimum(level_share, talk), level_share)


def _shares(groups: np.ndarray, level: np.ndarray, baseline: Baseline) -> np.ndarray:
    """Share of the group's events under a level, (n,); of a group without history a tenth."""
    zero = np.zeros(len(groups), dtype=np.int64)
    mine = baseline.volumes.look_up(key_codes(groups, level, zero))[:, COUNT]
    every = np.full(len(groups), ALL_LEVELS)
    total = baseline.volumes.look_up(key_codes(groups, every, zero))[:, COUNT]
    return np.where(total > 0, (mine + 0.5) / (total + 1.0), UNKNOWN_SHARE)


def together(
    bits: np.ndarray, row: np.ndarray, trace: np.ndarray, statement: np.ndarray
) -> np.ndarray:
    """Count what is one thing as one surprise; all (n,), ``row`` ascending.

    A restart logs a hundred lines of which each is rare; it is one rare event and not a hundred. So
    within a window the keys of one trace (they came together in history too) or, where there is none,
    of one statement share the bits of the most surprising of them: the norm of their parts is that of
    the largest alone.
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
    factor = largest / np.maximum(norm, 1e-6)
    shared = np.empty(len(bits))
    sizes = np.diff(np.append(starts, len(bits)))
    shared[order] = exact(bits[order] * np.repeat(factor, sizes))
    return shared


def _volume_parts(
    groups: np.ndarray,
    row: np.ndarray,
    level: np.ndarray,
    count: np.ndarray,
    spared: np.ndarray,
    watched: np.ndarray,
    baseline: Baseline,
    whole: np.ndarray,
    judged: np.ndarray,
) -> Parts:
    levels = np.array([*range(7), ALL_LEVELS])
    counts = _by_level(len(groups), row, level, count)
    without = _by_level(len(groups), row[~spared], level[~spared], count[~spared])
    chosen = np.flatnonzero(watched[:, 1] >= FIRST_WINDOWS)
    rows = np.repeat(chosen, len(levels))
    which = np.tile(levels, len(chosen))
    observed = counts[chosen].reshape(-1)
    least = without[chosen].reshape(-1)
    sums = baseline.volumes.look_up(
        key_codes(groups[rows], which, np.zeros(len(rows), dtype=np.int64))
    )
    if spared.any():
        usual, _ = moments(sums[:, [COUNT, SQUARES]], watched[rows, 1])
        observed = np.clip(np.round(usual), least, observed)
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
    return _surprises(
        rows, which, np.full(len(rows), VOLUME_TEMPLATE), observed, sums, watched, whole
    )


def _by_level(windows: int, row: np.ndarray, level: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Events by level, and last of all levels, (windows, 8)."""
    counts = np.zeros((windows, 8))
    np.add.at(counts, (row, level), count)
    counts[:, -1] = counts.sum(axis=1)
    return counts


def _steady_parts(
    groups: np.ndarray,
    codes: np.ndarray,
    row: np.ndarray,
    count: np.ndarray,
    watched: np.ndarray,
    baseline: Baseline,
    whole: np.ndarray,
    judged: np.ndarray,
) -> Parts:
    steady = baseline.steady
    steady_group = code_groups(steady)
    first = np.searchsorted(steady_group, groups, side="left")
    many = (np.searchsorted(steady_group, groups, side="right") - first) * judged
    rows = np.repeat(np.arange(len(groups)), many)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
    code = steady[np.repeat(first, many) + within]
    observed = _counts_of(rows, code, row, codes, count)
    return _surprises(
        rows,
        code_levels(code),
        code_templates(code),
        observed,
        baseline.keys.look_up(code),
        watched,
        whole,
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
    watched: np.ndarray,
    whole: np.ndarray,
) -> Parts:
    mean, variance = moments(sums[:, [1, 2]], watched[rows, 1])
    bits, side = tail_bits(observed, mean, variance)
    upward, _ = tail_bits(observed, mean, variance, both=False)
    partial = ~whole[rows]
    return Parts(
        row=rows,
        detector=np.full(len(rows), SURPRISE),
        level=level,
        template=template,
        count=observed,
        mean=mean,
        variance=variance,
        bits=np.where(partial, upward, bits),
        side=np.where(partial, 1.0, side),
    )


def detector_values(parts: Parts, rows: int) -> np.ndarray:
    """Norm of the bits of each detector, (rows, 2)."""
    squares = np.zeros((rows, len(KINDS)))
    np.add.at(squares, (parts.row, parts.detector), _square(parts.bits))
    return np.sqrt(squares)


def weighted_squares(parts: Parts, scale: np.ndarray) -> np.ndarray:
    """Squared contribution of each part, (n,), given the scales of the detectors, (2,)."""
    return _square(parts.bits / scale[parts.detector])


def _square(values: np.ndarray) -> np.ndarray:
    return exact(values * values)
