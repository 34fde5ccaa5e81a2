"""Windows → alerts: a person meets episodes, not windows.

Anomalous windows of a group that overlap or follow closely are one **episode**. Groups whose trouble
begins within ``together`` of one another are one episode too, and one alert: the group whose
trouble began first leads. A group has at most one open episode; the whole stream (``*``), being the
sum of the groups, joins whatever is open. An episode that is over comes back, as another **bout** of
the same alert, when a group's trouble has the cause that it had before and no other is open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from log_guard.core.course import Bout
from log_guard.core.episodes.causes import FEW
from log_guard.core.episodes.episode import Episode
from log_guard.core.episodes.likeness import has_come_back, is_new, may_become
from log_guard.core.episodes.symptoms import has_news
from log_guard.core.episodes.telling import course_of, ranked, speaks, symptoms_of
from log_guard.core.episodes.trouble import Trouble
from log_guard.core.episodes.waiting import Waiting
from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Evidence, Result
from log_guard.core.windows import WHOLE_STREAM

MAX_BOUTS = 50
MAX_PAST = 200
MAX_PAST_GROUPS = 20_000
"""Episodes that are over and can come back, and groups in them; beyond that the oldest are forgotten."""
GROWN = 10
"""An alert is told again when what leads it has become so many times what was told."""


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """Event time, µs.

    quiet:     an episode is over when none of its groups was anomalous for so long.
    together:  a group joins an episode in which some trouble began no longer ago than this.
    reopen:    how long an episode that is over can come back, and takes in late windows, unheard; and how long one
               whose service is silent waits for it.
    slide:     length of the panes that windows are made of.
    """

    quiet: int = 60 * SECOND
    together: int = 60 * SECOND
    reopen: int = 4 * 3600 * SECOND
    slide: int = 5 * SECOND


class Episodes:
    """Folds results, in the order of their windows' ends, into alerts."""

    def __init__(self, rules: EpisodeRules | None = None, first_id: int = 1) -> None:
        self.rules = rules or EpisodeRules()
        self._next = first_id
        self._open: list[Episode] = []
        # Over, but late events may revise them, and they may come back.
        self._past: list[Episode] = []
        self._waiting = Waiting()
        self._newest = 0  # end of the newest window

    def add(self, results: Iterable[Result]) -> list[Alert]:
        """Take in results; return what a person should hear.

        That is: opened, updated (another service, much more of it, or it has come back), resolved.
        """
        alerts: list[Alert] = []
        # At the same time the services come before the stream that is their sum.
        for result in sorted(
            results, key=lambda r: (r.window_end, r.service == WHOLE_STREAM, r.service)
        ):
            alerts += self._wait(result)
            self._hear(result)
            alerts += self._resolve_before(result)
            if result.is_anomaly and result.evidence is not None:
                alerts += self._take(result, result.evidence)
        return alerts

    def finish(self) -> list[Alert]:
        """Resolve what is open, at the end of the stream."""
        ended = [*self._waiting.episodes.values(), *self._open]
        self._open, self._waiting = [], Waiting()
        for episode in ended:
            episode.last_to(self._newest)
        return [self._alert(episode, "resolved") for episode in ended]

    def _hear(self, result: Result) -> None:
        """Whether trouble goes on is seen by what comes after it, though that is told no more."""
        if result.final:
            self._newest = max(self._newest, result.window_end)
        awaited = self._waiting.heard(result.service)
        if awaited is not None:
            self._open.append(awaited)
        for episode in self._open:
            episode.hear(result, self.rules.slide)

    def _is_over(self, episode: Episode, result: Result) -> bool:
        """Whether it has been quiet for long enough and does not touch this window."""
        end = max(episode.end, episode.until)
        return result.window_end > end + self.rules.quiet and result.window_start > end

    def _wait(self, result: Result) -> list[Alert]:
        """Let wait what is over but for a silence, and end what has waited for too long."""
        for episode in self._taken(lambda e: self._is_over(e, result) and bool(e.silent)):
            self._waiting.add(episode)
        given_up = self._waiting.given_up(result.window_end, self.rules.reopen)
        return self._end(given_up, result) if given_up else []

    def _resolve_before(self, result: Result) -> list[Alert]:
        """End what is over before this window."""
        return self._end(self._taken(lambda e: self._is_over(e, result) and not e.silent), result)

    def _taken(self, chosen: Callable[[Episode], bool]) -> list[Episode]:
        """Those of the open episodes that are chosen, and now are no longer open."""
        each = [(episode, chosen(episode)) for episode in self._open]
        self._open = [episode for episode, goes in each if not goes]
        return [episode for episode, goes in each if goes]

    def _end(self, over: list[Episode], result: Result) -> list[Alert]:
        """Resolve these at this window; they may come back."""
        oldest = result.window_end - self.rules.reopen
        past = [episode for episode in [*self._past, *over] if episode.end >= oldest]
        for episode in over:
            lead = ranked(episode.groups)[0][1]
            if lead.became_usual():
                episode.usual_from = lead.latest
        alerts = [self._alert(episode, "resolved") for episode in over]
        for episode in over:
            for place, (_, trouble) in enumerate(ranked(episode.groups)):
                trouble.begin_again()
                if place:
                    trouble.forget_lines()
        room = MAX_PAST_GROUPS
        self._past = []
        for episode in reversed(past[-MAX_PAST:]):
            room -= len(episode.groups)
            if room >= 0 or not self._past:
                self._past.insert(0, episode)
        return alerts

    def _take(self, result: Result, evidence: Evidence) -> list[Alert]:
        if self._was_heard(result):
            return []
        end, state = result.window_end, None
        episode = self._episode_of(result, evidence)
        if episode is None:
            episode, state = self._come_back(result, evidence), "updated"
        if episode is None:
            episode, state = Episode(self._next, result.window_start, end, end, end), "opened"
            self._open.append(episode)
            self._next += 1
        episode.start = min(episode.start, result.window_start)
        episode.end = max(episode.end, end)
        trouble = episode.groups.get(result.service)
        if trouble is None:
            trouble = Trouble.of(result, evidence)
            episode.groups[result.service] = trouble
            episode.windows += 1
            if result.service != WHOLE_STREAM:
                episode.newest_onset = max(episode.newest_onset, end)
                episode.joined.append(result.service)
                state = state or "updated"
        else:
            episode.windows += end > trouble.latest  # and not for a revision
            trouble.see(result, evidence)
        episode.until = max(episode.until, trouble.until)
        if state is None and speaks(episode.groups, result.service):
            state = "updated" if has_news(trouble.symptoms) else None
        count = ranked(episode.groups)[0][1].extent
        if state is None and count is not None and count >= GROWN * max(episode.told, 1):
            state = "updated"
        if state is None:
            return []
        episode.told = max(episode.told, count or 0)
        return [self._alert(episode, state)]

    def _was_heard(self, result: Result) -> bool:
        """Whether a late window is part of a bout that is over: a person has heard of it.

        It is if both would be of one bout, had it been on time.
        """
        reach = self._reach(result)
        return any(
            bout.start <= result.window_start + reach and result.window_end <= bout.end + reach
            for episodes, last in ((self._past, None), (self._open, -1))
            for episode in episodes
            if result.service in episode.groups
            for bout in episode.all_bouts()[:last]
        )

    def _reach(self, result: Result) -> int:
        """From how far on windows are no longer of one bout."""
        return max(self.rules.quiet, result.window_end - result.window_start)

    def _may_take(self, episode: Episode, result: Result) -> bool:
        """Whether an open episode, which may take in a late window, stays one after the bouts before it.

        That trouble began earlier than was thought, however much, is for a service in it to say.
        """
        if episode.bouts and result.window_start < episode.bouts[-1].end:
            return False
        known = result.service != WHOLE_STREAM and result.service in episode.groups
        return known or episode.start <= result.window_start + self._reach(result)

    def _episode_of(self, result: Result, evidence: Evidence) -> Episode | None:
        """Find the open episode that the group is in, or joins; the latest that will have it.

        Another severe cause that begins more than a window after the trouble is no part of it.
        """
        name, own = result.service, []
        open_ = [episode for episode in reversed(self._open) if self._may_take(episode, result)]
        for episode in open_:
            trouble = episode.groups.get(name)
            if trouble is None:
                continue
            if name == WHOLE_STREAM and len(episode.groups) > 1:
                return episode
            if not is_new(trouble, evidence):
                return episode
            if may_become(trouble, evidence):
                own.append(episode)
        onset = result.window_start if evidence.onset is None else evidence.onset
        last = max(own, key=lambda episode: max(episode.end, episode.until), default=None)
        window = result.window_end - result.window_start
        if last is not None and onset <= max(last.end, last.until) + window:
            return last
        for episode in open_:
            recent = result.window_end <= episode.newest_onset + self.rules.together
            if (recent or name == WHOLE_STREAM) and name not in episode.groups:
                return episode
        if name == WHOLE_STREAM and evidence.parts and evidence.parts[0].kind in FEW:
            return self._waiting.latest()
        return None

    def _come_back(self, result: Result, evidence: Evidence) -> Episode | None:
        """Open again the latest episode, over before this, in which the group had trouble of this cause."""
        for episode in reversed(self._past):
            trouble = episode.groups.get(result.service)
            if (
                trouble is None
                or len(episode.bouts) + 1 >= MAX_BOUTS
                or result.window_start < episode.end
                or not has_come_back(trouble, result, evidence)
            ):
                continue
            episode.bouts.append(Bout(episode.start, episode.end, episode.opened))
            episode.start, episode.usual_from = result.window_start, None
            episode.end = episode.opened = episode.newest_onset = result.window_end
            episode.joined.append(result.service)
            self._past.remove(episode)
            self._open.append(episode)
            return episode
        return None

    def _alert(self, episode: Episode, state: str) -> Alert:
        """The alert as it stands; who has joined is told once."""
        groups = ranked(episode.groups)
        name, lead = groups[0]
        bouts = episode.all_bouts()
        joined = episode.joined if state == "updated" else []
        symptoms = symptoms_of(episode.groups, name, unheard=state == "updated")
        course = course_of(groups, bouts, joined, symptoms, episode.usual_from)
        episode.joined = []
        return Alert(
            id=episode.id,
            state=state,
            start=bouts[0].start,
            end=episode.end,
            services=tuple(group for group, _ in groups),
            peak_score=max(trouble.score for _, trouble in groups),
            windows=episode.windows,
            evidence=lead.evidence,
            service=name,
            opened=bouts[0].opened,
            course=course,
        )
