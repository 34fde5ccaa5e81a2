"""Started on nothing: what an hour of normal traffic costs, and what is found in the first minutes."""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks.measure import report
from log_guard.app.pipeline import Pipeline
from log_guard.app.simulate import Simulation, SimulationSpec, simulate
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.results import Alert

QUIET = range(100, 120)
TROUBLED = range(200, 220)
LOUD = ("error_burst", "cascade", "security_breach", "service_silent")


def main() -> int:
    """Print false alarms of quiet hours, and what was found of incidents from the 90th second on."""
    worst = 0
    total = 0
    for seed in QUIET:
        _, opened = _watch(SimulationSpec(seed=seed, kinds=()))
        worst, total = max(worst, len(opened)), total + len(opened)
        print(f"quiet hour, seed {seed}: {len(opened)} alerts", flush=True)
    found: Counter[str] = Counter()
    injected: Counter[str] = Counter()
    for seed in TROUBLED:
        spec = SimulationSpec(
            seed=seed, kinds=LOUD, duration_s=360.0, incidents_from_s=90.0, incident_count=1
        )
        stream, opened = _watch(spec)
        for incident in stream.incidents:
            start, end = (t.timestamp() * SECOND for t in (incident.start, incident.end))
            injected[incident.kind] += 1
            found[incident.kind] += any(a.end > start and a.start < end for a in opened)
    for kind in LOUD:
        print(f"  {kind:<20} {found[kind]} of {injected[kind]} in the first minutes")
    good = report("alerts in the worst of 20 first hours", worst, "alerts", "<= 1", worst <= 1)
    print(f"{total} alerts in {len(QUIET)} first hours")
    return 0 if good else 1


def _watch(spec: SimulationSpec) -> tuple[Simulation, list[Alert]]:
    """Alerts opened on a stream by a pipeline that starts with it."""
    stream = simulate(spec)
    pipeline: Pipeline | None = None
    position = 1
    alerts: list[Alert] = []
    for data in stream.batches():
        if pipeline is None:
            pipeline = Pipeline(Decoder(JsonLines().tuned(data.decode().splitlines()[:200])))
        alerts += pipeline.feed(RawBatch(data, position)).alerts
        position += data.count(b"\n")
    assert pipeline is not None
    alerts += pipeline.finish().alerts
    return stream, [alert for alert in alerts if alert.state == "opened"]


if __name__ == "__main__":
    sys.exit(main())
