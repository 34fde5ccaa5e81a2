"""The symptoms of one group in an episode: each cause that led a window, with its own span.

An incident has several: slow answers, then a burst of errors, then silence. One alert tells them all,
each at once when it shows and in their order at the end; none hides behind a worse one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from log_guard.core.course import Symptom
from log_guard.core.evidence.lines import ALL_EVENTS
from log_guard.core.evidence.words import sentence
from log_guard.core.results import Evidence, Part
from log_guard.core.statements import statement_of

FEW = ("silent", "fading")
"""Kinds of what there is too little of."""
NOVEL = ("new", "rare")
"""Kinds of what surprises by being there at all."""
SEVERE = ("ERROR", "FATAL")
CAUSE_SHARE = 0.1
"""Share of the score from which on a count is a cause, and not an accompaniment."""
ALL_BUT_EQUAL = 0.01
"""Scores that lie no further apart do not tell which window is the worse."""
MAX_SYMPTOMS = 50
"""Symptoms of a group in one bout that are told; what is not severe, only among the first few."""
FEW_SYMPTOMS = 5

Cause = tuple[bool, str]
SILENCE: Cause = (True, "")
MANY: Cause = (False, "many messages")
"""Many messages of a kind: a release, an installation. Each window would name another of them."""
UNNAMED: Cause = (False, "")
"""What a detector without counts has found."""


Symptoms = dict[Cause, Symptom]


def lead_of(evidence: Evidence) -> Part | None:
    """What leads the evidence."""
    return evidence.parts[0] if evidence.parts else None


def leading(evidence: Evidence) -> Cause:
    """Cause of what leads, as symptoms are told apart; of a message beside many of its window, theirs."""
    lead = lead_of(evidence)
    if lead is None:
        return UNNAMED
    beside = map(key_of, causes_of(evidence)[1:])
    return MANY if _is_novel(lead) and MANY in beside else key_of(lead)


def shown_as(symptoms: Symptoms, evidence: Evidence) -> Cause:
    """Cause under which these symptoms hold what leads: it may have turned out to be one of many."""
    cause, lead = leading(evidence), lead_of(evidence)
    folded = lead is not None and _is_novel(lead) and cause not in symptoms and MANY in symptoms
    return MANY if folded else cause


def cause_of(part: Part) -> Cause:
    """What makes two troubles the same: too much or too little of one statement, or volume."""
    few = part.kind in FEW
    if part.template is None:
        return few, f"{part.level} events"
    return few, statement_of(part.template)


def causes_of(evidence: Evidence) -> list[Part]:
    """What leads, and whatever else makes up a good share of the score."""
    return [p for i, p in enumerate(evidence.parts) if i == 0 or p.share >= CAUSE_SHARE]


def excess_of(lead: Part | None) -> float:
    """How many events more, or fewer, there were than are expected."""
    return 0.0 if lead is None else round(abs(lead.observed - lead.expected), 6)


def is_worse(now: tuple[float, float], known: tuple[float, float]) -> bool:
    """Whether of two windows of one cause, each with its score and its excess, the former is the worse.

    The scores of what goes on for a while are all but equal, and which is the highest says little: of such
    windows the one with the largest count, or lack, is what a person would name.
    """
    if abs(now[0] - known[0]) <= ALL_BUT_EQUAL:
        return now[::-1] > known[::-1]
    return now[0] > known[0]


def take_in(
    symptoms: Symptoms,
    service: str,
    span: tuple[int, int],
    score: float,
    evidence: Evidence,
    since: int,
    worst: Part | None = None,
) -> None:
    """Enter an anomalous window.

    worst:  what leads the worst window of the group so far.
    span:   its start and end, µs.
    since:  end of the window before, in which what accompanies the lead here was not yet (µs).
    """
    start, end = span
    began = start if evidence.onset is None else evidence.onset
    for part in causes_of(evidence)[1:]:
        key = key_of(part)
        known = symptoms.get(key)
        if is_severe(part) and part.kind not in FEW:
            # It came with what leads here, or goes on; of what goes on the largest count is told.
            onset = max(began, start, since if since < end else start)
            weight = max(score * part.share, known.score if known else 0.0)
            said = sentence([part], 1, service, (end - start) / 1e6)
            excess = excess_of(part)
            now = Symptom(service, onset, end, weight, said, True, kind=part.kind, excess=excess)
            _enter(symptoms, key, now)
        elif known is not None:
            _enter(symptoms, key, replace(known, end=end))
    lead, key = lead_of(evidence), leading(evidence)
    if key == SILENCE:
        _forget_its_edge(symptoms, start - (end - start))
    elif lead is not None and lead.kind in FEW:
        if _is_edge_of_silence(symptoms, start):
            return
        key = _fading_since(symptoms, start) or key
    kind = "" if lead is None else lead.kind
    excess = excess_of(lead)
    burst = None if lead is None else _burst_of(symptoms, lead, worst, start)
    if burst is not None and excess <= symptoms[burst].excess:
        _enter(symptoms, burst, replace(symptoms[burst], end=end))
        return
    said, severe = evidence.sentence, is_severe(lead)
    now = Symptom(service, began, end, score, said, severe, kind=kind, excess=excess)
    many = symptoms.get(MANY)
    if many is not None and key != MANY and _is_novel(lead) and began <= many.end:
        key, now = MANY, replace(many, end=end)  # the last of them
    elif key == MANY:
        _fold_its_first(symptoms, start - (end - start), now)
    elif lead is not None:
        now = _fold_its_volumes(symptoms, lead, now, start)
    _enter(symptoms, key, now)


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


def key_of(part: Part) -> Cause:
    """As :func:`cause_of`, but that nothing comes at all is more than too few events, and many are one."""
    if part.is_silence:
        return SILENCE
    several = part.counted == "messages" and part.kind not in FEW
    return MANY if several and part.level not in SEVERE else cause_of(part)


def is_severe(lead: Part | None) -> bool:
    """Whether it must be told by itself: errors, or that nothing comes at all."""
    if lead is None or lead.kind in FEW:
        return lead is not None and lead.is_silence
    return lead.level in SEVERE


def _forget_its_edge(symptoms: Symptoms, since: int) -> None:
    """The windows before silence, of which it is only a part, see too little: that is no other symptom."""
    for cause in [c for c, s in symptoms.items() if c[0] and c != SILENCE and s.onset >= since]:
        del symptoms[cause]


def _is_novel(lead: Part | None) -> bool:
    """Whether it is a message that surprises by being there, and need not be told by itself."""
    return lead is not None and lead.kind in NOVEL and not is_severe(lead)


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


def _burst_of(symptoms: Symptoms, lead: Part, worst: Part | None, start: int) -> Cause | None:
    """The burst of a message of which this window, that a volume leads, holds the last."""
    if (
        worst is None
        or lead.template is not None
        or (lead.level or ALL_EVENTS) not in worst.volumes
    ):
        return None
    cause = key_of(worst)
    known = symptoms.get(cause)
    alike = cause[0] == (lead.kind in FEW)
    return cause if alike and known is not None and known.end >= start else None


def _fading_since(symptoms: Mapping[Cause, Symptom], start: int) -> Cause | None:
    """Too little of one message, then of another: it is one lack, and each window would name another."""
    return next((c for c, s in symptoms.items() if c[0] and start <= s.end), None)


def _is_edge_of_silence(symptoms: Mapping[Cause, Symptom], start: int) -> bool:
    silence = symptoms.get(SILENCE)
    return silence is not None and silence.onset <= start <= silence.end
