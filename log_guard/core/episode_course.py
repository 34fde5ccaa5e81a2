"""How the trouble of each group in an episode went: when it began, how much of it there was, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from log_guard.core.course import Bout, Course, Other
from log_guard.core.results import Evidence, Part, Result
from log_guard.core.statements import statement_of
from log_guard.core.windows import WHOLE_STREAM

MAX_OTHERS = 20
CAUSE_SHARE = 0.1
"""Share of the score from which on a count is a cause, and not an accompaniment."""

MAX_PEAKS = 32
"""Counts whose peak is kept for each group of an episode."""
FEW = ("silent", "fading")

Cause = tuple[bool, str]
Counted = tuple[str, str, str]


@dataclass(slots=True)
class Trouble:
    """What one group did in the episode.

    onset:   event time (µs) from which on something was not normal, to the pane.
    latest:  end of its latest window, µs; ``score`` and ``evidence`` are those of its worst.
    count:   of what leads the evidence in the latest window; None where it is not told any more.
    peaks:   of counts that evidence told: the most (of what is missing: the least) in one window.
    """

    onset: int
    latest: int
    score: float
    evidence: Evidence
    count: int | None = None
    peaks: dict[Counted, int] = field(default_factory=dict)

    @property
    def peak(self) -> int | None:
        """The peak of what leads the evidence."""
        lead = _lead(self.evidence)
        return None if lead is None else self.peaks.get(_counted(lead))

    @staticmethod
    def of(result: Result, evidence: Evidence) -> Trouble:
        """Trouble that begins with this window."""
        trouble = Trouble(
            _onset(result, evidence), result.window_end, result.anomaly_score, evidence
        )
        trouble.see(result, evidence)
        return trouble

    def see(self, result: Result, evidence: Evidence) -> None:
        """Take in a window, or another word on one."""
        self.onset = min(self.onset, _onset(result, evidence))
        if result.anomaly_score > self.score:
            self.score, self.evidence = result.anomaly_score, evidence
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
        if result.window_end == self.latest:
            lead = _lead(self.evidence)
            self.count = None if lead is None else counts.get(_counted(lead))

    def forget_lines(self) -> None:
        """Keep of the evidence what tells and names the cause, of a service that does not lead."""
        self.evidence = replace(self.evidence, samples=(), normal_if=(), nearest_normal={})

    def is_like(self, evidence: Evidence) -> bool:
        """Whether what leads another window is among what made this trouble."""
        lead = _lead(evidence)
        causes = [p for i, p in enumerate(self.evidence.parts) if i == 0 or p.share >= CAUSE_SHARE]
        return lead is not None and _cause(lead) in map(_cause, causes)


def ranked(groups: Mapping[str, Trouble]) -> list[tuple[str, Trouble]]:
    """Services by onset, then by surprise; the stream as a whole leads only alone."""
    return sorted(
        groups.items(),
        key=lambda item: (item[0] == WHOLE_STREAM, item[1].onset, -item[1].score, item[0]),
    )


def course_of(
    groups: Sequence[tuple[str, Trouble]], bouts: tuple[Bout, ...], joined: Sequence[str]
) -> Course:
    """How an episode went; ``groups`` as :func:`ranked`, ``joined`` since it was told of."""
    lead = groups[0][1]
    others = tuple(
        Other(name, trouble.onset, trouble.evidence.sentence)
        for name, trouble in groups[1:]
        if name != WHOLE_STREAM
    )
    return Course(lead.onset, lead.count, lead.peak, bouts, tuple(joined), others[:MAX_OTHERS])


def _onset(result: Result, evidence: Evidence) -> int:
    return result.window_start if evidence.onset is None else evidence.onset


def _lead(evidence: Evidence) -> Part | None:
    return evidence.parts[0] if evidence.parts else None


def _counted(part: Part) -> Counted:
    """What a line of evidence counts; a line of many messages, those of its kind."""
    if part.messages > 1 and part.template is not None:
        return part.kind, "", ""
    return "few" if part.kind in FEW else "many", part.level or "", part.template or ""


def _cause(part: Part) -> Cause:
    """What makes two troubles the same: too much or too little of one statement, or volume."""
    return part.kind in FEW, f"{part.level} events" if part.template is None else statement_of(
        part.template
    )
