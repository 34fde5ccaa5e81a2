"""Bytes → summaries on one core, beside polars' bare NDJSON decode of the same bytes in the same run."""

from __future__ import annotations

import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"

import polars as pl

from benchmarks.measure import best, report
from log_guard.app.simulate import SimulationSpec, simulate
from log_guard.core.clock import TimeRules
from log_guard.core.decode import Decoder
from log_guard.core.events import RawBatch
from log_guard.core.formats.json_lines import JsonLines
from log_guard.core.intake import Intake
from log_guard.core.summaries import Summarizer

ROWS = 20_000
SLIDE = 5_000_000
RUNS = 9


def main() -> int:
    """Measure clean lines, and lines of which 1 % are bad in four ways."""
    # Every run gets the next batch of a stream: nothing is the faster for having been seen before.
    stream = b"".join(simulate(SimulationSpec(kinds=())).batches()).split(b"\n")
    batches = [stream[i : i + ROWS] for i in range(0, len(stream) - ROWS, ROWS)]
    lines = batches[0]
    clean = b"\n".join(lines)
    decoder = Decoder(JsonLines().tuned([line.decode() for line in lines[:200]]))
    schema = dict.fromkeys(pl.read_ndjson(clean).columns, pl.String)
    intake = Intake(decoder, TimeRules(SLIDE), Summarizer(SLIDE), compiled_after=0)
    position = 1

    def summarise(data: bytes) -> None:
        nonlocal position
        intake.take(RawBatch(data, position))
        position += ROWS

    summarise(b"\n".join(batches.pop(0)))  # loads what is loaded once; it stays out of the figures
    unread = iter([b"\n".join(batch) + b"\n" for batch in batches[:RUNS]])
    bare = best(lambda: pl.read_ndjson(next(unread), schema=schema), RUNS)
    whole = iter([b"\n".join(batch) + b"\n" for batch in batches[:RUNS]])
    ours = best(lambda: summarise(next(whole)), RUNS)
    broken = iter([b"\n".join(_one_in_a_hundred(batch)) + b"\n" for batch in batches[RUNS:]])
    ours_bad = best(lambda: summarise(next(broken)), len(batches) - RUNS)
    print(
        f"{ROWS:,} lines of {len(clean) / ROWS:.0f} bytes; bare decode {ROWS / bare / 1e6:.2f} M/s, bytes to summaries {ROWS / ours / 1e6:.2f} M/s"
    )
    good = report(
        "bytes → summaries, of bare decode", bare / ours, "ratio", ">= 0.6", bare / ours >= 0.6
    )
    good &= report(
        "the same with 1 % bad lines", bare / ours_bad, "ratio", ">= 0.5", bare / ours_bad >= 0.5
    )
    return 0 if good else 1


def _one_in_a_hundred(lines: list[bytes]) -> list[bytes]:
    return [_broken(line, i) if i % 100 == 50 else line for i, line in enumerate(lines)]


def _broken(line: bytes, i: int) -> bytes:
    ways = (line[: len(line) // 2], b"not json at all", b"[1, 2, 3]", b'{"message": "no time"}')
    return ways[i // 100 % 4]


if __name__ == "__main__":
    sys.exit(main())
