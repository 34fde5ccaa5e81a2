"""Which groups get windows of their own: the first so many, in the order of event time.

Without a bound, a log that names another service on every line would grow memory without end. Who
is admitted is decided when a pane closes, from the events that came on time: by the first pane that
held one, then the shorter name, then the smaller one. So it does not depend on how the stream was
cut, nor on the order in which its parts were added. All the others are counted together, in the
group :data:`OTHER_GROUPS`. A group that was admitted stays so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

MAX_GROUPS = 20_000
"""As many services as one process can judge."""

LATE_NAMES = 20_000
"""Names beyond the bound that are kept apart, of late events from before it was met. With more of
them than that, in the ten minutes in which an event may be late, which ones depends on their order."""

OTHER_GROUPS = "<other services>"
"""What the groups beyond the bound are counted under."""


@dataclass
class Admission:
    """Groups by their ids, which mean nothing here.

    most:       how many are admitted; None: all.
    given:      ids below this one were admitted beforehand (by a model), and beside the bound.
    admitted:   how many were since.
    full_from:  first pane (µs) of the first group that was refused; None while there is room.
    waiting:    groups whose first pane has not closed yet.
    crowded:    events counted under :data:`OTHER_GROUPS`.
    """

    most: int | None = None
    given: int = 0
    admitted: int = 0
    full_from: int | None = None
    waiting: dict[int, bool] = field(default_factory=dict)
    crowded: int = 0

    def meet(self, group: int) -> None:
        """A group that was not met before has had its first event on time."""
        if self.most is not None and group >= self.given:
            self.waiting[group] = True

    def is_own(self, group: int | None, starts: Mapping[int, int]) -> bool:
        """Whether a group (None: of no id) has windows of its own for sure.

        starts:  group → first pane that held an event on time.
        """
        if group is None or group in self.waiting:
            return False
        return group < self.given or group in starts

    def decide(self, upto: int, starts: Mapping[int, int], name: Callable[[int], str]) -> list[int]:
        """Decide on the groups whose first pane lies before ``upto``; return those refused.

        With the first that is refused, so is everyone who waits.
        """
        due = [group for group in self.waiting if starts[group] < upto]
        if not due or self.most is None:
            return []
        due.sort(key=lambda group: (starts[group], len(name(group)), name(group)))
        room = max(self.most - self.admitted, 0)
        for group in due[:room]:
            del self.waiting[group]
        self.admitted += len(due[:room])
        if due[room:]:
            if self.full_from is None:
                self.full_from = starts[due[room]]
            due += [group for group in self.waiting if starts[group] >= upto]
            self.waiting.clear()
        return due[room:]

    def strangers(
        self, names: Iterable[str], find: Callable[[str], int | None], starts: Mapping[int, int]
    ) -> list[str]:
        """Of these names, those that have no windows of their own, now that all room is taken."""
        if self.full_from is None:
            return []
        return [n for n in names if n != OTHER_GROUPS and not self.is_own(find(n), starts)]
