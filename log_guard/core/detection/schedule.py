"""When a running detector learns, and what from: the closed panes that it keeps until then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.learning.history import MAX_HISTORY_ROWS
from log_guard.core.scoring.volumes import FIRST_WINDOWS
from log_guard.core.windows import WindowSpec
from log_guard.core.windows.panes import with_templates


class Schedule:
    """The training to come.

    given:          a model was given: nothing is learnt but what its baseline gains.
    train_until:    learn once, from what lies before this event time (µs). None: from the first
                    windows, and again each time the history has doubled.
    least_windows:  a history must span at least so many windows to be learnt from.
    """

    def __init__(self, spec: WindowSpec, train_until: int | None, least_windows: int) -> None:
        self.spec = spec
        self.train_until = train_until
        self.least_windows = least_windows
        self.given = False
        self.next: int | None = None
        self.kept: list[pl.DataFrame] = []
        self.popped = 0  # frames that have left the front
        self.dropped = 0  # rows that the bound has dropped

    @property
    def first_windows(self) -> int:
        """Windows after which there is something to judge by, though not to calibrate by."""
        return min(FIRST_WINDOWS, self.least_windows)

    def due(self, began: int | None, *, trained: bool) -> int | None:
        """Event time (µs) of the next training; None if there is none to come."""
        if self.given or began is None or (self.train_until is not None and trained):
            return None
        due = self.train_until or self.next or began + self.first_windows * self.spec.window
        return due + (-due) % self.spec.slide

    def keep(self, panes: pl.DataFrame, start: int) -> None:
        """Keep the panes that have closed since ``start`` (µs); a frame an epoch."""
        if self.kept and start % EPOCH:
            self.kept[-1] = pl.concat([self.kept[-1], panes])
        else:
            self.kept.append(panes)

    def history(self) -> pl.DataFrame:
        """All that is kept, within the bound."""
        rows = sum(panes.height for panes in self.kept)
        while rows > MAX_HISTORY_ROWS and len(self.kept) > 1:
            oldest = self.kept.pop(0)
            self.popped += 1
            rows -= oldest.height
            self.dropped += oldest.height
        return pl.concat(self.kept)

    def give(self) -> None:
        """A model is given: there is no training to come."""
        self.given = True
        self.forget()

    def forget(self) -> None:
        """Nothing of it will be learnt from again."""
        self.popped += len(self.kept)
        self.kept = []

    def state(self) -> tuple[dict[str, Any], dict[str, pl.DataFrame]]:
        """Plain values, and what is kept as frames by name; a frame has one name as long as it is there."""
        kept = {
            "dropped_history": self.dropped,
            "popped": self.popped,
            "history": len(self.kept),
            "next_training": self.next,
            "given": self.given,
        }
        return kept, {f"history-{self.popped + i}": panes for i, panes in enumerate(self.kept)}

    def restore(self, kept: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.dropped, self.popped = kept["dropped_history"], kept["popped"]
        self.kept = [parts[f"history-{self.popped + i}"] for i in range(kept["history"])]
        self.next, self.given = kept["next_training"], kept["given"]

    def used_templates(self) -> list[np.ndarray]:
        return [panes["template"].unique().to_numpy() for panes in self.kept]

    def rename_templates(self, mapping: np.ndarray) -> None:
        """Apply new template ids after the vocabulary was compacted."""
        self.kept = [with_templates(panes, mapping) for panes in self.kept]
