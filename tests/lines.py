"""Events and lines that the tests make."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import polars as pl

from log_guard.core.events import EVENT_SCHEMA, SECOND
from log_guard.core.results import iso

START = 1_767_225_600 * SECOND  # 2026-01-01T00:00:00Z


def event_table(rows: Iterable[tuple[int, int, str, str]], first: int = 1) -> pl.DataFrame:
    """(seconds after START, level, service, message) → an event table."""
    listed = list(rows)
    return pl.DataFrame(
        {
            "time": [START + int(s * SECOND) for s, *_ in listed],
            "level": [r[1] for r in listed],
            "service": [r[2] for r in listed],
            "message": [r[3] for r in listed],
            "position": list(range(first, first + len(listed))),
        },
        schema=EVENT_SCHEMA,
    )


def line(
    seconds: float, level: str = "INFO", service: str = "web", message: str = "hello"
) -> bytes:
    """Return one JSON line."""
    time = iso(START + int(seconds * SECOND))
    row = {"timestamp": time, "level": level, "service": service, "message": message}
    return json.dumps(row).encode()


def steady_lines(seconds: int, seed: int = 1) -> list[bytes]:
    """Two services that log a few kinds of line, a few times a second."""
    rng = np.random.default_rng(seed)
    out = []
    for second in range(seconds):
        for service in ("web", "db"):
            for _ in range(int(rng.poisson(3))):
                text = ("served page 5", "cache hit 7", "slow query 12 ms")[int(rng.integers(3))]
                level = "WARN" if text.startswith("slow") else "INFO"
                out.append(line(second + float(rng.random()) * 0.9, level, service, text))
    return out
