"""How long the gaps of a group are: of its pauses between two panes with events, how many lasted so long.

Counts by length add, as all of a baseline does. A silence is told for its length where one as long would come
less than :data:`~log_guard.core.scoring.gaps.SHARE` of the promise allows, by the gaps that there were.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from log_guard.core.baseline.columns import GAPS, LENGTHS
from log_guard.core.baseline.table import Table
from log_guard.core.events import SECOND

GAP_LENGTHS = 30 * SECOND * 2 ** np.arange(LENGTHS, dtype=np.int64)
"""30 s, a minute, ... 17 hours, in µs: of gaps at least so long it is known how many there were."""

SLEPT = 4 * 3600 * SECOND
"""Who was silent for so long, µs, sleeps: no outage is waited for any longer."""


def gap_counts(
    panes: pl.DataFrame, groups: np.ndarray, heard: Mapping[int, int], known: Table | None = None
) -> np.ndarray:
    """Gaps of at least each of :data:`GAP_LENGTHS`, of each of these groups, sorted, (n, LENGTHS).

    panes:  frame of ``pane`` and ``group``; all groups are among ``groups``.
    heard:  last pane of each group before these, µs, where there was one.
    known:  as ``Baseline.groups``: a gap longer than any before counts for twice as long as those, and no longer, but
            where it is one of :data:`SLEPT`. An outage must not make the next one usual. None: as they are.
    """
    before = pl.DataFrame(
        {"pane": [*heard.values()], "group": [*heard]}, schema={"pane": pl.Int64, "group": pl.Int64}
    )
    seen = pl.concat([panes.select("pane", "group").unique(), before]).sort("group", "pane")
    group, pane = seen["group"].to_numpy(), seen["pane"].to_numpy()
    at = np.flatnonzero(group[1:] == group[:-1])
    gap, at = pane[at + 1] - pane[at], np.searchsorted(groups, group[at])
    reached = np.searchsorted(GAP_LENGTHS, gap, side="right")  # how many of the lengths it has
    if known is not None:
        longest = (known.look_up(groups[at])[:, GAPS:] > 0).sum(axis=1)
        reached = np.where(gap < SLEPT, np.minimum(reached, np.maximum(longest, 1) + 1), reached)
    counts = np.zeros((len(groups), LENGTHS))
    for length in range(LENGTHS):
        np.add.at(counts[:, length], at[reached > length], 1.0)
    return counts


def last_heard(panes: pl.DataFrame) -> dict[int, int]:
    """Group → its last pane, µs."""
    last = panes.group_by("group").agg(pl.col("pane").max())
    return dict(last.select("group", "pane").iter_rows())
