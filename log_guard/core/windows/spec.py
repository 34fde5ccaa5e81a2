"""The shape of the windows, and the name of the sum of all groups."""

from __future__ import annotations

from dataclasses import dataclass

from log_guard.core.events import SECOND
from log_guard.errors import OptionError

WHOLE_STREAM = "*"
"""Name of the group that is the sum of all groups."""
WHOLE = 0
"""Its id."""
LASTING = 10
"""Tumbling windows in a stretch, by which what lasts is told."""
SILENCE_SHOWN = 900 * SECOND
"""For so long a silence has all its windows, µs; after that they become ever fewer."""
FEWER = 0.25
"""Each is then longer by such a share than the one before,"""
APART = 3 * 3600 * SECOND
"""and by so much at most, µs: an alert waits for the next."""
IDLE = 16
"""When nobody at all has logged for so many times as long, there are none any more."""


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Shape of the windows, microseconds."""

    window: int = 30 * SECOND
    slide: int = 5 * SECOND
    max_lateness: int = 600 * SECOND
    silence_shown: int = SILENCE_SHOWN
    forget_after: int = 86_400 * SECOND

    def __post_init__(self) -> None:
        if self.slide <= 0 or self.window <= 0:
            raise OptionError("window and slide must be longer than 0 seconds")
        if self.window % self.slide:
            raise OptionError(
                f"the window ({self.window / SECOND:g} s) must be a multiple of the slide ({self.slide / SECOND:g} s)"
            )

    @property
    def idle_after(self) -> int:
        """How long the last silence is that the whole stream has a window of, µs."""
        return self.window + IDLE * self.silence_shown

    def later_silences(self) -> list[int]:
        """From the last pane of a group to the ends of the windows of its silence, but for the first ones, µs."""
        ends, end = [], float(self.window + self.silence_shown)
        while (end := end + min(FEWER * end, APART)) <= self.forget_after:
            ends.append(int(-(-end // self.slide)) * self.slide)
        return ends

    @property
    def panes(self) -> int:
        """Panes in a window."""
        return self.window // self.slide
