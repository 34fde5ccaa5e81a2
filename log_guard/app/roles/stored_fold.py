"""The fold of detect as it is kept on the state topic, and as it is found there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.state import Produce, StateTopic, StoredState
from log_guard.app.roles.news import News
from log_guard.core.learning.model import Model
from log_guard.core.stream.fold import Fold
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw
from log_guard.errors import StateError

STATE_EVERY = 30.0
"""Seconds between two writings of the state, or 20 times what a writing took, if that is more."""


class StoredFold:
    """Writes the state when it is due, in the transactions of others, and restores it.

    new_fold:  makes one that has seen nothing.
    settings:  what a stored state has to agree with.
    position:  first offset of the summaries that is not in the stored state.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        new_fold: Callable[[], Fold],
        settings: Mapping[str, Any],
        news: News,
    ) -> None:
        self.position = 0
        self._state = StateTopic(cluster, topic)
        self._new_fold, self._settings, self._news = new_fold, settings, news
        self._kept: dict[str, object] = {}  # parts as they were stored, to know which are the same
        self._due = 0.0

    def restore(self, committed: int) -> tuple[Fold, StoredState]:
        """The fold as it was stored; a new one where that cannot be used: then all is folded again.

        committed:  frontier where the state does not tell one.
        """
        fold, stored = self._restored(committed)
        self.position = stored.manifest["offset"] if stored.parts else 0
        self._kept = {}
        self._due = time.monotonic() + STATE_EVERY
        return fold, stored

    def is_due(self) -> bool:
        """Whether the state was written so long ago that it is to be written again."""
        return time.monotonic() >= self._due

    def save(self, fold: Fold, position: int, produce: Produce) -> None:
        """Write the state; parts that are the very same objects as last time are as they were."""
        began = time.monotonic()
        parts = fold.state()
        frozen: dict[str, bytes | None] = {}
        for name, part in parts.items():
            fixed = isinstance(part, pl.DataFrame | Model)
            same = fixed and self._kept.get(name) is part and self._state.has(name)
            frozen[name] = None if same else freeze(part, KINDS)
        about = {"offset": position, "settings": self._settings}
        self._state.save(frozen, about, produce)
        self._kept, self.position = parts, position
        now = time.monotonic()
        self._due = now + max(STATE_EVERY, 20 * (now - began))

    def save_frontier(self, offset: int, slices: int, produce: Produce) -> None:
        """Write how far results are out: up to a record, and so many slices of the next."""
        self._state.frontier(offset, slices, produce)

    def _restored(self, committed: int) -> tuple[Fold, StoredState]:
        stored = StoredState(frontier=committed)
        try:
            stored = self._state.load()
            if stored.parts and stored.manifest.get("settings") != self._settings:
                raise StateError("the stored state was made with other settings")
            fold = self._new_fold()
            if stored.parts:
                fold.restore({name: thaw(data, KINDS) for name, data in stored.parts.items()})
            return fold, stored
        except StateError as e:
            self._news.warning("reading the summaries again from their beginning", reason=str(e))
            stored.parts = {}
            return self._new_fold(), stored
