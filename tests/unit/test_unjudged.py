"""A window on which scoring fails is published with the reason, and its neighbours are judged."""

from __future__ import annotations

import numpy as np

from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.windows import WindowSpec
from tests.streams import Event, line

SPEC = WindowSpec(window=10 * SECOND, slide=10 * SECOND)


class Flawed:
    """A detector that cannot score a window of 50 events or more."""

    def fit(self, X: np.ndarray, y: None = None) -> Flawed:
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        if (X[:, 0] >= 50).any():
            raise ArithmeticError("too many for me")
        return np.zeros(len(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.ones(len(X))


def test_a_window_that_cannot_be_scored_is_a_result_with_its_error() -> None:
    events = [Event(second / 2, "api") for second in range(600)]
    events += [Event(205 + i / 100, "db") for i in range(60)]
    options = PipelineOptions(SPEC, DetectOptions(least_windows=10))
    pipeline = Pipeline(Decoder(JsonLines()), options, outlier=Flawed())
    out = pipeline.feed(RawBatch(b"\n".join(line(e) for e in sorted(events)), 1))
    results = out.results + pipeline.finish().results
    failed = [r for r in results if r.error is not None]
    assert {r.service for r in failed} == {"db", "*"}
    assert {r.error for r in failed} == {"ArithmeticError: too many for me"}
    assert failed[0].features[0] >= 50
    assert not any(r.is_anomaly for r in failed)
    judged = [r for r in results if r.service == "api" and r.warming is None]
    assert len(judged) >= 15
    assert all(r.error is None for r in judged)
    assert pipeline.ledger.balanced


class Particular:
    """A detector that scores what is there, and fails on what might have been: no event."""

    def fit(self, X: np.ndarray, y: None = None) -> Particular:
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        if X[:, 0].tolist() == [0.0]:
            raise ArithmeticError("no such window")
        return np.asarray(-X[:, 0], dtype=float)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.ones(len(X))


def test_an_alarm_that_cannot_be_explained_is_an_alarm_all_the_same() -> None:
    events = [Event(second / 2, "api") for second in range(600)]
    events += [Event(205 + i / 100, "db", Level.ERROR, "refused") for i in range(60)]
    options = PipelineOptions(SPEC, DetectOptions(least_windows=10))
    pipeline = Pipeline(Decoder(JsonLines()), options, outlier=Particular())
    out = pipeline.feed(RawBatch(b"\n".join(line(e) for e in sorted(events)), 1))
    rest = pipeline.finish()
    found = [r for r in out.results + rest.results if r.service == "db" and r.is_anomaly]
    (told,) = {r.window_end: r for r in found}.values()
    assert told.error == "not explained: ArithmeticError: no such window"
    assert told.evidence is not None
    assert told.evidence.sentence == "db: not normal"
    assert told.anomaly_score > 0.5
    assert "db" in {service for alert in rest.alerts + out.alerts for service in alert.services}
