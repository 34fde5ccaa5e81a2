"""Made-up streams for tests: events, their lines, and cuts of a stream into batches."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeVar

import polars as pl
from hypothesis import Phase, settings
from hypothesis import strategies as st

from log_guard.adapters.files.batches import BatchCutter
from log_guard.app.inspecting import joins_lines
from log_guard.core.decoding.decode import Decoder
from log_guard.core.events import EVENT_SCHEMA, SECOND, Level, RawBatch
from log_guard.core.stream.fold import Emitted, Fold
from log_guard.core.stream.progress import Commit

START = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z: where the streams begin."""

T = TypeVar("T")


class Event(NamedTuple):
    """An event to be; ``time`` in seconds after :data:`START`."""

    time: float
    service: str = "api"
    level: int = Level.INFO
    message: str = "request served"


def bounded(examples: int, *, shrink: bool = True) -> settings:
    """Settings for a property: so many examples, the same in every run, and no stopwatch.

    ``shrink``: look for a smaller example that fails; not worth its time where examples are seeds.
    """
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if shrink else ()))
    return settings(max_examples=examples, deadline=None, derandomize=True, phases=phases)


def micros(seconds: float) -> int:
    """Seconds after :data:`START` → event time."""
    return START + round(seconds * SECOND)


def table(events: Sequence[Event], first: int = 1) -> pl.DataFrame:
    """Event table; positions count up from ``first``."""
    rows = [
        (micros(e.time), e.level, e.service, e.message, first + i) for i, e in enumerate(events)
    ]
    return pl.DataFrame(rows, schema=EVENT_SCHEMA, orient="row")


def line(event: Event) -> bytes:
    """The event as a JSON line, without the newline."""
    record = {
        "timestamp": micros(event.time) / SECOND,
        "level": Level(event.level).name,
        "service": event.service,
        "message": event.message,
    }
    return json.dumps(record).encode()


def pieces(rows: Sequence[T], cuts: Iterable[int]) -> list[Sequence[T]]:
    """Cut a sequence at these indexes; indexes beyond its end cut nothing."""
    inner = sorted({cut for cut in cuts if 0 < cut < len(rows)})
    bounds = [0, *inner, len(rows)]
    return [rows[a:b] for a, b in pairwise(bounds) if a < b]


def cuts(most: int) -> st.SearchStrategy[list[int]]:
    """Where to cut a stream of up to ``most`` rows."""
    return st.lists(st.integers(1, max(most, 1)), max_size=8)


def cut_and_decoded(decoder: Decoder, chunks: Iterable[Sequence[int]]) -> list[tuple[int, str]]:
    """Positions and messages of the events of a log whose bytes come in these chunks."""
    cutter = BatchCutter(1 << 20, joins_lines(decoder))
    batches: list[RawBatch] = []
    for chunk in chunks:
        cutter.add(bytes(chunk))
        batches += cutter.take()
    batches += cutter.finish()
    decoded = (decoder.decode(batch).events.select("position", "message") for batch in batches)
    return [row for events in decoded for row in events.rows()]


def fold_in(fold: Fold, commit: Commit, offset: int) -> Emitted:
    """What a record gives, all slices together."""
    out = Emitted()
    for part in fold.slices(commit, offset):
        out.results += part.results
        out.alerts += part.alerts
        out.accounts += part.accounts
        out.balance = part.balance
        out.departure = part.departure or out.departure
    return out
