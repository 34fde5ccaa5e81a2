"""Windows + baseline → how surprising each window is, and which counts make it so.

Sums run over whole multiples of 2**-20 and are exact: the same window gets the same parts, bit by bit,
in whatever company it is scored.
"""

from __future__ import annotations

import numpy as np

from log_guard.core.baseline.baseline import SPELL, Known, known_for, there_for
from log_guard.core.detectors.novelty import RETURN_SPELLS
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.scoring.counts import count_parts
from log_guard.core.scoring.entries import Entries, entries_of
from log_guard.core.scoring.gaps import Telling
from log_guard.core.scoring.lasting import Shifts, shifts_of
from log_guard.core.scoring.novel import novelty_parts
from log_guard.core.scoring.parts import VOLUME_TEMPLATE, Parts
from log_guard.core.scoring.shifts import shift_parts
from log_guard.core.statements import Templates
from log_guard.core.windows import WindowBatch

MIN_WINDOWS = 5
"""Windows of history below which not all of a group's counts are judged."""


def find_parts(
    batch: WindowBatch,
    known: Known,
    templates: Templates,
    suppressor: Suppressor,
    min_windows: float = MIN_WINDOWS,
    shifts: Shifts | None = None,
    telling: Telling | None = None,
) -> Parts:
    """Parts of all windows of a batch.

    templates:    the table of the batch's template ids.
    suppressor:   whose templates make no part.
    min_windows:  as :data:`MIN_WINDOWS`; infinite while there is no history to calibrate by.
    shifts:       what has lasted, where that is known already.
    telling:      by what silences are told for their length; None: they are not.
    """
    entries = entries_of(batch, known.baseline, templates, suppressor)
    peaks = known.baseline.statements.look_up_peaks(entries.said)
    returning = (known_for(peaks) >= RETURN_SPELLS) & entries.harmless
    since = there_for(peaks, entries.ends[entries.row] // SPELL)
    young = np.minimum(RETURN_SPELLS, entries.watched[entries.row, 0] / 2.0)
    fresh = (since < young) & entries.harmless
    novelty = novelty_parts(entries, returning, known)
    counts = count_parts(
        entries, returning, fresh, known, min_windows, suppressor, batch.recent.window, telling
    )
    left = np.flatnonzero(~_suppressed(counts, entries, suppressor))
    if shifts is None:
        shifts = shifts_of(entries.ends, batch.recent, known, suppressor)
    lasting = shift_parts(entries, shifts, known.baseline)
    return Parts.join([novelty, counts.take(left), lasting])


def _suppressed(parts: Parts, entries: Entries, suppressor: Suppressor) -> np.ndarray:
    """Which counts are those of suppressed templates, (n,)."""
    key = parts.template != VOLUME_TEMPLATE
    about = entries.groups[parts.row], parts.level, np.where(key, parts.template, 0)
    return np.asarray(key & suppressor.covered(*about, entries.ends[parts.row]))
