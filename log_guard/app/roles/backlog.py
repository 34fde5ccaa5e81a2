"""That a member reads what was written long ago: said when it begins, each time it has doubled, and when it is over."""

from __future__ import annotations

import structlog

BEHIND, CAUGHT_UP = 60.0, 10.0
"""Seconds."""


class Backlog:
    """What an operator is told of a consumer's lag."""

    def __init__(self, role: str) -> None:
        self._log = structlog.get_logger().bind(role=role)
        self._say_from = BEHIND

    def see(self, seconds: float, messages: int) -> None:
        """Hear how long ago the oldest was written of what is read now, and how much still waits; 0, 0: nothing does."""
        if seconds >= self._say_from:
            self._say_from = 2 * seconds
            self._log.warning(
                "behind: what is read was written long ago; if it grows, add processes",
                seconds=round(seconds),
                messages=messages,
            )
        elif seconds < CAUGHT_UP and self._say_from > BEHIND:
            self._say_from = BEHIND
            self._log.info("caught up")
