"""A batch of windows as arrays: what occurred, and what is asked of each occurrence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.columns import SPELLS, WATCHED_SPELLS, WATCHED_WINDOWS, WINDOWS
from log_guard.core.baseline.keys import ALL_LEVELS, key_codes, volume_codes
from log_guard.core.events import Level
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.statements import Templates
from log_guard.core.windows import WindowBatch

NEWCOMER_WINDOWS = 120.0
"""So many windows, or half of the stream's, a group is a newcomer."""


@dataclass(frozen=True)
class Entries:
    """Windows, (rows,), and what occurred in them, (n,), ``row`` ascending.

    groups:    (rows,) id of the group
    ends:      (rows,) event time, µs
    settled:   (rows,) whether too few can be told of the window: it was watched from its beginning to its end, and the
               group has been there for a while
    silent:    (rows,) for how many windows nothing has come; 0 where something has
    watched:   (rows, 2) and ``empty``, (rows,), as :func:`watched_for` gives them
    row:       (n,) index of the window
    level, template, count:  (n,)
    code:      (n,) packed group, level and template
    said:      (n,) packed group, level and statement
    troubled:  (n,) whether it speaks of trouble
    spared:    (n,) whether it is suppressed
    """

    groups: np.ndarray
    ends: np.ndarray
    settled: np.ndarray
    silent: np.ndarray
    watched: np.ndarray
    empty: np.ndarray
    row: np.ndarray
    level: np.ndarray
    template: np.ndarray
    count: np.ndarray
    code: np.ndarray
    said: np.ndarray
    troubled: np.ndarray
    spared: np.ndarray

    @property
    def harmless(self) -> np.ndarray:
        """What is neither severe nor speaks of trouble, (n,)."""
        return np.asarray((self.level < Level.ERROR) & ~self.troubled)


def entries_of(
    batch: WindowBatch, baseline: Baseline, templates: Templates, suppressor: Suppressor
) -> Entries:
    """Take a batch apart."""
    groups, silent = batch.rows["group"].to_numpy(), batch.rows["silent"].to_numpy()
    ends = batch.rows["end"].to_numpy()
    row = batch.entries["row"].to_numpy()
    level = batch.entries["level"].to_numpy().astype(np.int64)
    template = batch.entries["template"].to_numpy()
    watched, empty = watched_for(groups, silent, baseline)
    return Entries(
        groups=groups,
        ends=ends,
        settled=batch.rows["whole"].to_numpy() & batch.final & ~_newcomers(watched, baseline),
        silent=silent,
        watched=watched,
        empty=empty,
        row=row,
        level=level,
        template=template,
        count=batch.entries["count"].to_numpy().astype(float),
        code=key_codes(groups[row], level, template),
        said=key_codes(groups[row], level, templates.statements(template)),
        troubled=templates.troubled(template),
        spared=suppressor.covered(groups[row], level, template, ends[row]),
    )


def _newcomers(watched: np.ndarray, baseline: Baseline) -> np.ndarray:
    """Which groups, of so many spells and windows, (rows, 2), are new in a stream that is not.

    A job that ran once, and a container that was replaced, are not missed.
    """
    oldest = baseline.groups.sums[:, WATCHED_WINDOWS].max(initial=0.0)
    return np.asarray(watched[:, 1] < min(NEWCOMER_WINDOWS, oldest / 2.0))


def watched_for(
    groups: np.ndarray, silent: np.ndarray, baseline: Baseline
) -> tuple[np.ndarray, np.ndarray]:
    """Spells and windows in which these groups, (rows,), were watched, (rows, 2), but for this silence.

    Beside them the spells in which nothing came, (rows,).

    What a baseline has learnt of a silence while it lasts must not make it usual: as many empty windows
    as the silence is long, (rows,), are left out, as far as there are so many.
    """
    watched = baseline.groups.look_up(groups)[:, [WATCHED_SPELLS, WATCHED_WINDOWS]]
    heard = baseline.volumes.look_up(volume_codes(groups, ALL_LEVELS))[:, [SPELLS, WINDOWS]]
    empty = np.maximum(watched - heard, 0.0)
    spells = silent * watched[:, 0] / np.maximum(watched[:, 1], 1.0)
    watched = watched - np.minimum(np.column_stack([spells, silent]), empty)
    return watched, np.maximum(watched[:, 0] - heard[:, 0], 0.0)
