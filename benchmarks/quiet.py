"""Steady random logs with nothing wrong in them: false alerts against the promise, by rate and length of history.

Three messages at random (Poisson) times. A history that is short knows its own mean and tail badly, and
whoever judges by it must allow for that; here is whether it does.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.measure import report
from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.evaluation.outcomes import promise
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.results import Alert

PROMISED = 2.0
HOUR = 3_600
LOGS = 20
JUDGED_HOURS = 2
"""By what a log's first minutes taught."""
RATES = (0.1, 0.3, 1.0)
"""Events a second."""
HISTORIES = (13, 40, 160)
"""Minutes learnt from."""
START = datetime(2026, 1, 5, 8, tzinfo=UTC)
MESSAGES = ("accepted connection {}", "flushed {} records", "checkpoint wrote {} buffers")


def main() -> int:
    """Print false alerts for each rate and history, beside what was promised."""
    began = time.perf_counter()
    good = True
    for minutes in HISTORIES:
        for rate in RATES:
            alerts = sum(
                len(opened_on(steady(rate, minutes, seed), minutes)) for seed in range(LOGS)
            )
            allowed = promise(alerts, PROMISED, LOGS * JUDGED_HOURS)
            name = f"{minutes} min learnt, {rate:g} events/s: alerts in {LOGS * JUDGED_HOURS} h"
            good &= report(name, alerts, "alerts", f"<= {allowed.most}", allowed.kept)
    print(f"{time.perf_counter() - began:.0f} s")
    return 0 if good else 1


def steady(rate: float, minutes: float, seed: int) -> bytes:
    """Log of a history of so many minutes and the hours judged after it, ``rate`` events a second."""
    chance = np.random.default_rng([seed, int(minutes), int(rate * 1000)])
    seconds = minutes * 60 + JUDGED_HOURS * HOUR
    times = np.cumsum(chance.exponential(1 / rate, int(seconds * rate)))
    said = chance.integers(len(MESSAGES), size=len(times))
    numbers = chance.integers(10_000, size=len(times))
    lines = [
        json.dumps(
            {
                "timestamp": (START + timedelta(seconds=float(t))).isoformat(),
                "level": "INFO",
                "service": "store",
                "message": MESSAGES[m].format(n),
            }
        )
        for t, m, n in zip(times, said, numbers, strict=True)
    ]
    return "\n".join(lines).encode() + b"\n"


def opened_on(log: bytes, minutes: float) -> list[Alert]:
    """Alerts opened on a log of which the first minutes are learnt from."""
    until = int((START + timedelta(minutes=minutes)).timestamp()) * SECOND
    detect = DetectOptions(train_until=until, false_alarms_per_day=PROMISED)
    decoder = Decoder(JsonLines().tuned(log.decode().splitlines()[:200]))
    pipeline = Pipeline(decoder, PipelineOptions(detect=detect))
    alerts = [*pipeline.feed(RawBatch(log, 1)).alerts, *pipeline.finish().alerts]
    return [alert for alert in alerts if alert.state == "opened"]


if __name__ == "__main__":
    sys.exit(main())
