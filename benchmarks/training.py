"""Learning from a week of kept summaries of 20 services: CPU time and peak memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.measure import report
from log_guard.adapters.summaries import SummaryWriter
from log_guard.app.inspecting import ReadOptions
from log_guard.app.measuring import peak_megabytes
from log_guard.app.modelling import learn
from log_guard.app.pipeline import PipelineOptions
from log_guard.core.events import SECOND, Level
from log_guard.core.summarising.summaries import SUMMARY_SCHEMA

DAYS, SERVICES, TEMPLATES, SLIDE = 7, 20, 12, 5 * SECOND
START = 1_767_225_600 * SECOND
HOUR = 3_600 * SECOND


def main() -> int:
    """Make the summaries, and learn from them in a process of its own."""
    if len(sys.argv) == 2:
        model, _ = learn(sys.argv[1], PipelineOptions(), ReadOptions())
        days = (model.training.end - model.training.start) / (24 * HOUR)
        print(time.process_time(), peak_megabytes(), days)
        return 0
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(directory, "kept")
        rows = _make(kept)
        out = subprocess.run(
            [sys.executable, "-m", "benchmarks.training", str(kept)],
            capture_output=True,
            text=True,
            check=True,
        )
    seconds, megabytes, days = map(float, out.stdout.split())
    print(f"{rows:,} rows of summaries, {DAYS} days; learnt from the last {days:.1f} of them")
    good = report("training on a week of summaries", seconds, "s of CPU", "< 120 s", seconds < 120)
    good &= report("peak memory of it", megabytes, "MB", "< 1000 MB", megabytes < 1000)
    return 0 if good else 1


def _make(kept: Path) -> int:
    """A daily rhythm, a few templates a service, one in a hundred of them an ERROR."""
    generator = np.random.default_rng(1)
    with SummaryWriter(kept, SLIDE, ("service",)) as writer:
        for hour in range(DAYS * 24):
            load = 2.0 + np.sin(hour / 24 * 2 * np.pi)
            shape = (HOUR // SLIDE, SERVICES, TEMPLATES)
            usual = load / (1 + np.arange(TEMPLATES)) ** 1.5
            counts = generator.poisson(np.broadcast_to(usual, shape))
            pane, service, template = np.nonzero(counts)
            levels = np.where(template == TEMPLATES - 1, int(Level.ERROR), int(Level.INFO))
            frame = pl.DataFrame(
                {
                    "pane": START + hour * HOUR + pane * SLIDE,
                    "group": np.char.add("service-", service.astype(str)),
                    "level": levels.astype(np.uint8),
                    "template": np.char.add("did thing ", template.astype(str)),
                    "late": np.zeros(len(pane), dtype=bool),
                    "count": counts[pane, service, template].astype(np.int64),
                    "sample_hash": np.arange(len(pane), dtype=np.uint64),
                    "source": np.zeros(len(pane), dtype=np.uint32),
                    "position": np.arange(len(pane), dtype=np.uint64),
                    "sample": np.full(len(pane), "did thing"),
                }
            )
            writer.add(frame.cast(pl.Schema(SUMMARY_SCHEMA)))
    return writer.rows


if __name__ == "__main__":
    sys.exit(main())
