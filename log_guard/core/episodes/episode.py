"""One episode: the troubles, by group, that are one."""

from __future__ import annotations

from dataclasses import dataclass, field

from log_guard.core.course import Bout
from log_guard.core.episodes.trouble import Trouble
from log_guard.core.results import Result


@dataclass(slots=True)
class Episode:
    """The troubles, by group, that are one.

    bouts:   earlier ones; ``start``, ``end`` and ``opened`` are those of the latest.
    joined:  groups that have come, or come back, since it was told of.
    told:    count of what leads, when it was told of.
    usual_from:  as in ``course.Course``.
    until:   event time (µs) up to which it is known to have lasted: windows of a silence are told for a while only.
    """

    id: int
    start: int
    end: int
    opened: int
    newest_onset: int
    windows: int = 0
    groups: dict[str, Trouble] = field(default_factory=dict)
    bouts: list[Bout] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    told: int = 0
    usual_from: int | None = None
    until: int = 0

    @property
    def silent(self) -> list[str]:
        """Groups that have said nothing since they fell silent."""
        return [name for name, trouble in self.groups.items() if trouble.silent]

    def hear(self, result: Result, slide: int) -> None:
        """Take note of a window of a group, normal or not: whether trouble goes on is seen by what comes after it."""
        trouble = self.groups.get(result.service)
        if trouble is not None:
            trouble.hear(result, slide)
            self.until = max(self.until, trouble.until)

    def last_to(self, time: int) -> None:
        """What has been silent still was at this event time, µs."""
        for trouble in self.groups.values():
            trouble.last_to(time)

    def all_bouts(self) -> tuple[Bout, ...]:
        return (*self.bouts, Bout(self.start, self.end, self.opened))
