"""How the trouble of each group in an episode went: when it began, how much of it there was, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.episodes.causes import (
    FEW,
    SILENCE,
    excess_of,
    is_worse,
    lead_of,
    leading,
)
from log_guard.core.episodes.symptoms import Seen, Symptoms, shown_as, take_in
from log_guard.core.events import SECOND
from log_guard.core.evidence.lines import ALL_EVENTS
from log_guard.core.evidence.words import longer_silence
from log_guard.core.features import VOLUME_FEATURES
from log_guard.core.results import Evidence, Part, Result
from log_guard.core.windows.spec import LASTING

MAX_PEAKS = 32
"""Counts whose peak is kept for each group of an episode."""
STILL_THERE = 0.25
"""Of how far a count was from what was usual: the share from which on it is not over."""

_EVENTS = VOLUME_FEATURES.index("log_count")
_LEVELS = {
    name.removesuffix("_count").upper(): i
    for i, name in enumerate(VOLUME_FEATURES[: VOLUME_FEATURES.index("error_rate")])
    if i != _EVENTS
}
"""Level → the feature that counts its events."""

Counted = tuple[str, str, str]


@dataclass(slots=True)
class Trouble:
    """What one group did in the episode.

    onset:   event time (µs) from which on something was not normal, to the pane.
    latest:  end of its latest window, µs; ``score`` is its highest.
    evidence:  of its worst window, whose score is ``shown``.
    count:   of what leads the evidence in the latest window; None where it is not told any more.
    peaks:   of counts that evidence told: the most (of what is missing: the least) in one window.
    symptoms:  what led its windows in the bout that is on, by cause.
    silent:  whether it has said nothing since its latest window, in which nothing came.
    until:   event time (µs) up to which its latest silence lasted, to the pane: it was heard again then, or is ``silent``.
    again:   whether this is not its first bout.
    stretch: µs of event time that the longest count was of that led one of its windows.
    window: length of its windows, µs.
    volumes: events, and those of each level, of its latest window; ``after`` of the newest that lies wholly
             behind that one.
    """

    onset: int
    latest: int
    score: float
    evidence: Evidence
    count: int | None = None
    peaks: dict[Counted, int] = field(default_factory=dict)
    symptoms: Symptoms = field(default_factory=dict)
    silent: bool = False
    until: int = 0
    again: bool = False
    stretch: int = 0
    volumes: tuple[float, ...] = ()
    after: tuple[float, ...] = ()
    shown: float = 0.0
    window: int = 0

    @property
    def extent(self) -> int | None:
        """How much of what leads the evidence there is now: its count or, of silence, its seconds."""
        silence = self.symptoms.get(SILENCE)
        if silence is not None and self.silent and leading(self.evidence) == SILENCE:
            return (self.until - silence.onset) // SECOND
        return self.count

    @property
    def peak(self) -> int | None:
        """The peak of what leads the evidence."""
        lead = lead_of(self.evidence)
        return None if lead is None else self.peaks.get(_counted(lead))

    @staticmethod
    def of(result: Result, evidence: Evidence) -> Trouble:
        """Trouble that begins with this window."""
        score = result.anomaly_score
        length = result.window_end - result.window_start
        onset = Seen.of(result, evidence).onset
        trouble = Trouble(onset, result.window_end, score, evidence, shown=score, window=length)
        trouble.see(result, evidence)
        return trouble

    def begin_again(self) -> None:
        """Another bout: what was wrong in the one before is over."""
        self.symptoms, self.count, self.silent, self.until = {}, None, False, 0
        self.again = True
        self.volumes, self.after = (), ()

    def see(self, result: Result, evidence: Evidence) -> None:
        """Take in a window, or another word on one."""
        seen = Seen.of(result, evidence)
        first = not self.symptoms
        if seen.lead is not None:
            self.stretch = max(self.stretch, round((seen.lead.seconds or 0.0) * SECOND))
        score = result.anomaly_score
        take_in(self.symptoms, seen, self.latest, worst=lead_of(self.evidence))
        if (
            not self.again
        ):  # windows that hold only the edge of a silence may have seemed to be its begin
            self.onset = min((s.onset for s in self.symptoms.values()), default=seen.onset)
        lead = shown_as(self.symptoms, self.evidence)
        if first and lead in self.symptoms:  # the alert says it anyway
            self.symptoms[lead] = replace(self.symptoms[lead], told=True)
        if self._is_worse(score, evidence):
            self.shown, self.evidence = score, evidence
        self.score = max(self.score, score)
        counts: dict[Counted, int] = {}
        for part in evidence.parts:
            counted = _counted(part)
            counts[counted] = part.observed
            peak = self.peaks.get(counted)
            if peak is not None or len(self.peaks) < MAX_PEAKS:
                worse = min if part.kind in FEW else max
                self.peaks[counted] = worse(part.observed, part.observed if peak is None else peak)
        if result.window_end >= self.latest:
            self.latest = result.window_end
            self.silent = leading(evidence) == SILENCE
            if self.silent:
                self.until = max(self.until, result.window_end)
            self.volumes, self.after = _volumes(result), ()
        if result.window_end == self.latest:
            leader = lead_of(self.evidence)
            self.count = None if leader is None else counts.get(_counted(leader))

    def _is_worse(self, score: float, evidence: Evidence) -> bool:
        """Whether a window tells more than the one whose evidence is shown.

        That has the highest score, or as good as that and there was more of what leads it.
        """
        lead, shown = lead_of(evidence), lead_of(self.evidence)
        if lead is None or shown is None or _counted(lead) != _counted(shown):
            return score > self.shown
        return is_worse((score, excess_of(lead)), (self.shown, excess_of(shown)))

    def hear(self, result: Result, slide: int) -> None:
        """Take note of a window of the group, normal or not; ``slide``: length of a pane, µs."""
        if self.silent and result.window_end > self.until:
            # What is heard first is in the newest pane of its first window.
            ended = bool(result.features[_EVENTS])
            self.last_to(max(result.window_end - slide * ended, self.until))
            self.silent = not ended
        if result.final and result.window_start >= self.latest:
            self.after = _volumes(result)

    def last_to(self, time: int) -> None:
        """Say of what has been silent that it still was at this event time, µs."""
        if not self.silent or time < self.until:
            return
        self.until = time
        known = self.symptoms.get(SILENCE)
        if known is None:
            return
        seconds = (time - known.onset) / SECOND
        said = longer_silence(known.sentence, seconds)
        self.symptoms[SILENCE] = replace(known, end=max(known.end, time), sentence=said)
        self.evidence = replace(
            self.evidence, sentence=longer_silence(self.evidence.sentence, seconds)
        )

    def forget_lines(self) -> None:
        """Keep of the evidence what tells and names the cause, of a service that does not lead."""
        self.evidence = replace(self.evidence, samples=(), normal_if=(), nearest_normal={})

    def became_usual(self) -> bool:
        """Whether its windows ended because it was learnt, and not because it was over.

        What is seen is learnt at the end of an epoch. Trouble that is over leaves windows in which there
        is ever less of it; of this there was a good part to the last. Where it made up a volume, what came
        after tells, too: it may have been over just then. What all came within a window was no state of things
        that could go on, unless such a volume shows it.
        """
        lead, peak = lead_of(self.evidence), self.peak
        if self.latest % EPOCH or lead is None or self.count is None or peak is None:
            return False
        if leading(self.evidence) == SILENCE:  # that is over with the first event
            return False
        usual = lead.low if lead.kind in FEW else lead.high
        if abs(self.count - usual) < STILL_THERE * abs(peak - usual):
            return False
        excess = self.count - usual
        onset = min((s.onset for s in self.symptoms.values()), default=self.onset)
        lasted = self.latest - onset > self.window
        volume = lead.level if lead.level in _LEVELS else None
        i = _EVENTS if volume is None else _LEVELS[volume]
        if self.after and excess > 0 and not self.after[i]:  # nothing like it came any more
            return False
        if not self.after or not (lead.template is None or (volume or ALL_EVENTS) in lead.volumes):
            return lasted
        return not self._went(i, excess / LASTING if lead.seconds else excess)

    def _went(self, i: int, excess: float) -> bool:
        """Whether the i-th volume, which the lead made up, lost it again, as far as can be seen."""
        less = self.volumes[i] - self.after[i]
        gone = less if excess > 0 else -less
        return gone >= (1.0 - STILL_THERE) * abs(excess)


def _volumes(result: Result) -> tuple[float, ...]:
    return tuple(map(float, result.features[: len(_LEVELS) + 1]))


def _counted(part: Part) -> Counted:
    """What a line of evidence counts; a line of many messages, those of its kind."""
    if part.counted == "messages":
        return part.kind, "", ""
    lasting = f" in {part.seconds:g} s" if part.seconds else ""
    return ("few" if part.kind in FEW else "many") + lasting, part.level or "", part.template or ""
