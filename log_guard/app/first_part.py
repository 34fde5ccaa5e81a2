"""Which first part of a source is learnt from, where nothing else is said: the first third of its events.

The same of a log and of the summaries that were kept of it: it ends where a pane does.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from log_guard.adapters.files import FileSource
from log_guard.adapters.summaries import StoredSummaries, is_summaries
from log_guard.app.inspecting import ReadOptions, inspect, joins_lines
from log_guard.app.pipeline import PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.events import SECOND
from log_guard.errors import InputError

SHARE = 3
"""One part in so many is learnt from: of the events, or of the time of a log that is too large."""
LOOK_AHEAD_BYTES = 32 << 20
"""A log up to this size is read twice, first to find the third of its events."""


@dataclass(frozen=True)
class FirstPart:
    """What is learnt from: event time before ``until`` (µs).

    events:  how many events lie there, and how many there are in all; None where they were not counted.
    """

    until: int
    events: tuple[int, int] | None = None


def first_part(path: str, options: PipelineOptions, read: ReadOptions) -> FirstPart | None:
    """Of a log, or of summaries; None where the end cannot be seen. InputError if it is too short."""
    if path == "-":
        return None
    if is_summaries(path):
        stored = StoredSummaries(path)
        span = stored.span()
        third = stored.pane_after(SHARE)
        return None if span is None else FirstPart(_end(span, third, options))
    source = FileSource(path)
    decoder, span = inspect(source, read)
    return None if span is None else first_part_of(source, decoder, span, options)


def first_part_of(
    source: FileSource, decoder: Decoder, span: tuple[int, int], options: PipelineOptions
) -> FirstPart:
    """Of a log with this first and last event time (µs)."""
    total = source.total_bytes
    if total is None or total > LOOK_AHEAD_BYTES:
        return FirstPart(_end(span, None, options))
    parts: list[pl.Series] = []
    broken: InputError | None = None
    try:
        for batch in source.batches(joins_lines(decoder)):
            parts.append(decoder.decode(batch).events["time"])
    except InputError as error:  # of a log that breaks off, the third of what can be read
        broken = error
    times = pl.concat(parts).sort()
    try:
        until = _end(span, int(times[len(times) // SHARE]), options)
    except InputError as short:
        if broken is None:
            raise
        raise InputError(f"{broken}; of what was read, {short}") from broken
    return FirstPart(until, (int(times.search_sorted(until)), len(times)))


def _end(span: tuple[int, int], third: int | None, options: PipelineOptions) -> int:
    """End of the pane in which the third lies, and no less than can be learnt from."""
    (first, last), window, slide = span, options.window.window, options.window.slide
    if third is None:
        third = first + (last - first) // SHARE
    needed = options.detect.least_windows * window
    until = max(third - third % slide + slide, first - first % slide + needed + window)
    if until + window > last:
        seconds = (last - first) / SECOND
        fitting = int(seconds / (options.detect.least_windows * 3))
        hint = (
            f"use --window-seconds {fitting} --slide-seconds {fitting}, or " if fitting >= 1 else ""
        )
        raise InputError(
            f"the log spans {seconds:.0f} s, too little to learn from and judge: windows of {window / SECOND:g} s "
            f"need {(needed * 1.1 + 2 * window) / SECOND:.0f} s; {hint}learn from a longer log with --history FILE"
        )
    return until
