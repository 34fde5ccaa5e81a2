"""One log, start to end: find out what it is, learn from its first part, judge the rest.

This is what ``logguard try`` and the Python API do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from log_guard.adapters.files import FileSource, StartsEvent, UnlessAfter
from log_guard.adapters.models import load_model
from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.core.decode import Decoder
from log_guard.core.detectors.base import OutlierDetector, import_detector
from log_guard.core.events import SECOND, UNKNOWN_SERVICE, RawBatch
from log_guard.core.formats import FORMATS, Format, recognise
from log_guard.core.formats.cri import PIECE, Cri
from log_guard.core.formats.json_lines import JsonLines
from log_guard.core.formats.json_record import ALIASES, Fields
from log_guard.core.formats.otlp import unpack_lines
from log_guard.core.judge import DETECTORS
from log_guard.core.masking import redact
from log_guard.core.model import Model
from log_guard.errors import InputError, OptionError

LEARN_SHARE = 3
"""By default the first third of a file is learnt from: of its events, or of its time if it is large."""
NEWEST_FIRST = "is the log sorted newest first? Turn it round (tac FILE | logguard try -)"
_SHOWN_CHARS = 80
_NO_LOGS_BEFORE = 946_684_800 * SECOND  # the year 2000
LOOK_AHEAD_BYTES = 32 << 20
"""A file up to this size is read twice, first to find the third of its events."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read a source. ``format`` None: recognise it. The four names: fields of JSON lines."""

    format: str | None = None
    service: str | None = None
    timezone: str = "UTC"
    timestamp_field: str = ""
    level_field: str = ""
    service_field: str = ""
    message_field: str = ""
    group_by: tuple[str, ...] = ("service",)
    year: int | None = None
    """Of the last of the times that name none; None: what the file's own date or the clock suggests."""


@dataclass
class Scan:
    """A source, the line that reads it, and what was found out beforehand.

    learn_until:  event time (µs) up to which it learns; None: from the first windows on.
    span:         first and last event time of the sample lines, µs; None where unknown.
    year:         of the last line, where times name none and it had to be told otherwise.
    """

    source: FileSource
    pipeline: Pipeline
    format: Format
    learn_until: int | None
    span: tuple[int, int] | None
    joins_lines: StartsEvent | None = field(default=None)
    year: int | None = None

    def run(self) -> Iterator[Output]:
        """All of the source, then the end."""
        for batch in self.source.batches(self.joins_lines):
            yield self.pipeline.feed(batch)
        yield self.pipeline.finish()

    def follow(self, stop: Callable[[], bool], poll_seconds: float = 0.5) -> Iterator[Output]:
        """Keep up with a growing source until ``stop()``, then the end."""
        quiet = 0.0
        for batch in self.source.follow(self.joins_lines, stop, poll_seconds):
            if batch is None:
                quiet += poll_seconds
                yield self.pipeline.idle(quiet)
            else:
                quiet = 0.0
                if self.year is not None:  # years pass
                    self.pipeline.written_by(max(now(), self.pipeline.event_time or 0))
                yield self.pipeline.feed(batch, early=True)
        yield self.pipeline.finish()


def open_scan(
    path: str,
    options: PipelineOptions | None = None,
    read: ReadOptions | None = None,
    *,
    history: str | None = None,
    model: str | Path | None = None,
    learn_from_start: bool = False,
) -> Scan:
    """Prepare a scan.

    history:  learn from this other log instead of the first part of this one.
    model:    judge by this model directory, and learn nothing beforehand.
    learn_from_start:  do not look ahead where the log ends (live sources).

    Raises InputError (cannot be read, format or timestamps not recognised, too short to learn
    from), ModelError, OptionError.
    """
    options = options or PipelineOptions()
    read = read or ReadOptions()
    options, outlier = choose_detector(options)
    source = FileSource(path)
    decoder, span = inspect(source, read)
    trained: Model | None = None
    if model is not None:
        trained = load_model(model)
        check_windows(trained, options)
    elif history is not None:
        if outlier is not None:
            raise OptionError(
                "a detector by import path learns from the log itself: leave out --history"
            )
        trained = learn_model(history, options, read)
    until = options.detect.train_until
    if trained is None and until is None and span is not None and not learn_from_start:
        until = learn_until(span, _third_event(source, decoder), options)
        options = replace(options, detect=replace(options.detect, train_until=until))
    pipeline = Pipeline(decoder, options, trained, outlier)
    joins = _joins_lines(decoder)
    learnt = until if trained is None else None
    return Scan(source, pipeline, decoder.format, learnt, span, joins, _year(decoder, source))


def learn_model(path: str, options: PipelineOptions, read: ReadOptions) -> Model:
    """Learn a model from all of a log."""
    source = FileSource(path)
    decoder, _ = inspect(source, read)
    detect = replace(options.detect, train_until=1 << 62, show_warm_up=False)
    pipeline = Pipeline(decoder, replace(options, detect=detect))
    for batch in source.batches(_joins_lines(decoder)):
        pipeline.feed(batch)
    pipeline.finish()
    return pipeline.detect.train_now()


def choose_detector(options: PipelineOptions) -> tuple[PipelineOptions, OutlierDetector | None]:
    """Resolve the detector's name: one of ours, or an import path."""
    name = options.detect.detector
    if name in DETECTORS:
        return options, None
    if "." not in name:
        raise OptionError(
            f"no detector {name!r}: use {', '.join(DETECTORS)}, or an import path such as sklearn.ensemble.IsolationForest"
        )
    return options, import_detector(name)


def check_windows(model: Model, options: PipelineOptions) -> None:
    """Refuse a model of other windows than those asked for."""
    ours = (options.window.window, options.window.slide)
    if (model.window, model.slide) != ours:
        raise OptionError(
            f"the model was trained on windows of {model.window / SECOND:g} s by {model.slide / SECOND:g} s: "
            f"use --window-seconds {model.window / SECOND:g} --slide-seconds {model.slide / SECOND:g}, or train it again"
        )


def learn_until(span: tuple[int, int], third: int | None, options: PipelineOptions) -> int:
    """Event time up to which to learn: the first third of the events, or of the time where that is unknown."""
    first, last = span
    needed = options.detect.least_windows * options.window.window
    share = third - first if third is not None else (last - first) // LEARN_SHARE
    until = first + max(share, needed + options.window.window)
    if until + options.window.window > last:
        seconds = (last - first) / SECOND
        fitting = int(seconds / (options.detect.least_windows * 3))
        hint = (
            f"use --window-seconds {fitting} --slide-seconds {fitting}, or " if fitting >= 1 else ""
        )
        raise InputError(
            f"the log spans {seconds:.0f} s, too little to learn from and judge: windows of {options.window.window / SECOND:g} s "
            f"need {(needed * 1.1 + 2 * options.window.window) / SECOND:.0f} s; {hint}learn from a longer log with --history FILE"
        )
    return until


def _third_event(source: FileSource, decoder: Decoder) -> int | None:
    """Time of the event that ends the first third; None for a file too large to read twice."""
    total = source.total_bytes
    if total is None or total > LOOK_AHEAD_BYTES:
        return None
    batches = source.batches(_joins_lines(decoder))
    times = pl.concat([decoder.decode(batch).events["time"] for batch in batches]).sort()
    return int(times[len(times) // LEARN_SHARE])


def _joins_lines(decoder: Decoder) -> StartsEvent | None:
    """Where lines are joined to events: what tells which of them start one."""
    if isinstance(decoder.format, Cri):
        return UnlessAfter(re.compile(PIECE.encode()))
    starts = decoder.format.starts_event
    return re.compile(starts.encode()) if starts else None


def inspect(source: FileSource, read: ReadOptions) -> tuple[Decoder, tuple[int, int] | None]:
    """Recognise the format; also return the first and last event time, where the end can be seen."""
    sample = source.sample()
    lines = [line.decode("utf-8", errors="replace") for line in sample]
    if not any(line.strip() for line in lines):
        raise InputError(f"{_called(source)}: no lines in it")
    decoder = Decoder(
        _format(lines, source, read),
        service=read.service or _service_name(source.path),
        timezone=read.timezone,
        reference=_written_by(source, read.year),
    )
    tail = source.last_lines()
    end = _times(decoder, tail) if tail else None
    if read.year is not None and end is not None and not end.is_empty():
        # All lines lie before the last one, which is of that year: those of December maybe not.
        decoder = replace(decoder, reference=int(end[-1]))
    times = _times(decoder, sample)
    if times.is_empty():
        raise InputError(_no_timestamps(decoder, source, lines))
    if _descends(times) and (end is None or end.is_empty() or int(end[-1]) < int(times[0])):
        raise InputError(f"{_called(source)}: its times go backwards; {NEWEST_FIRST}")
    if end is None or end.is_empty():
        return decoder, None
    # A stray line from another year at the end must not stretch the span.
    first = int(times.to_numpy().min())
    *_, second, last = [first, *end.sort().to_list()]
    if last - second > 366 * 86_400 * SECOND:
        last = second
    return decoder, (first, max(first, last))


def _written_by(source: FileSource, year: int | None) -> int:
    """When the lines of a source were written at the latest, µs."""
    if year is not None:
        # A text may lie a day after it, and is then still of this year.
        return int(datetime(year, 12, 30, 23, 59, 59, tzinfo=UTC).timestamp()) * SECOND
    changed = source.changed
    # Who packs files reproducibly dates them 1970 or 1980; there are no logs of then to be read.
    return now() if changed is None or changed < _NO_LOGS_BEFORE else changed


def _year(decoder: Decoder, source: FileSource) -> int | None:
    """The year that the last line was taken to be of, if its time names none."""
    last = (source.last_lines(1) or source.sample(1))[-1:]
    if not _times(replace(decoder, reference=None), last).is_empty():
        return None
    times = _times(decoder, last)
    return None if times.is_empty() else datetime.fromtimestamp(int(times[-1]) / SECOND, UTC).year


def now() -> int:
    """The clock, µs."""
    return int(datetime.now(UTC).timestamp() * SECOND)


def _descends(times: pl.Series) -> bool:
    """Whether these times (µs) go backwards: ten steps or more, and hardly any in the other direction."""
    steps = np.diff(times.to_numpy())
    back = int((steps < 0).sum())
    return back >= 10 and back > 10 * int((steps > 0).sum())


def _times(decoder: Decoder, lines: list[bytes]) -> pl.Series:
    return decoder.decode(RawBatch(b"\n".join(lines), 1, multiline=True)).events["time"]


def _format(lines: list[str], source: FileSource, read: ReadOptions) -> Format:
    fields: Fields = ALIASES.with_own(
        read.timestamp_field, read.level_field, read.service_field, read.message_field
    )
    found = format_of(read.format) if read.format is not None else recognise(lines)
    if found is None:
        raise InputError(
            f"{_called(source)}: format not recognised; looked for {', '.join(FORMATS)}. "
            f"Each event needs a date and a time of day, among the first words of its line or in a JSON field; "
            f"its first line is {_first_line(lines)}"
        )
    if isinstance(found, JsonLines):
        group = () if read.group_by in ((), ("service",)) else read.group_by
        return JsonLines(fields=fields, group=group).tuned(unpack_lines(lines))
    if read.group_by not in ((), ("service",)):
        raise OptionError(
            f"--group-by {','.join(read.group_by)}: {found.name} lines have no fields; use service or none"
        )
    return found.tuned(lines) if isinstance(found, Cri) else found


def format_of(name: str) -> Format:
    """Return the format of this name; raises OptionError naming those there are."""
    if name not in FORMATS:
        raise OptionError(f"no format {name!r}: use {', '.join(FORMATS)}")
    return FORMATS[name]


def _no_timestamps(decoder: Decoder, source: FileSource, lines: list[str]) -> str:
    if isinstance(decoder.format, JsonLines):
        looked = ", ".join(decoder.format.fields.timestamp[:8])
        return (
            f"{_called(source)}: JSON lines, but no timestamp found in them; looked for the fields {looked} and others, "
            "as ISO 8601 or as seconds, ms, µs or ns since 1970. Name the field with --timestamp-field NAME; "
            f"the first line is {_first_line(lines)}"
        )
    return f"{_called(source)}: {decoder.format.name} lines, but no timestamp could be read in {_first_line(lines)}"


def _first_line(lines: list[str]) -> str:
    """The first line that is not blank, as it can be shown."""
    first = redact(pl.Series([next((line for line in lines if line.strip()), "")]))[0]
    return repr(first if len(first) <= _SHOWN_CHARS else first[:_SHOWN_CHARS] + "…")


def _called(source: FileSource) -> str:
    return "standard input" if source.path == "-" else source.path


def _service_name(path: str) -> str:
    """Name of a log that names no service: its file's, without what was appended to it."""
    if path == "-":
        return UNKNOWN_SERVICE
    name = re.sub(r"(\.(gz|zst|log|txt|json|jsonl|ndjson|\d+))+$", "", Path(path).name)
    return name or UNKNOWN_SERVICE
