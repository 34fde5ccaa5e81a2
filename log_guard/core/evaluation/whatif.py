"""Two ways to judge the same events: which alerts would go and which would come."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from log_guard.core.episodes.causes import leading
from log_guard.core.evaluation.evaluation import Incident
from log_guard.core.evaluation.outcomes import touching
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.results import Alert
from log_guard.core.windows import WHOLE_STREAM


@dataclass(frozen=True)
class Difference:
    """Alerts by what becomes of them, each in one list: now there are those that go and stay, then those that stay and come.

    stay:  as they would be then. Of two that would be one, one stays, and the other goes.
    """

    go: tuple[Alert, ...]
    come: tuple[Alert, ...]
    stay: tuple[Alert, ...]


@dataclass(frozen=True)
class SuppressionEffect:
    """What one suppression does, the others being as they are.

    suppression:  None: what several do together, for each of them would do alone.
    saved:  alerts that would come without it.
    hid:    incidents that would be found without it and are not found with it.
    """

    suppression: Suppression | None
    saved: int
    hid: tuple[Incident, ...]


def difference(now: Sequence[Alert], then: Sequence[Alert]) -> Difference:
    """Hold two lists of alerts against one another: the same are those that were on at one time, of one service.

    Where there are several such, the one of the same first service and cause, and of those the one that was on with it for
    longest.
    """
    pairs = [
        (_likeness(a, b), -i, -j)
        for i, a in enumerate(now)
        for j, b in enumerate(then)
        if _same(a, b)
    ]
    gone, come = dict(enumerate(now)), dict(enumerate(then))
    stay: set[int] = set()
    for _, i, j in sorted(pairs, reverse=True):
        if -i in gone and -j in come:
            del gone[-i], come[-j]
            stay.add(-j)
    kept = (alert for j, alert in enumerate(then) if j in stay)
    return Difference(tuple(gone.values()), tuple(come.values()), tuple(kept))


def effects_of(
    suppressions: Sequence[Suppression],
    without_each: Sequence[Sequence[Alert]],
    without_all: Sequence[Alert],
    alerts: Sequence[Alert],
    incidents: Sequence[Incident],
) -> list[SuppressionEffect]:
    """Effect of each suppression, and last of several together, where that is any.

    without_each:  the alerts without each of them in turn; ``alerts``: with all of them.
    """
    saved = [difference(without, alerts).go for without in without_each]
    found = _found(alerts, incidents)
    hidden = [_found(without, incidents) - found for without in without_each]

    def effect(one: Suppression | None, many: int, ids: Set[str]) -> SuppressionEffect:
        return SuppressionEffect(one, many, tuple(i for i in incidents if i.id in ids))

    each = zip(suppressions, saved, hidden, strict=True)
    effects = [effect(one, len(gone), ids) for one, gone, ids in each]
    if len(suppressions) > 1:
        alone = [alert for gone in saved for alert in gone]
        gone = difference(without_all, alerts).go
        more = sum(not any(_same(a, b) for b in alone) for a in gone)
        ids = _found(without_all, incidents) - found - set().union(*hidden)
        if more or ids:
            effects.append(effect(None, more, ids))
    return effects


def _found(alerts: Sequence[Alert], incidents: Sequence[Incident]) -> set[str]:
    return {incident.id for alert in alerts for incident in touching(alert, incidents)}


def _likeness(a: Alert, b: Alert) -> tuple[bool, bool, int]:
    """Of two alerts that were on at one time: whether of one service and cause first, and for how long together, µs."""
    together = (min(x.end, y.end) - max(x.start, y.start) for x in a.bouts for y in b.bouts)
    cause = leading(a.evidence) == leading(b.evidence)
    return a.service == b.service, cause, sum(max(time, 0) for time in together)


def _same(a: Alert, b: Alert) -> bool:
    """Whether two alerts were on at one time, and are of one service (or one is of the whole stream)."""
    together = any(x.start < y.end and y.start < x.end for x in a.bouts for y in b.bouts)
    services = {*a.services} & {*b.services}
    return together and bool(services or WHOLE_STREAM in (*a.services, *b.services))
