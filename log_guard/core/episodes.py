"""Windows → alerts: a person meets episodes, not windows.

Anomalous windows of a group that overlap or follow closely are one **episode**. Groups whose trouble
begins within ``together`` of one another are one episode too, and one alert: the group whose
trouble began first leads. A group has at most one open episode; the whole stream (``*``), being the
sum of the groups, joins whatever is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Evidence, Result
from log_guard.core.windows import WHOLE_STREAM


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """Event time, µs.

    quiet:     an episode is over when none of its groups was anomalous for so long.
    together:  a group joins an episode in which some trouble began no longer ago than this.
    remember:  how long a resolved episode still takes in late windows of its own, unheard.
    """

    quiet: int = 60 * SECOND
    together: int = 60 * SECOND
    remember: int = 600 * SECOND


@dataclass(slots=True)
class Trouble:
    """What one group did in the episode: its first and latest window (their ends), and its worst."""

    onset: int
    latest: int
    score: float
    evidence: Evidence


@dataclass(slots=True)
class Episode:
    """The troubles, by group, that are one."""

    id: int
    start: int
    end: int
    opened: int
    newest_onset: int
    windows: int = 0
    groups: dict[str, Trouble] = field(default_factory=dict)


class Episodes:
    """Folds results, in the order of their windows' ends, into alerts."""

    def __init__(self, rules: EpisodeRules | None = None, first_id: int = 1) -> None:
        self.rules = rules or EpisodeRules()
        self._next = first_id
        self._open: list[Episode] = []
        self._past: list[Episode] = []  # resolved, but late events may still revise their windows

    def add(self, results: Iterable[Result]) -> list[Alert]:
        """Take in results; return what a person should hear: opened, updated (another service), resolved."""
        alerts: list[Alert] = []
        # At the same time the services come before the stream that is their sum.
        for result in sorted(
            results, key=lambda r: (r.window_end, r.service == WHOLE_STREAM, r.service)
        ):
            alerts += self._resolve_before(result)
            if result.is_anomaly and result.evidence is not None:
                alerts += self._take(result, result.evidence)
        return alerts

    def finish(self) -> list[Alert]:
        """Resolve what is open, at the end of the stream."""
        ended, self._open = self._open, []
        return [self._alert(episode, "resolved") for episode in ended]

    def _resolve_before(self, result: Result) -> list[Alert]:
        """End what has been quiet for long enough and does not touch this window."""

        def is_over(episode: Episode) -> bool:
            quiet = result.window_end > episode.end + self.rules.quiet
            return quiet and result.window_start > episode.end

        over = [episode for episode in self._open if is_over(episode)]
        self._open = [episode for episode in self._open if not is_over(episode)]
        oldest = result.window_end - self.rules.remember
        self._past = [episode for episode in [*self._past, *over] if episode.end >= oldest]
        return [self._alert(episode, "resolved") for episode in over]

    def _take(self, result: Result, evidence: Evidence) -> list[Alert]:
        if self._was_heard(result):
            return []
        episode = self._episode_of(result)
        state = None
        if episode is None:
            end = result.window_end
            episode = Episode(self._next, result.window_start, end, opened=end, newest_onset=end)
            self._open.append(episode)
            self._next += 1
            state = "opened"
        episode.start = min(episode.start, result.window_start)
        episode.end = max(episode.end, result.window_end)
        trouble = episode.groups.get(result.service)
        if trouble is None:
            episode.groups[result.service] = Trouble(
                result.window_end, result.window_end, result.anomaly_score, evidence
            )
            episode.windows += 1
            if result.service != WHOLE_STREAM:
                episode.newest_onset = max(episode.newest_onset, result.window_end)
                state = state or "updated"
        else:
            episode.windows += result.window_end > trouble.latest  # and not for a revision
            trouble.onset = min(trouble.onset, result.window_end)
            trouble.latest = max(trouble.latest, result.window_end)
            if result.anomaly_score > trouble.score:
                trouble.score, trouble.evidence = result.anomaly_score, evidence
        return [] if state is None else [self._alert(episode, state)]

    def _was_heard(self, result: Result) -> bool:
        """Whether a late window is part of an episode that is over: a person has heard of it."""
        return any(
            result.service in episode.groups
            and episode.start <= result.window_end <= episode.end + self.rules.quiet
            for episode in self._past
        )

    def _episode_of(self, result: Result) -> Episode | None:
        """Find the open episode that the group is in, or joins; the latest that will have it."""
        for episode in self._open:
            if result.service in episode.groups:
                return episode
        for episode in reversed(self._open):
            recent = result.window_end <= episode.newest_onset + self.rules.together
            if recent or result.service == WHOLE_STREAM:
                return episode
        return None

    def _alert(self, episode: Episode, state: str) -> Alert:
        """Order the services by onset, then by surprise; the stream as a whole leads only alone."""
        ranked = sorted(
            episode.groups.items(),
            key=lambda item: (item[0] == WHOLE_STREAM, item[1].onset, -item[1].score, item[0]),
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
