"""Started on nothing: what needs no training is reported from the first minute, and nothing floods."""

from __future__ import annotations

from random import Random

from log_guard.app.pipeline import Output, Pipeline
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import Level, RawBatch
from log_guard.core.results import Alert, Result
from tests.streams import Event, line

SERVICES = ("api", "db", "queue")


def steady(seconds: int, seed: int = 0) -> list[Event]:
    """Three services with a few messages each, ten events a second, one in fifty an ERROR."""
    random = Random(seed)
    return [
        Event(
            i / 10,
            random.choice(SERVICES),
            Level.ERROR if random.random() < 0.02 else Level.INFO,
            f"did thing {'abcdef'[random.randrange(6)] * 3} in 5 ms",
        )
        for i in range(seconds * 10)
    ]


def watch(events: list[Event]) -> tuple[list[Result], list[Alert]]:
    """Results and opened alerts of a pipeline that starts with these events."""
    pipeline = Pipeline(Decoder(JsonLines()))
    out = pipeline.feed(RawBatch(b"\n".join(line(e) for e in sorted(events)), 1))
    end: Output = pipeline.finish()
    opened = [a for a in out.alerts + end.alerts if a.state == "opened"]
    return out.results + end.results, opened


def test_a_burst_of_errors_is_reported_in_the_second_minute() -> None:
    burst = [Event(90 + i / 20, "db", Level.ERROR, f"disk {i} lost") for i in range(100)]
    results, alerts = watch(steady(180) + burst)
    assert [a.services[0] for a in alerts] == ["db"]
    assert "ERROR events in 30 s in db" in alerts[0].evidence.sentence
    first = next(r for r in results if r.is_anomaly)
    assert first.warming is not None  # it says itself on how little it rests


def test_a_service_gone_silent_is_reported_in_the_second_minute() -> None:
    events = [e for e in steady(240) if e.service != "queue" or e.time < 80]
    _, alerts = watch(events)
    assert [a.services for a in alerts] == [("queue",)]
    assert alerts[0].evidence.sentence.startswith("no events at all in 30 s in queue")


def test_an_hour_of_normal_traffic_opens_at_most_one_alert() -> None:
    _, alerts = watch(steady(3_600))
    assert len(alerts) <= 1


def test_a_service_that_logs_errors_all_day_is_not_one_burst() -> None:
    noisy = [Event(i / 2, "noisy", Level.ERROR, "harmless") for i in range(1_800)]
    _, alerts = watch(steady(900) + noisy)
    assert not alerts


def test_a_load_that_doubles_at_once_waits_for_a_history_to_be_judged_by() -> None:
    more = [e for e in steady(180, seed=1) if e.time >= 100 and e.level == Level.INFO]
    _, alerts = watch(steady(180) + more)
    assert not alerts
