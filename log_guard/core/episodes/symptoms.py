"""The symptoms of one group in an episode: each cause that led a window, with its own span.

An incident has several: slow answers, then a burst of errors, then silence. One alert tells them all,
each at once when it shows and in their order at the end; none hides behind a worse one. What is only an
edge or a part of another is folded into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from log_guard.core.course import Symptom
from log_guard.core.episodes.causes import (
    FEW,
    MANY,
    NOVEL,
    SILENCE,
    Cause,
    causes_of,
    excess_of,
    is_novel,
    is_severe,
    is_worse,
    key_of,
    lead_of,
    leading,
)
from log_guard.core.evidence.lines import ALL_EVENTS
from log_guard.core.evidence.words import sentence
from log_guard.core.results import Evidence, Part, Result

MAX_SYMPTOMS = 50
"""Symptoms of a group in one bout that are told; what is not severe, only among the first few."""
FEW_SYMPTOMS = 5

Symptoms = dict[Cause, Symptom]


@dataclass(frozen=True, slots=True)
class Seen:
    """An anomalous window: its span and the begin of what is wrong in it, µs."""

    service: str
    start: int
    end: int
    onset: int
    score: float
    evidence: Evidence

    @staticmethod
    def of(result: Result, evidence: Evidence) -> Seen:
        """Of its result."""
        onset = result.window_start if evidence.onset is None else evidence.onset
        span = result.window_start, result.window_end
        return Seen(result.service, *span, onset, result.anomaly_score, evidence)

    @property
    def lead(self) -> Part | None:
        """What leads its evidence."""
        return lead_of(self.evidence)

    @property
    def before(self) -> int:
        """Begin of a window that ends where this one starts."""
        return self.start - (self.end - self.start)


def take_in(symptoms: Symptoms, seen: Seen, since: int, worst: Part | None = None) -> None:
    """Enter an anomalous window.

    since:  end of the window before, in which what accompanies the lead here was not yet (µs).
    worst:  what leads the worst window of the group so far.
    """
    for part in causes_of(seen.evidence)[1:]:
        _accompany(symptoms, seen, part, since)
    cause = leading(seen.evidence)
    if cause == SILENCE:
        _forget_its_edge(symptoms, seen.onset - (seen.end - seen.start))
    elif _is_edge_of_silence(symptoms, seen):
        return
    whole = _burst_of(symptoms, seen, worst) or _many_of(symptoms, seen)
    if whole is not None:
        _enter(symptoms, whole, replace(symptoms[whole], end=seen.end))
    else:
        _lead(symptoms, seen, cause)


def shown_as(symptoms: Symptoms, evidence: Evidence) -> Cause:
    """Cause under which these symptoms hold what leads: it may have turned out to be one of many."""
    cause = leading(evidence)
    folded = is_novel(lead_of(evidence)) and cause not in symptoms and MANY in symptoms
    return MANY if folded else cause


def tell(symptoms: Symptoms, unheard: bool = True) -> Symptoms:
    """All of them, as they are told now, and mark them as told.

    What is new and not severe is news only as one of a few; without ``unheard`` nothing is.
    """
    heard = sum(symptom.told for symptom in symptoms.values())
    shown = {}
    for cause, symptom in symptoms.items():
        news = unheard and _is_news(symptom, heard)
        shown[cause] = replace(symptom, told=not news)
        if not symptom.told:
            symptoms[cause] = replace(symptom, told=True)
    return shown


def has_news(symptoms: Symptoms) -> bool:
    """Whether there is something that must be told."""
    heard = sum(symptom.told for symptom in symptoms.values())
    return any(_is_news(symptom, heard) for symptom in symptoms.values())


def _is_news(symptom: Symptom, heard: int) -> bool:
    return not symptom.told and (symptom.severe or heard < FEW_SYMPTOMS)


def _lead(symptoms: Symptoms, seen: Seen, cause: Cause) -> None:
    """Enter what leads a window, and with it what was seen of it before it was known as that."""
    lead = seen.lead
    kind = "" if lead is None else lead.kind
    now = Symptom(
        seen.service,
        seen.onset,
        seen.end,
        seen.score,
        seen.evidence.sentence,
        is_severe(lead),
        kind=kind,
        excess=excess_of(lead),
    )
    if kind in FEW and cause != SILENCE:
        cause = _fading_since(symptoms, seen.start) or cause
    if cause == MANY:
        _fold_its_first(symptoms, seen.before, now)
    elif lead is not None:
        now = _fold_its_volumes(symptoms, lead, now, seen.start)
    _enter(symptoms, cause, now)


def _accompany(symptoms: Symptoms, seen: Seen, part: Part, since: int) -> None:
    """Errors that came with what leads are told too, with their largest count; what is known goes on."""
    key = key_of(part)
    known = symptoms.get(key)
    if is_severe(part) and part.kind not in FEW:
        onset = max(seen.onset, seen.start, since if since < seen.end else seen.start)
        weight = max(seen.score * part.share, known.score if known else 0.0)
        said = sentence([part], 1, seen.service, (seen.end - seen.start) / 1e6)
        excess = excess_of(part)
        now = Symptom(
            seen.service, onset, seen.end, weight, said, True, kind=part.kind, excess=excess
        )
        _enter(symptoms, key, now)
    elif known is not None:
        _enter(symptoms, key, replace(known, end=seen.end))


def _enter(symptoms: Symptoms, cause: Cause, now: Symptom) -> None:
    known = symptoms.get(cause)
    if known is not None:
        graver = now.severe and not known.severe
        worse = is_worse((now.score, now.excess), (known.score, known.excess))
        worst = now if graver or worse else known
        now = replace(
            worst,
            onset=min(known.onset, now.onset),
            end=max(known.end, now.end),
            severe=known.severe or now.severe,
            told=known.told and not graver,
        )
    if known is not None or len(symptoms) < MAX_SYMPTOMS:
        symptoms[cause] = now


def _is_edge_of_silence(symptoms: Mapping[Cause, Symptom], seen: Seen) -> bool:
    """The windows after silence, of which it is only a part, see too little: that is no other symptom."""
    silence, lead = symptoms.get(SILENCE), seen.lead
    few = lead is not None and lead.kind in FEW
    return few and silence is not None and silence.onset <= seen.start <= silence.end


def _burst_of(symptoms: Symptoms, seen: Seen, worst: Part | None) -> Cause | None:
    """The burst of a message of which this window, that a volume leads, holds the last."""
    lead = seen.lead
    if worst is None or lead is None or lead.template is not None:
        return None
    if (lead.level or ALL_EVENTS) not in worst.volumes:
        return None
    cause = key_of(worst)
    known = symptoms.get(cause)
    if known is None or known.end < seen.start or cause[0] != (lead.kind in FEW):
        return None
    return cause if excess_of(lead) <= known.excess else None


def _many_of(symptoms: Symptoms, seen: Seen) -> Cause | None:
    """The many new messages of which this window holds the last."""
    many = symptoms.get(MANY)
    if many is None or leading(seen.evidence) == MANY or not is_novel(seen.lead):
        return None
    return MANY if seen.onset <= many.end else None


def _fading_since(symptoms: Mapping[Cause, Symptom], start: int) -> Cause | None:
    """Too little of one message, then of another: it is one lack, and each window would name another."""
    return next((c for c, s in symptoms.items() if c[0] and start <= s.end), None)


def _forget_its_edge(symptoms: Symptoms, since: int) -> None:
    """The windows before silence, of which it is only a part, see too little: that is no other symptom."""
    for cause in [c for c, s in symptoms.items() if c[0] and c != SILENCE and s.onset >= since]:
        del symptoms[cause]


def _fold_its_first(symptoms: Symptoms, since: int, now: Symptom) -> None:
    """The windows before many new messages hold only the first of them: that is no other symptom."""
    for cause, first in list(symptoms.items()):
        if cause != MANY and first.kind in NOVEL and not first.severe and first.onset >= since:
            del symptoms[cause]
            _enter(symptoms, MANY, replace(now, onset=first.onset))


def _fold_its_volumes(symptoms: Symptoms, lead: Part, now: Symptom, start: int) -> Symptom:
    """The first windows of a burst may tell its volume before any of its messages: that is no other symptom."""
    for volume in lead.volumes:
        cause = lead.kind in FEW, f"{None if volume == ALL_EVENTS else volume} events"
        known = symptoms.get(cause)
        if known is not None and known.end >= start and known.excess <= now.excess:
            del symptoms[cause]
            now = replace(now, onset=min(now.onset, known.onset))
    return now
