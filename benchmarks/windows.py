"""Windows → results with all features and detectors: milliseconds a group and slide, at 5,000 groups."""

from __future__ import annotations

import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import time

import numpy as np
import polars as pl

from benchmarks.measure import report
from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND
from log_guard.core.summarising.summaries import SUMMARY_SCHEMA
from log_guard.core.windows import WindowSpec

GROUPS = 5_000
TEMPLATES = 12
LEARN_SECONDS = 300
JUDGE_SLIDES = 12
SLIDE = 5


def main() -> int:
    """Learn from five minutes, then judge a minute in which one group in a hundred misbehaves."""
    rng = np.random.default_rng(1)
    detect = Detect(
        WindowSpec(), DetectOptions(train_until=LEARN_SECONDS * SECOND, show_warm_up=False)
    )
    for pane in range(0, LEARN_SECONDS, SLIDE):
        detect.add(_summary(rng, pane, incident=False))
        detect.advance((pane + SLIDE) * SECOND, pane)
    spent, results, anomalies = 0.0, 0, 0
    for pane in range(LEARN_SECONDS, LEARN_SECONDS + JUDGE_SLIDES * SLIDE, SLIDE):
        summary = _summary(rng, pane, incident=pane >= LEARN_SECONDS + 30)
        start = time.perf_counter()
        detect.add(summary)
        found = detect.advance((pane + SLIDE) * SECOND, pane)
        spent += time.perf_counter() - start
        results += len(found)
        anomalies += sum(r.is_anomaly for r in found)
    each = spent / results * 1000
    print(f"{results:,} results, {anomalies:,} of them explained")
    return (
        0
        if report("windows → results, a group and slide", each, "ms", "<= 0.25 ms", each <= 0.25)
        else 1
    )


def _summary(rng: np.random.Generator, pane: int, *, incident: bool) -> pl.DataFrame:
    """One pane of all groups, about six events each."""
    counts = rng.poisson(0.5, (GROUPS, TEMPLATES))
    group, template = np.nonzero(counts)
    rows = {
        "group": [f"service-{g}" for g in group],
        "level": np.where(template == TEMPLATES - 1, 5, 3),
        "template": [f"step {chr(97 + t)} of the work took <num>ms" for t in template],
        "count": counts[group, template],
    }
    frame = pl.DataFrame(rows)
    if incident:
        broken = [f"service-{g}" for g in range(0, GROUPS, 100)]
        extra = {
            "group": broken,
            "level": [5] * len(broken),
            "template": ["disk of <id> is gone"] * len(broken),
            "count": [40] * len(broken),
        }
        frame = pl.concat([frame, pl.DataFrame(extra)], how="vertical_relaxed")
    return frame.with_columns(
        pl.lit(pane * SECOND).alias("pane"),
        pl.lit(False).alias("late"),
        pl.int_range(pl.len()).alias("sample_hash"),
        pl.lit(0).alias("source"),
        pl.int_range(pl.len()).alias("position"),
        pl.col("template").alias("sample"),
    ).select(pl.col(name).cast(dtype) for name, dtype in SUMMARY_SCHEMA.items())


if __name__ == "__main__":
    sys.exit(main())
