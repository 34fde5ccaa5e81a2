"""Steady random logs: a short history keeps the promise, and what is said of a count does not contradict itself."""

from __future__ import annotations

from random import Random

import pytest

from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import Level, RawBatch
from log_guard.core.results import Alert, Result
from tests.streams import Event, line, micros

LEARNT = 13 * 60.0
MESSAGES = ("accepted a connection", "flushed the records", "wrote a checkpoint")


def steady(rate: float, until: float, seed: int) -> list[Event]:
    """Three messages of one service at random times, ``rate`` events a second."""
    random, time, events = Random(seed), 0.0, []
    while (time := time + random.expovariate(rate)) < until:
        events.append(Event(time, "store", Level.INFO, random.choice(MESSAGES)))
    return events


def judged(events: list[Event]) -> tuple[list[Result], list[Alert]]:
    """Results and opened alerts, the first minutes being learnt from."""
    detect = DetectOptions(train_until=micros(LEARNT))
    pipeline = Pipeline(Decoder(JsonLines()), PipelineOptions(detect=detect))
    out = pipeline.feed(RawBatch(b"\n".join(line(e) for e in sorted(events)), 1))
    end = pipeline.finish()
    opened = [a for a in out.alerts + end.alerts if a.state == "opened"]
    return out.results + end.results, opened


def test_a_quarter_of_an_hour_of_a_quiet_log_is_enough_to_keep_quiet() -> None:
    alerts = [a for seed in range(6) for a in judged(steady(0.1, LEARNT + 3_600, seed))[1]]
    assert len(alerts) <= 2  # 0.5 are promised in six hours; 2 is what chance makes of it


@pytest.mark.parametrize("rate", [0.3, 2.0])
def test_no_count_that_is_told_of_lies_within_its_own_range(rate: float) -> None:
    began = LEARNT + 600
    kept = [e for e in steady(rate, began + 1_200, 1) if not began < e.time < began + 200]
    kept = [e for e in kept if e.message != MESSAGES[1] or not began + 300 < e.time < began + 500]
    surge = [Event(began + 600 + i / 4, "store", Level.INFO, MESSAGES[0]) for i in range(240)]
    results, alerts = judged(kept + surge)
    assert alerts
    told = [part for r in results if r.evidence is not None for part in r.evidence.parts]
    counts = [part for part in told if part.kind in ("surging", "fading", "silent")]
    assert {part.kind for part in counts} >= {"surging", "silent"}
    for part in counts:
        if part.share > 0.03:
            assert not part.low <= part.observed <= part.high, part


def test_silence_is_told_with_what_is_usual_in_as_long_a_time() -> None:
    began = LEARNT + 600
    kept = [e for e in steady(0.3, began + 600, 1) if not began < e.time < began + 290]
    results, _ = judged(kept)
    silent = [r.evidence for r in results if r.evidence and r.evidence.parts[0].kind == "silent"]
    assert silent
    lengths = [float(e.sentence.split(" in ")[1].removesuffix(" s")) for e in silent]
    assert lengths == sorted(set(lengths))
    assert lengths[-1] > 200
    for evidence, seconds in zip(silent, lengths, strict=True):
        assert evidence.parts[0].expected == pytest.approx(0.3 * seconds, rel=0.3)
        assert evidence.parts[0].low > 0
