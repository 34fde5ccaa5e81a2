"""What a person has said is fine: templates that no longer make a window abnormal.

A suppression takes away what its templates add to the surprise, and nothing else: the window is still
judged by all that remains, and the events are still counted. Too many of a level are judged without
the suppressed events, too few with them. A service whose suppressed messages were most of what it
said, and stop, has gone quiet, and that is still said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from log_guard.core.events import Level
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE

Mask = npt.NDArray[np.bool_]
_FOREVER = 1 << 62


@dataclass(frozen=True)
class Suppression:
    """One entry of the feedback file.

    template:  the template as it is shown in alerts; or
    matches:   a regular expression that is searched for in templates.
    service:   only in this group (and in the whole stream); empty: in all.
    level:     only at this level; None: at all.
    until:     event time (µs) from which on it holds no more, by the ends of windows.
    """

    reason: str
    author: str
    template: str = ""
    matches: str = ""
    service: str = ""
    level: Level | None = None
    until: int = _FOREVER

    def covers(self, template: str) -> bool:
        """Whether it is about this template."""
        if self.matches:
            return re.search(self.matches, template) is not None
        return self.template == template


class Suppressor:
    """Suppressions over the ids of one detector; a template is looked at when it is first met."""

    def __init__(
        self, entries: Sequence[Suppression], groups: Vocabulary, templates: Vocabulary
    ) -> None:
        self.entries = tuple(entries)
        self.groups = groups
        self.templates = templates
        self._known: list[Mask] = []
        self.forget()

    def forget(self) -> None:
        """Call after template ids have changed."""
        self._known = [np.zeros(0, dtype=bool) for _ in self.entries]

    def covered(
        self, groups: np.ndarray, levels: np.ndarray, templates: np.ndarray, ends: np.ndarray
    ) -> Mask:
        """Which keys of which windows are suppressed; all arguments and the result (n,)."""
        out = np.zeros(len(templates), dtype=bool)
        for i, entry in enumerate(self.entries):
            known = self._known[i]
            if len(known) < len(self.templates):
                fresh = [entry.covers(word) for word in self.templates.words[len(known) :]]
                known = self._known[i] = np.concatenate([known, np.array(fresh, dtype=bool)])
            mine = known[templates] & (ends < entry.until)
            if entry.level is not None:
                mine &= levels == entry.level
            if entry.service:
                mine &= (groups == WHOLE) | (groups == self._id(entry.service))
            out |= mine
        return out

    def _id(self, service: str) -> int:
        """Id of a group, -1 where it has not been seen."""
        return self.groups.words.index(service) if service in self.groups.words else -1
