"""Labelled set in, figures out: the instrument behind ``logguard evaluate``.

Learning sees what lies before ``test_start`` and the given history, never a label.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import open_scan
from log_guard.core.evaluation import Evaluation, Incident, Labels, Verdict, evaluate
from log_guard.core.events import SECOND
from log_guard.core.features import VOLUME_FEATURES
from log_guard.core.windows import WHOLE_STREAM
from log_guard.errors import InputError

_ERRORS = [VOLUME_FEATURES.index(name) for name in ("error_count", "fatal_count")]


@dataclass(frozen=True)
class Evaluated:
    """Figures of one detector on one set, and what the reference detector made of the history.

    bar:     the same figures for the rule that anybody can write: the number of ERROR and FATAL events in a
             window of the whole stream. What it finds "as configured" means nothing.
    clusters, noise:  clusters that DBSCAN found in the history, and the share (0 to 1) of its
                      windows that it holds for noise.
    alerts:           alerts opened in the test span.
    """

    evaluation: Evaluation
    bar: Evaluation
    clusters: int
    noise: float
    alerts: int


def read_labels(path: str) -> Labels:
    """Read a labels file; raises InputError naming what is wrong with it."""
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
        return Labels(
            name=str(raw.get("name", Path(path).stem)),
            test_start=_seconds(raw["test_start"]),
            end=_seconds(raw["end"]),
            incidents=tuple(
                Incident(str(i["id"]), _seconds(i["start"]), _seconds(i["end"]))
                for i in raw["incidents"]
            ),
            ignore=tuple((_seconds(s["start"]), _seconds(s["end"])) for s in raw.get("ignore", ())),
        )
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: not a labels file ({type(error).__name__}: {error}); it needs test_start, end and incidents with id, start and end"
        ) from None


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def evaluate_set(
    events: str,
    labels: Labels,
    options: PipelineOptions,
    read: ReadOptions,
    *,
    history: str | None = None,
    results: IO[str] | None = None,
    progress: Callable[[int], Any] = lambda _: None,
) -> Evaluated:
    """Run one detector over a set; ``progress`` is told the bytes read so far."""
    begin = int(labels.test_start * SECOND)
    detect = replace(options.detect, train_until=None if history else begin, show_warm_up=False)
    scan = open_scan(
        events, replace(options, detect=detect), read, history=history, learn_from_start=True
    )
    verdicts: list[Verdict] = []
    rule: dict[bool, list[Verdict]] = {True: [], False: []}
    alerts = 0
    for out in scan.run():
        progress(scan.source.read_bytes)
        for result in out.results:
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
        alerts += sum(a.state == "opened" and a.end > begin for a in out.alerts)
    model = scan.pipeline.detect.model
    if model is None or not verdicts:
        raise InputError(
            f"{events}: no window could be judged; is there anything before test_start to learn from? (--history EVENTS)"
        )
    fitted = model.density.labels_
    return Evaluated(
        evaluation=evaluate(labels, verdicts),
        bar=evaluate(labels, rule[True] or rule[False]),  # one group alone is the whole stream
        clusters=len(set(fitted.tolist()) - {-1}),
        noise=float((fitted == -1).mean()),
        alerts=alerts,
    )
