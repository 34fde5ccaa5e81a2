"""Two ways to judge the same events: which alerts would go and which would come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from log_guard.core.evaluation.evaluation import Incident
from log_guard.core.evaluation.outcomes import touching
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.results import Alert
from log_guard.core.windows import WHOLE_STREAM


@dataclass(frozen=True)
class Difference:
    """Alerts by what becomes of them; ``stay`` as they would be then."""

    go: tuple[Alert, ...]
    come: tuple[Alert, ...]
    stay: tuple[Alert, ...]


@dataclass(frozen=True)
class SuppressionEffect:
    """What one suppression does, the others being as they are.

    saved:  alerts that would come without it.
    hid:    incidents that would be found without it and are not found with it.
    """

    suppression: Suppression
    saved: int
    hid: tuple[Incident, ...]


def difference(now: Sequence[Alert], then: Sequence[Alert]) -> Difference:
    """Hold two lists of alerts against one another: the same are those of one time and service."""
    return Difference(
        tuple(a for a in now if not any(_same(a, b) for b in then)),
        tuple(b for b in then if not any(_same(a, b) for a in now)),
        tuple(b for b in then if any(_same(a, b) for a in now)),
    )


def effect(
    suppression: Suppression,
    without: Sequence[Alert],
    alerts: Sequence[Alert],
    incidents: Sequence[Incident],
) -> SuppressionEffect:
    """Effect of a suppression, given the alerts without it and with it."""
    hidden = _found(without, incidents) - _found(alerts, incidents)
    return SuppressionEffect(
        suppression,
        len(difference(without, alerts).go),
        tuple(i for i in incidents if i.id in hidden),
    )


def _found(alerts: Sequence[Alert], incidents: Sequence[Incident]) -> set[str]:
    return {incident.id for alert in alerts for incident in touching(alert, incidents)}


def _same(a: Alert, b: Alert) -> bool:
    """Whether two alerts are of one time, and of one service (or one is of the whole stream)."""
    together = a.start < b.end and b.start < a.end
    services = {*a.services} & {*b.services}
    return together and bool(services or WHOLE_STREAM in (*a.services, *b.services))
