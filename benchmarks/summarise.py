"""Bytes → summaries on one core, beside polars' bare NDJSON decode of the same bytes in the same run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator

os.environ["POLARS_MAX_THREADS"] = "1"

import polars as pl

from benchmarks.measure import report
from log_guard.app.simulate import SimulationSpec, simulate
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import RawBatch
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import Intake
from log_guard.core.summarising.summaries import Summarizer

ROWS = 20_000
SLIDE = 5_000_000
RUNS = 18


def main() -> int:
    """Measure clean lines, and lines of which 1 % are bad in four ways."""
    # Every run gets the next batch of a stream: nothing is the faster for having been seen before.
    # The three take turns, so that what else the machine does disturbs them alike.
    batches = _batches()
    lines = next(batches)
    clean = b"\n".join(lines) + b"\n"
    decoder = Decoder(JsonLines().tuned([line.decode() for line in lines[:200]]))
    schema = dict.fromkeys(pl.read_ndjson(clean).columns, pl.String)
    intake = Intake(decoder, TimeRules(SLIDE), Summarizer(SLIDE), compiled_after=0)
    position = 1

    def summarise(data: bytes) -> None:
        nonlocal position
        taken = intake.take(RawBatch(data, position))
        position += ROWS
        assert taken.summarised + len(taken.dead) == ROWS

    summarise(clean)  # loads what is loaded once
    bare = ours = ours_bad = float("inf")
    for _ in range(RUNS):
        some, more, bad = (next(batches) for _ in range(3))
        data = b"\n".join(some) + b"\n"
        bare = min(bare, _cpu(lambda: pl.read_ndjson(data, schema=schema)))  # noqa: B023 - called at once
        data = b"\n".join(more) + b"\n"
        ours = min(ours, _cpu(lambda: summarise(data)))  # noqa: B023 - called at once
        data = b"\n".join(_one_in_a_hundred(bad)) + b"\n"
        ours_bad = min(ours_bad, _cpu(lambda: summarise(data)))  # noqa: B023 - called at once
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


def _cpu(work: Callable[[], object]) -> float:
    """Seconds of processor time: on a machine that is shared, waiting for it does not count."""
    start = time.process_time()
    work()
    return time.process_time() - start


def _batches() -> Iterator[list[bytes]]:
    spec = SimulationSpec(kinds=(), duration_s=(3 * RUNS + 2) * ROWS / SimulationSpec().rate)
    lines: list[bytes] = []
    for batch in simulate(spec).batches():
        lines += batch.splitlines()
        while len(lines) >= ROWS:
            yield lines[:ROWS]
            lines = lines[ROWS:]


def _one_in_a_hundred(lines: list[bytes]) -> list[bytes]:
    return [_broken(line, i) if i % 100 == 50 else line for i, line in enumerate(lines)]


def _broken(line: bytes, i: int) -> bytes:
    ways = (line[: len(line) // 2], b"not json at all", b"[1, 2, 3]", b'{"message": "no time"}')
    return ways[i // 100 % 4]


if __name__ == "__main__":
    sys.exit(main())
