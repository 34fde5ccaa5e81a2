"""Whether an anomalous window is of a trouble that its group had: more of it, or its coming back."""

from __future__ import annotations

from log_guard.core.episodes.causes import (
    FEW,
    SEVERE,
    cause_of,
    causes_of,
    is_load,
    is_severe,
    key_of,
    lead_of,
)
from log_guard.core.episodes.trouble import Trouble
from log_guard.core.events import SECOND
from log_guard.core.results import Evidence, Result
from log_guard.core.statements import statement_of


def has_come_back(trouble: Trouble, result: Result, evidence: Evidence) -> bool:
    """Whether it is this trouble, over before, that is on again."""
    same = _is_like(trouble, evidence) or _is_same_shift(trouble, result, evidence)
    return same and not _brings_errors(trouble, evidence)


def is_new(trouble: Trouble, evidence: Evidence) -> bool:
    """Whether what leads the window is severe, and nothing that this bout had."""
    lead = lead_of(evidence)
    if lead is None or not is_severe(lead) or _is_like(trouble, evidence):
        return False
    return key_of(lead) not in trouble.symptoms


def may_become(trouble: Trouble, evidence: Evidence) -> bool:
    """Whether a bout may turn into that which leads the window, severe and new.

    What only came back as more of what is usual is not made worse by errors that it never had: they are news.
    """
    severe = any(symptom.severe for symptom in trouble.symptoms.values())
    return not trouble.again or severe or not _brings_errors(trouble, evidence)


def _is_like(trouble: Trouble, evidence: Evidence) -> bool:
    """Whether what leads the window is among what made the trouble.

    A volume says little of its cause: where messages are told beside it here and there, one must be the same.
    """
    lead, known = lead_of(evidence), causes_of(trouble.evidence)
    if lead is None or cause_of(lead) not in map(cause_of, known):
        return False
    if lead.template is not None or lead.is_silence:
        return True
    both = causes_of(evidence), known
    here, there = ({cause_of(p) for p in parts if p.template is not None} for parts in both)
    return not here or not there or bool(here & there)


def _is_same_shift(trouble: Trouble, result: Result, evidence: Evidence) -> bool:
    """Whether it is the same rise, or fall, of the load: a window of it and a stretch that holds it, or the reverse.

    Which of its messages leads is chance.
    """
    lead, known = lead_of(evidence), lead_of(trouble.evidence)
    if lead is None or known is None or not (is_load(lead) and is_load(known)):
        return False
    stretch = max(trouble.stretch, round((lead.seconds or 0.0) * SECOND))
    same = (lead.kind in FEW) == (known.kind in FEW)
    return same and result.window_start - trouble.latest <= stretch


def _brings_errors(trouble: Trouble, evidence: Evidence) -> bool:
    """Whether a window, which nothing severe leads that the trouble had, has errors that it never had."""
    if is_severe(lead_of(evidence)) and _is_like(trouble, evidence):
        return False
    had = {statement_of(template) for _, _, template in trouble.peaks if template}
    templates = [p.template for p in causes_of(evidence) if p.level in SEVERE]
    return any(t is not None and statement_of(t) not in had for t in templates)
