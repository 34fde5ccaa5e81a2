"""What a window is wrong by: the cause that leads its evidence, and those beside it."""

from __future__ import annotations

from log_guard.core.results import Evidence, Part
from log_guard.core.statements import statement_of
from log_guard.core.windows.spec import LASTING

FEW = ("silent", "fading")
"""Kinds of what there is too little of."""
NOVEL = ("new", "rare")
"""Kinds of what surprises by being there at all."""
SEVERE = ("ERROR", "FATAL")
CAUSE_SHARE = 0.1
"""Share of the score from which on a count is a cause, and not an accompaniment."""
ALL_BUT_EQUAL = 0.01
"""Scores that lie no further apart do not tell which window is the worse."""

Cause = tuple[bool, str]
"""Whether there is too little, and of what."""
SILENCE: Cause = (True, "")
MANY: Cause = (False, "many messages")
"""Many messages of a kind: a release, an installation. Each window would name another of them."""
UNNAMED: Cause = (False, "")
"""What a detector without counts has found."""


def lead_of(evidence: Evidence) -> Part | None:
    """What leads the evidence."""
    return evidence.parts[0] if evidence.parts else None


def leading(evidence: Evidence) -> Cause:
    """Cause of what leads, as symptoms are told apart; of a message beside many of its window, theirs."""
    lead = lead_of(evidence)
    if lead is None:
        return UNNAMED
    beside = map(key_of, causes_of(evidence)[1:])
    return MANY if is_novel(lead) and MANY in beside else key_of(lead)


def cause_of(part: Part) -> Cause:
    """What makes two troubles the same: too much or too little of one statement, or volume."""
    few = part.kind in FEW
    if part.template is None:
        return few, f"{part.level} events"
    return few, statement_of(part.template)


def key_of(part: Part) -> Cause:
    """As :func:`cause_of`, but that nothing comes at all is more than too few events, and many are one."""
    if part.is_silence:
        return SILENCE
    several = part.counted == "messages" and part.kind not in FEW
    return MANY if several and part.level not in SEVERE else cause_of(part)


def causes_of(evidence: Evidence) -> list[Part]:
    """What leads, and whatever else makes up a good share of the score."""
    return [p for i, p in enumerate(evidence.parts) if i == 0 or p.share >= CAUSE_SHARE]


def is_severe(lead: Part | None) -> bool:
    """Whether it must be told by itself: errors, or that nothing comes at all."""
    if lead is None or lead.kind in FEW:
        return lead is not None and lead.is_silence
    return lead.level in SEVERE


def is_novel(lead: Part | None) -> bool:
    """Whether it is a message that surprises by being there, and need not be told by itself."""
    return lead is not None and lead.kind in NOVEL and not is_severe(lead)


def is_load(lead: Part | None) -> bool:
    """Whether it is more, or less, of what is usual, and no trouble by what it says."""
    return lead is not None and lead.kind in ("surging", *FEW) and not is_severe(lead)


def excess_of(lead: Part | None) -> float:
    """How many events more, or fewer, there were than are expected in a window."""
    if lead is None:
        return 0.0
    return round(abs(lead.observed - lead.expected) / (LASTING if lead.seconds else 1), 6)


def is_worse(now: tuple[float, float], known: tuple[float, float]) -> bool:
    """Whether of two windows of one cause, each with its score and its excess, the former is the worse.

    The scores of what goes on for a while are all but equal, and which is the highest says little: of such
    windows the one with the largest count, or lack, is what a person would name.
    """
    if abs(now[0] - known[0]) <= ALL_BUT_EQUAL:
        return now[::-1] > known[::-1]
    return now[0] > known[0]
