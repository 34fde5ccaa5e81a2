"""What the benchmarks share: the best of several runs, and a line a figure."""

from __future__ import annotations

import time
from collections.abc import Callable


def best(work: Callable[[], object], runs: int = 9) -> float:
    """Seconds of the fastest of several runs: the one that was disturbed least."""
    fastest = float("inf")
    for _ in range(runs):
        start = time.perf_counter()
        work()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def report(name: str, value: float, unit: str, goal: str, reached: bool) -> bool:
    """Print a figure beside its goal; return whether it was reached."""
    print(
        f"{name:<58} {value:10.3f} {unit:<16} goal {goal:<14} {'reached' if reached else 'MISSED'}",
        flush=True,
    )
    return reached
