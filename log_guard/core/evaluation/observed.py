"""Whether a running detector keeps its promise: the alerts of the last week against those promised.

What people have labelled as real was no false alarm. All other alerts count, for nobody has said what they
were: so a promise that is broken here asks for a person's word first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from log_guard.core.evaluation.outcomes import Promise, promise
from log_guard.core.events import SECOND
from log_guard.core.feedback.feedback import Label
from log_guard.core.results import Alert, Result

HOUR = 3_600 * SECOND
SPAN = 7 * 24 * HOUR
"""Event time (µs) that is looked back on."""
LEAST = 24 * HOUR
"""Event time (µs) that has to be judged before anything is said."""
CONFIDENCE = 0.99
"""Of the Poisson bound. It is asked again with each alert: at 95 % it would often be passed by chance."""
MOST_ALERTS = 10_000
"""Alerts remembered; of more, the oldest go, and the promise is long broken."""

Heard = tuple[int, int, int, tuple[str, ...]]
"""Opened, start and end of an alert, µs, and its services."""


@dataclass(frozen=True)
class Departure:
    """The promise is broken: so many alerts in so many days of event time, and why that is no chance."""

    promise: Promise
    days: float


class Observed:
    """Alerts of the last :data:`SPAN` of event time that was judged by one model. Reads no clock."""

    def __init__(self) -> None:
        self.broken = False
        self._began: int | None = None  # end of the first window that was judged
        self._now = 0  # end of the newest
        self._heard: dict[int, Heard] = {}  # by the alerts' ids, oldest first

    def take(
        self,
        results: Sequence[Result],
        alerts: Sequence[Alert],
        labels: Sequence[Label],
        per_day: float,
    ) -> Departure | None:
        """Take in what was just judged; the departure where the promise is broken from now on.

        It is told once, and again only after there were, in between, no more alerts than promised: were it
        told whenever the bound is passed, a detector close to it would say so every few days.
        """
        judged = [r.window_end for r in results if r.model_version is not None and not r.warming]
        if judged:
            self._now = max(self._now, *judged)
            if self._began is None:
                self._began = min(judged)
        if self._began is None:
            return None
        for alert in alerts:
            self._heard[alert.id] = (alert.opened, alert.start, alert.end, alert.services)
        if not any(alert.state == "opened" for alert in alerts):
            return None
        self._forget()
        found = self.observed(labels, per_day)
        before, self.broken = self.broken, found is not None and self._breaks(found.promise)
        return found if self.broken and not before else None

    def _breaks(self, promise: Promise) -> bool:
        return promise.observed > promise.expected if self.broken else not promise.kept

    def observed(self, labels: Sequence[Label], per_day: float) -> Departure | None:
        """How it stands, kept or not; None while too little was judged."""
        if self._began is None or self._now - self._began < LEAST:
            return None
        since = max(self._began, self._now - SPAN)
        real = [label for label in labels if label.real]
        counted = sum(
            opened >= since and not any(label.about(start, end, services) for label in real)
            for opened, start, end, services in self._heard.values()
        )
        hours = (self._now - since) / HOUR
        return Departure(promise(counted, per_day, hours, CONFIDENCE), hours / 24)

    def _forget(self) -> None:
        kept = [(id, heard) for id, heard in self._heard.items() if heard[0] >= self._now - SPAN]
        self._heard = dict(kept[-MOST_ALERTS:])
