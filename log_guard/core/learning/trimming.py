"""What a history should not teach: the trouble in it.

Nobody has labelled a history, and it holds incidents. Windows that are not normal by what the rest of
the history taught are taken for such: what is severe, or speaks of trouble, in them is not learnt, so
that the same incident is found again. All else in them is: a nightly job is no trouble, and is to be
known the next night; and so is trouble that is ordinary (``ordinary.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from log_guard.core.learning.ordinary import ordinary_rows, troubled_rows
from log_guard.core.statements import Templates
from log_guard.core.windows import WHOLE, WindowSpec


@dataclass(frozen=True)
class Unusual:
    """Windows of history that are not normal by the rest of it.

    ends, groups:  (n,) event time (µs) and group id
    worst:         end of the most unusual one, µs; None where there is none
    """

    ends: np.ndarray
    groups: np.ndarray
    worst: int | None


def unusual(
    ends: np.ndarray, groups: np.ndarray, values: np.ndarray, scales: np.ndarray
) -> Unusual:
    """Windows whose value, (n, 2), passes a threshold, (2,)."""
    ratio = (values / scales).max(axis=1, initial=0.0)
    chosen = ratio >= 1.0
    worst = int(ends[int(ratio.argmax())]) if chosen.any() else None
    return Unusual(ends[chosen], groups[chosen], worst)


def trimmed(
    panes: pl.DataFrame, templates: Templates, found: Unusual, spec: WindowSpec
) -> pl.DataFrame:
    """Pane rows without the trouble of these windows; the whole stream's windows are those of all groups."""
    if not len(found.ends):
        return panes
    offsets = np.arange(1, spec.panes + 1) * spec.slide
    starts = (found.ends[:, None] - offsets).reshape(-1)
    groups = np.repeat(found.groups, spec.panes)
    inside = np.zeros(panes.height, dtype=bool)
    pane, group = panes["pane"].to_numpy(), panes["group"].to_numpy()
    for number in np.unique(groups).tolist():
        mine = np.isin(pane, starts[groups == number])
        inside |= mine if number == WHOLE else mine & (group == number)
    trouble = troubled_rows(panes, templates) & ~ordinary_rows(panes, templates, spec)
    return panes.filter(pl.Series(~(inside & trouble)))
