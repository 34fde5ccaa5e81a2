"""What a log has come to while it is read: counts for what is said at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from log_guard.app.pipeline import Output
from log_guard.app.remarks import count_failure
from log_guard.core.features import VOLUME_FEATURES

RECENT = 100_000
"""Windows whose last verdict is remembered: while a stream is live they are judged again and again."""
_EVENTS = VOLUME_FEATURES.index("log_count")


@dataclass
class Seen:
    """What has come by so far.

    services:    service → its events, those of overlapping windows each time.
    windows:     judged by a model, and ``anomalies`` those of them that are not normal, each once.
    judged:      whether a model has judged any.
    introduced:  whether it was told which services there are.
    warmed:      how far the warm-up was when it was told last.
    reasons:     of dead letters.
    errors:      of windows that we failed to judge or to explain.
    recent:      (start, service) of a window → whether it is not normal by the last verdict.
    """

    services: Counter[str] = field(default_factory=Counter)
    windows: int = 0
    anomalies: int = 0
    alerts: int = 0
    judged: bool = False
    introduced: bool = False
    warmed: str | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    recent: dict[tuple[int, str], bool] = field(default_factory=dict)

    def take(self, out: Output) -> None:
        """Count what an output holds."""
        for result in out.results:
            if result.error is not None:
                count_failure(self.errors, result.error)
            self.services[result.service] += int(result.features[_EVENTS])
            self.judged = self.judged or bool(result.model_version)
            window = (result.window_start, result.service)
            # What is learnt from counts only where it was loud enough to be told of all the same.
            learnt_from = not result.model_version or result.warming is not None
            if learnt_from and not result.is_anomaly and window not in self.recent:
                continue
            self.windows += window not in self.recent
            self.anomalies += result.is_anomaly - self.recent.pop(window, False)
            self.recent[window] = result.is_anomaly
            if len(self.recent) > RECENT:
                self.recent.pop(next(iter(self.recent)))
        self.alerts += sum(a.state == "opened" for a in out.alerts)
        self.reasons.update(d.reason for d in out.dead)
