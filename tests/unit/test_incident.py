"""One incident, from lines to its alert."""

from __future__ import annotations

import numpy as np
import pytest

from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.results import Alert
from tests.streams import START, Event, line

TEXTS = ("served page 5", "cache hit 7", "slow query 12 ms")


def _steady(seconds: int) -> list[Event]:
    """Two services that log a few kinds of line, a few times a second."""
    rng = np.random.default_rng(1)
    return [
        Event(second + i / 10, service, Level.INFO, TEXTS[int(rng.integers(3))])
        for second in range(seconds)
        for service in ("web", "db")
        for i in range(int(rng.poisson(3)))
    ]


def _alerts(events: list[Event]) -> list[Alert]:
    detect = DetectOptions(train_until=START + 600 * SECOND)
    pipeline = Pipeline(Decoder(JsonLines()), PipelineOptions(detect=detect))
    lines = b"\n".join(line(event) for event in sorted(events, key=lambda event: event.time))
    outs = [pipeline.feed(RawBatch(lines, 1)), pipeline.finish()]
    assert pipeline.ledger.balanced
    return [a for out in outs for a in out.alerts if a.state == "resolved"]


def test_with_as_many_new_messages_as_it_says_it_would_have_been_normal() -> None:
    steps = [
        "mounting",
        "unmounting",
        "scanning",
        "repairing",
        "trimming",
        "resizing",
        "moving",
        "sealing",
    ]
    trouble = [
        Event(900 + i, "db", Level.INFO, f"{step} shard refused") for i, step in enumerate(steps)
    ]
    (alert,) = _alerts([*_steady(1200), *trouble])
    (bound,) = alert.evidence.normal_if
    assert (bound.kind, bound.relation) == ("new", "<=")
    assert bound.count < len(steps)
    assert _alerts([*_steady(1200), *trouble[: bound.count]]) == []


def test_an_incident_is_found_and_explained() -> None:
    burst = [Event(900 + i / 10, "db", Level.ERROR, f"disk {i} gone") for i in range(60)]
    (alert,) = _alerts([*_steady(1200), *burst])
    assert alert.service == "db"
    assert alert.evidence.sentence.startswith("ERROR 'disk <num> gone' ")
    assert sum(part.share for part in alert.evidence.parts) == pytest.approx(1.0, abs=0.05)
    assert all("disk" in sample.message for sample in alert.evidence.samples[:1])
