"""Cross-fitting: every window of a history as the rest of the history sees it.

A window never judges itself, so the thresholds see what a new window would look like.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import SPELL, Baseline, Known
from log_guard.core.baseline.gaps import last_heard
from log_guard.core.baseline.learning import learn, with_whole
from log_guard.core.features.window import window_features
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.learning.history import History, replay, tumbling
from log_guard.core.scoring.parts import detector_values
from log_guard.core.scoring.scoring import find_parts
from log_guard.core.windows import WHOLE, WindowSpec
from log_guard.core.windows.panes import first_panes

FOLDS = 3


@dataclass(frozen=True)
class Fold:
    """What one part of a history, ``[start, end)`` in µs, has taught."""

    start: int
    end: int
    baseline: Baseline


def folds_of(
    panes: pl.DataFrame,
    history: History,
    start: int,
    end: int,
    window: int,
    known_from: pl.DataFrame | None = None,
) -> list[Fold]:
    """Learn from each third of these pane rows of a history.

    known_from:  rows that tell since when each group was watched, if other than these.
    """
    first = panes if known_from is None else known_from
    since = first_panes(first)
    if history.several:
        since[WHOLE] = start
    cuts = [start + (end - start) * i // FOLDS // SPELL * SPELL for i in range(FOLDS)] + [end]
    cuts[0] = start
    out: list[Fold] = []
    heard: dict[int, int] = {}
    for a, b in pairwise(cuts):
        part = panes.filter(pl.col("pane").is_between(a, b, closed="left"))
        learnt = learn(part, history.templates, a, b, window, since, history.several, heard=heard)
        heard |= last_heard(with_whole(part, history.several))
        out.append(Fold(a, b, learnt))
    return out


@dataclass(frozen=True)
class Looks:
    """Every window of history, as the other parts see it.

    ends, groups:  (n,) event time (µs) and group id
    values:        (n, 2) norm of each detector's bits
    features:      (m, 30) of the windows that do not overlap, of the services only
    """

    ends: np.ndarray
    groups: np.ndarray
    values: np.ndarray
    features: np.ndarray


def look(
    history: History,
    spec: WindowSpec,
    folds: list[Fold],
    vectors: np.ndarray,
    feedback: Feedback,
) -> Looks:
    """Judge each part of a history by what the others taught.

    vectors:  of its templates, (templates, features of text).
    """
    suppressor = Suppressor(feedback.suppressions, history.groups, history.templates)
    ends, groups, values, features = [], [], [], []
    for fold in folds:
        known = Known(reduce(add, (other.baseline for other in folds if other is not fold)))
        for whole in replay(history, spec, fold.start, fold.end):
            starts = whole.rows["end"].to_numpy() - spec.window
            batch = whole.only(~feedback.during_incident(starts, spec.window))
            found = find_parts(batch, known, history.templates, suppressor)
            values.append(detector_values(found, batch.rows.height))
            ends.append(batch.rows["end"].to_numpy())
            groups.append(batch.rows["group"].to_numpy())
            features.append(window_features(batch, vectors)[tumbling(batch, spec, history)])
    return Looks(
        np.concatenate(ends),
        np.concatenate(groups),
        np.concatenate(values),
        np.concatenate(features),
    )
