"""``logguard whatif``: a log, or kept summaries, judged as now and as it would be with other settings.

The source is gone through once; every way to judge has a detector of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

import polars as pl

from log_guard.adapters.summaries import StoredSummaries, is_summaries
from log_guard.app.first_part import FirstPart, first_part
from log_guard.app.inspecting import ReadOptions
from log_guard.app.label_span import Span, outside, span_of
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import (
    check_windows,
    choose_detector,
    open_replay,
)
from log_guard.core.detection.detect import Detect
from log_guard.core.evaluation.evaluation import Incident
from log_guard.core.evaluation.outcomes import TemplateOutcome, by_template, time_of, touching
from log_guard.core.evaluation.replaying import Replay, Replayed
from log_guard.core.evaluation.whatif import (
    Difference,
    SuppressionEffect,
    difference,
    effects_of,
)
from log_guard.core.events import SECOND
from log_guard.core.feedback.feedback import Label
from log_guard.core.learning.model import Model
from log_guard.core.results import Alert
from log_guard.core.windows import WindowSpec
from log_guard.errors import OptionError


@dataclass(frozen=True)
class Way:
    """A way to judge. Without a model it learns from the first part of the source, as ``try`` does."""

    options: PipelineOptions
    model: Model | None = None


@dataclass(frozen=True)
class WhatIf:
    """What would change. Alerts are counted as ``try`` does: one that comes back is one.

    effects:    of the suppressions of the other way.
    templates:  its alerts by what raises them; real: about a known incident, false: labelled as noise or,
                where incidents were given, about none of them.
    remark:     on the incidents.
    """

    now: int
    then: int
    difference: Difference
    effects: tuple[SuppressionEffect, ...]
    templates: tuple[TemplateOutcome, ...]
    remark: str | None = None


def what_if(
    source: str, now: Way, then: Way, read: ReadOptions, incidents: Sequence[Incident]
) -> WhatIf:
    """Judge in both ways, and in the second without each of its suppressions in turn, and without all.

    incidents:  known ones, besides the spans that the feedback files label as real. InputError if none
                of them lies in the source.
    """
    feedback = then.options.detect.feedback
    without = [feedback.without(one) for one in feedback.suppressions]
    if len(without) > 1:
        without.append(replace(feedback, suppressions=()))
    ways = [now, then, *(_with(then, feedback=other) for other in without)]
    slide = _slide(source, ways)
    firsts: dict[WindowSpec, FirstPart | None] = {}
    judges = []
    for way in ways:
        if way.model is not None:
            check_windows(way.model, way.options)
        elif way.options.detect.train_until is None:
            if way.options.window not in firsts:
                firsts[way.options.window] = first_part(source, way.options, read)
            first = firsts[way.options.window]
            way = _with(way, train_until=None if first is None else first.until)
        judges.append(_judge(_with(way, show_warm_up=False)))
    base = replace(now.options.window, window=slide, slide=slide)
    replay = open_replay(source, replace(now.options, window=base), read)
    span = _replay(replay, judges, [way.options.window.slide for way in ways])
    remark = None
    if incidents and span is not None:
        remark = outside(source, span, span_of(incidents), incidents)
    before, after, *others = (judge.told for judge in judges)
    each = others[: len(feedback.suppressions)]
    without_all = others[-1] if others else []
    known = list({(i.start, i.end): i for i in _incidents(incidents, now, then)}.values())
    effects = effects_of(feedback.suppressions, each, without_all, after, known)
    labels = [*now.options.detect.feedback.labels, *feedback.labels]
    real = {time_of(a) for a in after if touching(a, known)}
    false = {time_of(a) for a in after if incidents or _is_noise(a, labels)} - real
    templates = by_template(after, real, false)
    changes = difference(before, after)
    return WhatIf(len(before), len(after), changes, tuple(effects), templates, remark)


def _is_noise(alert: Alert, labels: Sequence[Label]) -> bool:
    return any(
        label.about(bout.start, bout.end, alert.services)
        for label in labels
        if not label.real
        for bout in alert.bouts
    )


def _with(way: Way, **changes: Any) -> Way:
    detect = replace(way.options.detect, **changes)
    return replace(way, options=replace(way.options, detect=detect))


def _judge(way: Way) -> Replayed:
    options, outlier = choose_detector(way.options)
    if outlier is not None and way.model is not None:
        raise OptionError("a detector by import path learns from the log itself: leave out --model")
    return Replayed(Detect(options.window, options.detect, way.model, outlier))


def _slide(source: str, ways: Sequence[Way]) -> int:
    """Length of the panes that all ways can be made of, µs."""
    slides = [way.options.window.slide for way in ways]
    if not is_summaries(source):
        return gcd(*slides)
    stored = StoredSummaries(source).slide
    for slide in slides:
        if slide % stored:
            raise OptionError(
                f"{source}: these are summaries of {stored / SECOND:g} s: --slide-seconds must be a multiple of it"
            )
    return stored


def _replay(replay: Replay, judges: Sequence[Replayed], slides: Sequence[int]) -> Span | None:
    """Let all judge it; its span, None where it holds nothing."""
    ends: list[int] = []
    for summary, watermark in replay:
        if not summary.is_empty():
            times = summary["pane"].to_numpy()
            both = [*ends, int(times.min()), int(times.max())]
            ends = [min(both), max(both)]
        for judge, slide in zip(judges, slides, strict=True):
            panes = summary.with_columns(pl.col("pane") - pl.col("pane") % slide)
            judge.take(panes, watermark)
    for judge in judges:
        judge.finish()
    return (ends[0] / SECOND, ends[1] / SECOND) if ends else None


def _incidents(given: Sequence[Incident], *ways: Way) -> Iterator[Incident]:
    """Those of the feedback files, but for spans that a given one is about, then those given."""
    for way in ways:
        for one in _labelled(way):
            if not any(one.start < other.end and one.end > other.start for other in given):
                yield one
    yield from given


def _labelled(way: Way) -> Iterator[Incident]:
    for label in way.options.detect.feedback.labels:
        if label.real:
            yield Incident(f"{label.start}-{label.end}", label.start / SECOND, label.end / SECOND)
