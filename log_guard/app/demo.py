"""The demo: simulated services, the real line, a real database, and then the truth beside it.

What is detected is decided before the truth is looked at; detection imports nothing of the
simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from log_guard.adapters.store import Store
from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.app.simulate import Incident, Simulation, SimulationSpec, simulate
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert

GRACE = timedelta(seconds=60)
"""An alert that opens up to so long after an incident's end still is of that incident."""


@dataclass(frozen=True)
class Scored:
    """The demo's last table. ``false_alarms``: alerts that touch no incident."""

    found: tuple[tuple[Incident, Alert], ...]
    missed: tuple[Incident, ...]
    false_alarms: tuple[Alert, ...]
    ledger: Ledger
    results: int


def run_demo(
    spec: SimulationSpec,
    options: PipelineOptions,
    database: Path | None = None,
    show: Callable[[Output, float], Any] = lambda _out, _share: None,
) -> Scored:
    """Simulate, detect, store; ``show`` sees every step's output and the share of the stream done."""
    simulation = simulate(spec)
    quiet_end = int(spec.moment(int(spec.quiet_s * 1000)).timestamp() * SECOND)
    detect = replace(options.detect, train_until=quiet_end)
    pipeline = Pipeline(Decoder(JsonLines()), replace(options, detect=detect))
    final: dict[int, Alert] = {}
    results = 0
    with Store(f"sqlite:///{database}") if database is not None else nullcontext() as store:
        for out, share in _steps(simulation, pipeline):
            if store is not None:
                store.write(out.results, out.alerts, out.dead, pipeline.ledger)
            results += len(out.results)
            final.update((alert.id, alert) for alert in out.alerts)
            show(out, share)
    return compare(simulation.incidents, list(final.values()), pipeline.ledger, results)


def _steps(simulation: Simulation, pipeline: Pipeline) -> Iterator[tuple[Output, float]]:
    total = simulation.spec.duration_s
    line, seconds = 1, 10.0
    for i, data in enumerate(simulation.batches(seconds)):
        yield pipeline.feed(RawBatch(data, line)), min((i + 1) * seconds / total, 1.0)
        line += data.count(b"\n")
    yield pipeline.finish(), 1.0


def compare(incidents: list[Incident], alerts: list[Alert], ledger: Ledger, results: int) -> Scored:
    """Set alerts against the truth: an incident is found by an alert that overlaps it in time."""
    alerts = [bout for alert in alerts for bout in alert.each_bout()]
    found: list[tuple[Incident, Alert]] = []
    missed: list[Incident] = []
    real: set[tuple[int, int]] = set()
    for incident in incidents:
        start = int(incident.start.timestamp() * SECOND)
        end = int((incident.end + GRACE).timestamp() * SECOND)
        touching = [a for a in alerts if a.start < end and a.end > start]
        real.update((a.id, a.start) for a in touching)
        if touching:
            found.append((incident, touching[0]))
        else:
            missed.append(incident)
    false = tuple(a for a in alerts if (a.id, a.start) not in real)
    return Scored(tuple(found), tuple(missed), false, ledger, results)
