"""Peak memory of a whole run over 1 M and over 10 M events."""

from __future__ import annotations

import resource
import subprocess
import sys

from benchmarks.measure import report
from log_guard.app.demo import run_demo
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.simulate import SimulationSpec

RATE = 500.0


def main() -> int:
    """Run each size in a process of its own."""
    if len(sys.argv) == 2:
        events = int(sys.argv[1])
        scored = run_demo(SimulationSpec(rate=RATE, duration_s=events / RATE), PipelineOptions())
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, scored.ledger.consumed)
        return 0
    peaks = []
    for events in (1_000_000, 10_000_000):
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.memory", str(events)],
            capture_output=True,
            text=True,
            check=True,
        )
        peak, consumed = out.stdout.split()
        peaks.append(float(peak))
        print(f"{int(consumed):,} events: peak {float(peak):.0f} MB")
    good = report(
        "peak memory of 10 M over 1 M events",
        peaks[1] / peaks[0],
        "ratio",
        "<= 1.3",
        peaks[1] <= 1.3 * peaks[0],
    )
    good &= report("peak memory of 10 M events", peaks[1], "MB", "< 400 MB", peaks[1] < 400)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
