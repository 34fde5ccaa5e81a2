"""Labelled set in, figures out: the instrument behind ``logguard evaluate``.

Learning sees what lies before ``test_start`` and the given history, never a label.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from log_guard.app.inspecting import ReadOptions
from log_guard.app.label_span import check, cut_to, cuts, learnt_beyond
from log_guard.app.measuring import peak_megabytes
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.remarks import count_failure, failed, strangers_at_first_sight
from log_guard.app.scan import open_scan
from log_guard.app.without_each import effects_on
from log_guard.app.written import TextOutput
from log_guard.core.evaluation.evaluation import (
    Evaluation,
    Labels,
    Verdict,
    evaluate,
    found_within,
)
from log_guard.core.evaluation.outcomes import (
    AlertOutcome,
    Promise,
    last_words,
    outcome_of,
    promise,
)
from log_guard.core.evaluation.whatif import SuppressionEffect
from log_guard.core.events import SECOND
from log_guard.core.features import VOLUME_FEATURES
from log_guard.core.results import Alert
from log_guard.core.windows import WHOLE_STREAM
from log_guard.errors import InputError

_ERRORS = [VOLUME_FEATURES.index(name) for name in ("error_count", "fatal_count")]
CURVE_RATES = tuple(np.geomspace(0.02, 20.0, 31).round(4).tolist())
"""Allowed false alarms an hour at which a curve has its points."""

Curve = dict[float, tuple[float, int]]
"""Allowed false alarms an hour → those observed, and the incidents found."""


@dataclass(frozen=True)
class Evaluated:
    """Figures of one detector on one set, and what the reference detector made of the history.

    bar:     the same figures for the rule that anybody can write: the number of ERROR and FATAL events in a
             window of the whole stream. What it finds "as configured" means nothing.
    promise:          false alarms as configured, against those asked for.
    clusters, noise:  clusters that DBSCAN found in the history, and the share (0 to 1) of its
                      windows that it holds for noise.
    alerts:           of the test span.
    seconds:          from the first byte read to the last figure; ``megabytes``: the peak of the
                      process's memory, None where the system does not say.
    remarks:          what of the labels is not counted, and what cannot be told without it.
    curve, bar_curve: what is found against false alarms; empty if not asked for.
    effects:          what each suppression saves and hides, of the labelled incidents; ``seconds`` and
                      ``megabytes`` are without this.
    """

    detector: str
    evaluation: Evaluation
    bar: Evaluation
    promise: Promise
    clusters: int
    noise: float
    alerts: AlertOutcome
    seconds: float
    megabytes: float | None
    remarks: tuple[str, ...]
    curve: Curve
    bar_curve: Curve
    effects: tuple[SuppressionEffect, ...]


def evaluate_set(
    events: str,
    labels: Labels,
    options: PipelineOptions,
    read: ReadOptions,
    *,
    history: str | None = None,
    results: TextOutput | None = None,
    curve: bool = False,
    progress: Callable[[int], Any] = lambda _: None,
) -> Evaluated:
    """Run one detector over a set, and again without each suppression.

    progress:  is told the bytes read so far, all readings together.
    """
    started = time.perf_counter()
    begin = int(labels.test_start * SECOND)
    detect = replace(options.detect, train_until=None if history else begin, show_warm_up=False)
    options = replace(options, detect=detect)
    scan = open_scan(events, options, read, history=history, learn_from_start=True)
    remarks = [*strangers_at_first_sight(scan)]
    if scan.span is not None:  # before all is judged
        check(events, (scan.span[0] / SECOND, scan.span[1] / SECOND), labels, history)
    verdicts: list[Verdict] = []
    rule: dict[bool, list[Verdict]] = {True: [], False: []}
    alerts: list[Alert] = []
    failures: Counter[str] = Counter()
    for out in scan.run():
        progress(scan.source.read_bytes)
        for result in out.results:
            if result.error is not None:
                count_failure(failures, result.error)
            if result.window_end > begin:
                verdicts.append(
                    Verdict(result.window_end / SECOND, result.anomaly_score, result.is_anomaly)
                )
                errors = sum(float(result.features[i]) for i in _ERRORS)
                rule[result.service == WHOLE_STREAM].append(
                    Verdict(result.window_end / SECOND, errors / (errors + 1.0), False)
                )
                if results is not None:
                    results.write(json.dumps(result.as_dict()) + "\n")
        alerts += [alert for alert in out.alerts if alert.opened > begin]
    began, last = scan.pipeline.detect.windows.began, scan.pipeline.event_time
    if began is not None and last is not None:
        log = (began / SECOND, last / SECOND)
        check(events, log, labels, history)
        given, labels = labels, cut_to(log, labels)
        remarks += cuts(log, given, labels)
    model = scan.pipeline.detect.model
    if model is None or not verdicts:
        raise InputError(
            f"{events}: no window could be judged; is there anything before test_start to learn from? (--history EVENTS)"
        )
    learnt = model.training.start / SECOND, model.training.end / SECOND
    beyond = learnt_beyond(learnt, labels) if history else None
    remarks += [beyond] if beyond else []
    fitted = model.density.labels_
    counted = rule[True] or rule[False]  # one group alone is the whole stream
    measured = evaluate(labels, verdicts)
    if not measured.quiet_hours:
        remarks.append(
            "no time is quiet, outside of incidents and spans to ignore: false alarms cannot be counted"
        )
    if failures:
        remarks.append(failed(failures))
    told = last_words(alerts)
    done = Evaluated(
        detector=options.detect.detector,
        evaluation=measured,
        bar=evaluate(labels, counted),
        promise=promise(
            measured.as_configured.false_alarms,
            options.detect.false_alarms_per_day,
            measured.quiet_hours,
        ),
        clusters=len(set(fitted.tolist()) - {-1}),
        noise=float((fitted == -1).mean()),
        alerts=outcome_of(told, labels),
        seconds=time.perf_counter() - started,
        megabytes=peak_megabytes(),
        remarks=tuple(remarks),
        curve=_curve(labels, verdicts) if curve else {},
        bar_curve=_curve(labels, counted) if curve else {},
        effects=(),
    )
    first = scan.source.read_bytes
    effects = effects_on(
        events,
        labels,
        options,
        read,
        told,
        history=history,
        progress=lambda n: progress(first + n),
    )
    return replace(done, effects=tuple(effects))


def _curve(labels: Labels, verdicts: list[Verdict]) -> Curve:
    points = found_within(labels, verdicts, CURVE_RATES)
    return {rate: (m.false_alarms_per_hour, m.found) for rate, m in points.items()}
