"""One log, start to end: find out what it is, learn from its first part, judge the rest.

This is what ``logguard try`` and the Python API do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from log_guard.adapters.files import FileSource, StartsEvent, never
from log_guard.adapters.models import is_model, is_registry, open_model
from log_guard.adapters.summaries import SummaryWriter, is_summaries
from log_guard.app.first_part import FirstPart, first_part_of
from log_guard.app.inspecting import (
    ReadOptions,
    inspect,
    joins_lines,
    named_services,
    now,
    year_taken,
)
from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.app.rendering import moment
from log_guard.app.summing import gather, of_log, of_store
from log_guard.core.decoding.formats import Format
from log_guard.core.detection.judge import DETECTORS
from log_guard.core.detectors.base import Outlier, OutlierDetector, import_detector
from log_guard.core.evaluation.gate import services_of
from log_guard.core.evaluation.replaying import Replay
from log_guard.core.events import SECOND
from log_guard.core.learning.history import History, history_features
from log_guard.core.learning.model import Model
from log_guard.core.learning.training import train
from log_guard.errors import InputError, OptionError


@dataclass
class Scan:
    """A source, the line that reads it, and what was found out beforehand.

    learnt:       the first part, from which it learns; None: from the first windows on, or not at all.
    span:         first and last event time of the sample lines, µs; None where unknown.
    year:         of the last line, where times name none and it had to be told otherwise.
    given:        the model that was there beforehand, of a directory or of another log.
    as_one:       services that its sample lines name, though all lines are judged as one group.
    taken_for:    the service that its lines are taken for, as they name none and the model knows no other.
    """

    source: FileSource
    pipeline: Pipeline
    format: Format
    learnt: FirstPart | None
    span: tuple[int, int] | None
    joins_lines: StartsEvent | None = field(default=None)
    year: int | None = None
    given: Model | None = None
    taken_for: str | None = None
    as_one: tuple[str, ...] = ()

    def run(self, stop: Callable[[], bool] = never) -> Iterator[Output]:
        """All of the source, or until ``stop()``, then the end; where it breaks off, the end and then its InputError."""
        broken: InputError | None = None
        try:
            for batch in self.source.batches(self.joins_lines, stop):
                yield self.pipeline.feed(batch)
        except InputError as error:
            broken = error
        yield self.pipeline.finish()
        if broken is not None:
            raise broken

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


def as_far_as_readable(outputs: Iterator[Output], broken: list[InputError]) -> Iterator[Output]:
    """What a source gave until it broke off; why it did is put into ``broken``."""
    try:
        yield from outputs
    except InputError as error:
        broken.append(error)


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

    history:  learn from this other log, or stored summaries, instead of the first part of this one.
    model:    judge by this model directory, or the current one of this registry, and learn nothing
              beforehand.
    learn_from_start:  do not look ahead where the log ends (live sources).

    Raises InputError (cannot be read, format or timestamps not recognised, too short to learn
    from), ModelError, OptionError.
    """
    options = options or PipelineOptions()
    read = read or ReadOptions()
    options, unfitted = choose_detector(options)
    outlier: OutlierDetector | Outlier | None = unfitted
    source = FileSource(path)
    decoder, span = inspect(source, read)
    trained: Model | None = None
    if model is not None:
        trained = open_model(model)
        check_windows(trained, options)
    elif history is not None:
        named = replace(read, service=decoder.service)  # a file's own name is no other service
        gathered = gather(open_replay(history, options, named))
        trained = model_of(gathered, options)
        if unfitted is not None:
            features = history_features(gathered, options.window, trained.text)
            outlier = Outlier.fit(unfitted, features)
    taken_for = None
    if trained is not None and read.service is None and not named_services(source, decoder):
        taken_for = _only_service(trained)
        decoder = replace(decoder, service=taken_for or decoder.service)
    until = options.detect.train_until
    learnt = None if trained is not None or until is None else FirstPart(until)
    if learnt and span and learnt.until <= span[0] and not learn_from_start:
        raise OptionError(
            f"--train-until {moment(learnt.until)}: the log begins later, at {moment(span[0])}; name a time within it, or "
            "leave it out to learn from its first third"
        )
    if learnt and span and learnt.until > span[1] and not learn_from_start:
        raise OptionError(
            f"--train-until {moment(learnt.until)}: the log ends before, at {moment(span[1])}, and nothing would be "
            "judged; name a time within it, or leave it out to learn from its first third"
        )
    if trained is None and until is None and span is not None and not learn_from_start:
        learnt = first_part_of(source, decoder, span, options)
        options = replace(options, detect=replace(options.detect, train_until=learnt.until))
    as_one = () if options.detect.group_by else tuple(named_services(source, decoder))
    pipeline = Pipeline(decoder, options, trained, outlier)
    joins = joins_lines(decoder)
    year = year_taken(decoder, source)
    return Scan(
        *(source, pipeline, decoder.format, learnt, span, joins, year, trained, taken_for, as_one)
    )


def _only_service(model: Model) -> str | None:
    known = services_of(model)
    return known[0] if len(known) == 1 else None


def open_replay(path: str, options: PipelineOptions, read: ReadOptions) -> Replay:
    """The summaries of a log, or those that were kept in a directory."""
    if is_summaries(path):
        return of_store(path, options)
    if is_model(Path(path)) or is_registry(path):
        raise InputError(
            f"{path} holds a model, and not what one is learnt from: name a log, or summaries (`logguard try --model` takes a model)"
        )
    source = FileSource(path)
    decoder, _ = inspect(source, read)
    return of_log(source, decoder, options, joins_lines(decoder))


def keep_summaries(path: str, out: Path, options: PipelineOptions, read: ReadOptions) -> int:
    """Write the summaries of a log to a directory; rows written."""
    with SummaryWriter(out, options.window.slide, options.detect.group_by) as writer:
        for summary, _ in open_replay(path, options, read):
            writer.add(summary)
    return writer.rows


def model_of(history: History, options: PipelineOptions) -> Model:
    """Learn a model from all of a history."""
    detect = options.detect
    return train(
        history,
        options.window,
        false_alarms_per_day=detect.false_alarms_per_day,
        group_by=detect.group_by,
        least_windows=detect.least_windows,
        feedback=detect.feedback,
    )


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
