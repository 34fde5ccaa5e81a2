"""Alerts in the order of their opening, though each partition brings its own when it likes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

Alert = dict[str, Any]

PATIENCE = 3.0
"""Seconds that an alert waits at most for those that were opened before it."""


class InOrder:
    """Alerts that have come and are not shown yet.

    clock:  seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: list[Alert] = []
        self._since = 0.0

    def add(self, alert: Alert) -> None:
        """Hear of one."""
        if not self._waiting:
            self._since = self._clock()
        self._waiting.append(alert)

    def take(self, *, quiet: bool) -> list[Alert]:
        """Those to be shown now: all, once nothing more comes or the first has waited for long enough."""
        if not quiet and self._clock() - self._since < PATIENCE:
            return []
        # What came late opens an alert later than its time: of what is shown at once the time of opening counts.
        ready = sorted(self._waiting, key=lambda one: (one["opened"], one["id"], one["revision"]))
        self._waiting = []
        return ready
