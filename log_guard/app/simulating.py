"""``logguard simulate``: the stream to a file or to standard output, the truth beside it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from log_guard.app.simulate import SimulationSpec, labels, simulate
from log_guard.app.written import naming

PACE_SECONDS = 1.0
"""In real time, events are written once a second of event time is complete."""


def write_stream(
    spec: SimulationSpec,
    out: str,
    truth: Path | None,
    *,
    real_time: bool = False,
    wait: Callable[[float], object] = time.sleep,
    sink: Callable[[bytes], None] | None = None,
) -> tuple[int, int]:
    """Write events to ``out`` (``-``: standard output), or to ``sink``, and labels to ``truth``.

    Returns how many events were written, and how many incidents there are among them.

    sink:  takes whole lines, newline-separated, in place of ``out``.
    """
    simulation = simulate(spec)
    events = 0
    if truth is not None:
        with naming(truth):
            truth.write_text(json.dumps(labels(simulation), indent=1) + "\n", encoding="utf-8")
    printed = out == "-" or sink is not None
    with (
        nullcontext() if sink is not None else naming("standard output" if printed else out),
        nullcontext(sys.stdout.buffer) if printed else Path(out).open("wb") as target,
    ):
        # What should have been said before now is said at once.
        began = time.monotonic() - (time.time() - spec.start.timestamp())
        for i, data in enumerate(simulation.batches(PACE_SECONDS if real_time else 10.0)):
            if real_time:
                wait(max(0.0, began + (i + 1) * PACE_SECONDS - time.monotonic()))
            events += data.count(b"\n")
            if sink is not None:
                sink(data)
            else:
                target.write(data)
                target.flush()
    return events, len(simulation.incidents)
