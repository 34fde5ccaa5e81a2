"""Windows → alerts: a person meets episodes, not windows.

Anomalous windows that overlap or touch are one episode, across groups: services that fail together
are one alert, the one whose trouble began first leading. An episode ends when none of its windows
was anomalous for ``quiet``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Evidence, Result
from log_guard.core.windows import WHOLE_STREAM


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """quiet: event time without an anomalous window after which an episode is over, µs."""

    quiet: int = 60 * SECOND


@dataclass(slots=True)
class _Trouble:
    """What one group did in the episode."""

    onset: int
    score: float
    evidence: Evidence


@dataclass(slots=True)
class _Episode:
    id: int
    start: int
    end: int
    opened: int
    windows: int = 0
    groups: dict[str, _Trouble] = field(default_factory=dict)
    told: tuple[str, ...] = ()


class Episodes:
    """Folds results, in the order of their windows' ends, into alerts."""

    def __init__(self, rules: EpisodeRules | None = None, first_id: int = 1) -> None:
        self.rules = rules or EpisodeRules()
        self._next = first_id
        self._open: _Episode | None = None

    def add(self, results: Iterable[Result]) -> list[Alert]:
        """Take in results; return what a person should hear: opened, updated (new service), resolved."""
        alerts: list[Alert] = []
        for result in sorted(results, key=lambda r: (r.window_end, r.service == WHOLE_STREAM, r.service)):
            alerts += self._resolve_before(result.window_end)
            if result.is_anomaly and result.evidence is not None:
                alerts += self._take(result)
        return alerts

    def finish(self) -> list[Alert]:
        """Resolve what is open, at the end of the stream."""
        return self._close()

    def _resolve_before(self, time: int) -> list[Alert]:
        if self._open is not None and time > self._open.end + self.rules.quiet:
            return self._close()
        return []

    def _close(self) -> list[Alert]:
        episode, self._open = self._open, None
        return [] if episode is None else [self._alert(episode, "resolved")]

    def _take(self, result: Result) -> list[Alert]:
        assert result.evidence is not None
        state = "updated"
        if self._open is None:
            self._open = _Episode(self._next, result.window_start, result.window_end, result.window_end)
            self._next += 1
            state = "opened"
        episode = self._open
        episode.end = max(episode.end, result.window_end)
        episode.windows += 1
        trouble = episode.groups.get(result.service)
        if trouble is None:
            episode.groups[result.service] = _Trouble(result.window_end, result.anomaly_score, result.evidence)
        elif result.anomaly_score > trouble.score:
            trouble.score, trouble.evidence = result.anomaly_score, result.evidence
        services = tuple(sorted(episode.groups))
        if state == "updated" and services == episode.told:
            return []
        episode.told = services
        return [self._alert(episode, state)]

    def _alert(self, episode: _Episode, state: str) -> Alert:
        """Order the services by onset, then by surprise; the stream as a whole leads only alone."""
        ranked = sorted(
            episode.groups.items(), key=lambda item: (item[0] == WHOLE_STREAM, item[1].onset, -item[1].score, item[0])
        )
        name, lead = ranked[0]
        return Alert(
            id=episode.id,
            state=state,
            start=episode.start,
            end=episode.end,
            services=tuple(group for group, _ in ranked),
            peak_score=max(trouble.score for trouble in episode.groups.values()),
            windows=episode.windows,
            evidence=lead.evidence,
            service=name,
            opened=episode.opened,
        )
