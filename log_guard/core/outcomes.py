"""Alerts against the truth: how many an incident, how many for nothing, which templates raise them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.special import pdtr

from log_guard.core.evaluation import Incident, Labels
from log_guard.core.results import Alert

CONFIDENCE = 0.95
AFTER, WAKE = 30.0, 90.0
"""Seconds after its end in which an alert is still an incident's; in which it is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Observed false alarms against those promised.

    expected:  promised, for the quiet time that was judged.
    most:      what a kept promise exceeds in one of twenty looks: the 95 % bound of a Poisson
               distribution (or that of another confidence).
    """

    observed: int
    expected: float
    most: int

    @property
    def kept(self) -> bool:
        """Whether no more was observed than chance allows."""
        return self.observed <= self.most


@dataclass(frozen=True, slots=True)
class TemplateOutcome:
    """Alerts whose heaviest part is this count; ``level`` and ``template`` as in ``results.Part``."""

    level: str | None
    template: str | None
    alerts: int
    real: int
    false: int

    @property
    def precision(self) -> float | None:
        """Share of the alerts that were about an incident; None where none can be told."""
        told = self.real + self.false
        return self.real / told if told else None


@dataclass(frozen=True, slots=True)
class AlertOutcome:
    """What became of the alerts; one that came back counts for each time it was on.

    real:          alerts that touch an incident; ``false``: those that touch nothing at all.
    per_incident:  alerts (coming back is none) an incident that has any, on average; 0 where none has.
    templates:     by what raised them, most alerts first.
    """

    alerts: int
    real: int
    false: int
    per_incident: float
    templates: tuple[TemplateOutcome, ...]


def promise(observed: int, per_day: float, hours: float, confidence: float = CONFIDENCE) -> Promise:
    """Hold the false alarms of so many quiet hours against the promised rate."""
    expected = per_day * hours / 24
    most = 0
    while pdtr(most, expected) < confidence:
        most += 1
    return Promise(observed, expected, most)


def last_words(alerts: Iterable[Alert]) -> list[Alert]:
    """Each alert as it was told of last, once for each time it was on."""
    last = {alert.id: alert for alert in alerts}
    return [bout for alert in last.values() for bout in alert.each_bout()]


def touching(alert: Alert, incidents: Sequence[Incident]) -> list[Incident]:
    """Incidents that an alert is about."""
    start, end = alert.start / 1e6, alert.end / 1e6
    return [i for i in incidents if start < i.end + AFTER and end > i.start]


def outcome_of(alerts: Sequence[Alert], labels: Labels) -> AlertOutcome:
    """Hold alerts, as :func:`last_words` gives them, against the truth."""
    found: dict[str, set[int]] = {}
    real: set[tuple[int, int]] = set()
    false: set[tuple[int, int]] = set()
    for alert in alerts:
        mine = touching(alert, labels.incidents)
        for incident in mine:
            found.setdefault(incident.id, set()).add(alert.id)
        if mine:
            real.add((alert.id, alert.start))
        elif not _beside(alert, labels):
            false.add((alert.id, alert.start))
    causes: dict[tuple[str | None, str | None], list[tuple[int, int]]] = {}
    for alert in alerts:
        part = alert.evidence.parts[0] if alert.evidence.parts else None
        cause = (part.level, part.template) if part else (None, None)
        causes.setdefault(cause, []).append((alert.id, alert.start))
    templates = [
        TemplateOutcome(*cause, len(ids), len(real.intersection(ids)), len(false.intersection(ids)))
        for cause, ids in causes.items()
    ]
    templates.sort(key=lambda t: (-t.alerts, t.template or "", t.level or ""))
    per_incident = sum(map(len, found.values())) / len(found) if found else 0.0
    return AlertOutcome(len(alerts), len(real), len(false), per_incident, tuple(templates))


def _beside(alert: Alert, labels: Labels) -> bool:
    """Whether an alert lies in an ignored span or in the wake of an incident."""
    start, end = alert.start / 1e6, alert.end / 1e6
    spans = [*labels.ignore, *((i.end, i.end + WAKE) for i in labels.incidents)]
    return any(start < b and end > a for a, b in spans)
