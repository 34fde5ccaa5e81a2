"""A history: what there is to learn from, and its windows once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.features.text import TextModel
from log_guard.core.features.window import window_features
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE, WindowBatch, Windows, WindowSpec
from log_guard.core.windows.panes import NO_SAMPLE

MAX_HISTORY_ROWS = 3_000_000
"""Pane rows kept to learn from; of a longer history the oldest are dropped and counted."""


@dataclass(frozen=True)
class History:
    """Pane rows (``PANE_SCHEMA``) of a span of event time and the tables behind their ids.

    until:  event time (µs) up to which the log was watched, if that is later than its last event.
    """

    panes: pl.DataFrame
    groups: Vocabulary
    templates: Templates
    until: int = 0

    @property
    def several(self) -> bool:
        """Whether the rows are of more than one group; the table may know of more to come."""
        return self.panes["group"].n_unique() > 1

    @property
    def span(self) -> tuple[int, int]:
        """Start and end of what there is, µs."""
        panes = self.panes["pane"].to_numpy()
        return int(panes.min()), int(panes.max())


def replay(history: History, spec: WindowSpec, start: int, end: int) -> Iterator[WindowBatch]:
    """Windows of a span of history, an epoch at a time."""
    lead = history.panes.filter(pl.col("pane").is_between(start - spec.window, end, closed="left"))
    if lead.is_empty():
        return
    windows = Windows(spec, history.groups, history.templates, history.several)
    stop = start
    while stop < end:
        begin, stop = stop, min(stop - stop % EPOCH + EPOCH, end)
        part = lead.filter(pl.col("pane").is_between(begin, stop, closed="left"))
        if windows.began is None:
            part = lead.filter(pl.col("pane") < stop)
        if not part.is_empty():
            windows.adopt(part.with_columns(**NO_SAMPLE))
        if windows.closed is None and windows.began is not None:
            windows.closed = begin
        batch = windows.close(stop)
        if batch is not None:
            yield batch


def history_features(history: History, spec: WindowSpec, text: TextModel) -> np.ndarray:
    """Features of the tumbling windows of a history, all groups but the whole stream, (m, 30)."""
    vectors = text.vectors(history.templates.words)
    start, last = history.span
    found = []
    for batch in replay(history, spec, start, last + spec.slide):
        found.append(window_features(batch, vectors)[tumbling(batch, spec, history)])
    return np.concatenate(found)


def tumbling(batch: WindowBatch, spec: WindowSpec, history: History) -> np.ndarray:
    """Which windows of a batch do not overlap and are of a service (or of all there is), (rows,)."""
    single = not history.several
    groups = batch.rows["group"].to_numpy()
    own = (groups != WHOLE) | single
    return np.asarray((batch.rows["end"].to_numpy() % spec.window == 0) & own)
