"""Alerts against the truth: how many an incident, how many for nothing, which templates raise them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from log_guard.core.evaluation.evaluation import Incident, Labels
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
    """Alerts that this count leads: the heaviest that is about a message, if one is.

    ``level`` and ``template`` as in ``results.Part``.
    """

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
    from scipy.special import pdtr

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
    spans = [(bout.start / 1e6, bout.end / 1e6) for bout in alert.bouts]
    return [i for i in incidents if any(a < i.end + AFTER and b > i.start for a, b in spans)]


def outcome_of(alerts: Sequence[Alert], labels: Labels) -> AlertOutcome:
    """Hold alerts, as :func:`last_words` gives them, against the truth."""
    found: dict[Incident, set[int]] = {}
    real: set[tuple[int, int]] = set()
    false: set[tuple[int, int]] = set()
    for alert in alerts:
        mine = touching(alert, labels.incidents)
        for incident in mine:
            found.setdefault(incident, set()).add(alert.id)
        if mine:
            real.add(time_of(alert))
        elif not _beside(alert, labels):
            false.add(time_of(alert))
    per_incident = sum(map(len, found.values())) / len(found) if found else 0.0
    templates = by_template(alerts, real, false)
    return AlertOutcome(len(alerts), len(real), len(false), per_incident, templates)


def time_of(alert: Alert) -> tuple[int, int]:
    """Names one of the times that an alert was on."""
    return alert.id, alert.start


def by_template(
    alerts: Sequence[Alert], real: Set[tuple[int, int]], false: Set[tuple[int, int]]
) -> tuple[TemplateOutcome, ...]:
    """Alerts by what raised them, most first; ``real`` and ``false``: those that can be told (:func:`time_of`)."""
    causes: dict[tuple[str | None, str | None], set[tuple[int, int]]] = {}
    for alert in alerts:
        causes.setdefault(_cause(alert), set()).add(time_of(alert))
    templates = [
        TemplateOutcome(*cause, len(ids), len(ids & real), len(ids & false))
        for cause, ids in causes.items()
    ]
    templates.sort(key=lambda t: (-t.alerts, t.template or "", t.level or ""))
    return tuple(templates)


def _cause(alert: Alert) -> tuple[str | None, str | None]:
    """Level and template of the heaviest part that is about a message, or else of the heaviest."""
    parts = alert.evidence.parts
    messages = (part for part in parts if part.template is not None)
    part = next(messages, parts[0] if parts else None)
    return (None, None) if part is None else (part.level, part.template)


def _beside(alert: Alert, labels: Labels) -> bool:
    """Whether an alert lies in an ignored span or in the wake of an incident."""
    start, end = alert.start / 1e6, alert.end / 1e6
    spans = [*labels.ignore, *((i.end, i.end + WAKE) for i in labels.incidents)]
    return any(start < b and end > a for a, b in spans)
