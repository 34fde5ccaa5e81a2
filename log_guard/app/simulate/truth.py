"""The labels: the truth about a simulation, in the layout that detection is scored by."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from log_guard.app.simulate.stream import Simulation


class IncidentLabel(TypedDict):
    """One incident: when it was and what it was."""

    id: str
    start: str
    end: str
    kinds: list[str]
    services: list[str]


class Labels(TypedDict):
    """Learn from what lies before ``test_start``; judge from there to ``end``.

    Times are ISO 8601, UTC. ``ignore`` holds spans that are not to be judged; a simulation knows
    everything, so it has none.
    """

    name: str
    start: str
    test_start: str
    end: str
    incidents: list[IncidentLabel]
    ignore: list[dict[str, str]]


def labels(simulation: Simulation) -> Labels:
    """The labels of a simulation."""
    spec = simulation.spec
    return {
        "name": f"simulated-{spec.seed}",
        "start": _iso(spec.moment(0)),
        "test_start": _iso(spec.moment(int(spec.quiet_s * 1000))),
        "end": _iso(spec.moment(int(spec.duration_s * 1000))),
        "incidents": [
            {
                "id": incident.id,
                "start": _iso(incident.start),
                "end": _iso(incident.end),
                "kinds": [incident.kind],
                "services": list(incident.services),
            }
            for incident in simulation.incidents
        ],
        "ignore": [],
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
