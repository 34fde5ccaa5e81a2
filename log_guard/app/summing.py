"""Where summaries come from without a server: a log that is read now, or summaries that were kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from log_guard.adapters.files import FileSource, StartsEvent
from log_guard.adapters.summaries import StoredSummaries
from log_guard.app.pipeline import PipelineOptions, intake_of
from log_guard.core.decoding.decode import Decoder
from log_guard.core.events import SECOND
from log_guard.core.learning.gathering import Gathering
from log_guard.core.learning.history import History
from log_guard.errors import OptionError


def of_log(
    source: FileSource,
    decoder: Decoder,
    options: PipelineOptions,
    joins_lines: StartsEvent | None,
) -> Iterator[tuple[pl.DataFrame, int | None]]:
    """Summaries of a log as it is read, each with the log's watermark (µs)."""
    intake = intake_of(options, decoder, 0)
    for batch in source.batches(joins_lines):
        yield intake.take(batch).summary, intake.clock.watermark
    taken = intake.finish()
    if taken is not None:
        yield taken.summary, intake.clock.watermark


def of_store(path: str, options: PipelineOptions) -> Iterator[tuple[pl.DataFrame, int | None]]:
    """Summaries that were kept; OptionError where they are not what the options ask for."""
    stored = StoredSummaries(path)
    asked = options.detect.group_by
    if options.masker.extra or options.blank_level:
        raise OptionError(
            f"{path}: messages of stored summaries are masked already; leave out --mask and --blank-level, "
            "or name the log"
        )
    if stored.slide != options.window.slide:
        raise OptionError(
            f"{path}: these are summaries of {stored.slide / SECOND:g} s: use --slide-seconds {stored.slide / SECOND:g}"
        )
    if stored.group_by != asked:
        raise OptionError(
            f"{path}: these summaries are grouped by {','.join(stored.group_by) or 'none'}: "
            f"use --group-by {','.join(stored.group_by) or 'none'}"
        )
    return stored.parts()


def gather(
    replay: Iterable[tuple[pl.DataFrame, int | None]], into: Gathering | None = None
) -> History:
    """All of a replay as a history; InputError if there is nothing in it.

    into:  where it is gathered, and can be asked afterwards what was left out.
    """
    gathering = Gathering() if into is None else into
    for summary, _ in replay:
        gathering.add(summary)
    return gathering.history()
