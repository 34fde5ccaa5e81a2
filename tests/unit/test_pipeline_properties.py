"""The whole line: nothing vanishes, and results do not depend on how the stream was cut."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.app.pipeline import Output, Pipeline, PipelineOptions, intake_of
from log_guard.app.scan import model_of
from log_guard.app.summing import gather
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.learning.model import Model
from log_guard.core.ledger import Ledger
from log_guard.core.windows import WindowSpec
from tests.streams import Event, bounded, line, micros, pieces

SPEC = WindowSpec(window=10 * SECOND, slide=5 * SECOND)
WAYS = {
    "trained": PipelineOptions(SPEC),
    "learning": PipelineOptions(SPEC, DetectOptions(least_windows=6)),
    "until": PipelineOptions(SPEC, DetectOptions(train_until=micros(120), least_windows=6)),
}
ALL_WAYS = pytest.mark.parametrize("way", WAYS)
USUAL = ("served in {} ms", "cache miss for key {}", "user {} logged in")
MALFORMED = (b"", b"not json", b"[1, 2]", b'{"level": "INFO"}', b'{"timestamp": "x"}', b"\xff\xfe")


def history(seconds: int, seed: int) -> list[Event]:
    """A quiet stream of three services, in order, with now and then a warning."""
    random = Random(seed)
    events = []
    for second in range(seconds):
        for service in ("api", "db", "web"):
            for _ in range(random.randrange(3)):
                message = random.choice(USUAL).format(random.randrange(1000))
                events.append(Event(second + random.random() * 0.5, service, Level.INFO, message))
        if random.random() < 0.05:
            events.append(Event(second + 0.9, "db", Level.WARN, "slow query"))
    return sorted(events)


def stream(seed: int, seconds: int = 200) -> list[bytes]:
    """History and trouble: a burst, stragglers, services that fall silent or turn up, bad lines."""
    random = Random(seed)
    quiet = random.randrange(60, seconds)
    events = [e for e in history(seconds, seed) if e.service != "web" or e.time < quiet]
    begin = random.randrange(seconds)
    for _ in range(random.randrange(40)):
        service = random.choice(("api", "db", "new"))
        time = begin + random.random() * 20
        events.append(Event(time, service, Level.ERROR, "connection refused"))
    events.sort()
    for _ in range(random.randrange(20)):  # out of order, some of them late
        at = random.randrange(len(events))
        moved = events.pop(at)
        to = min(at + random.choice((1, 30, 200, 10_000)), len(events))
        events.insert(to, moved)
    for _ in range(random.randrange(3)):  # too late, and from the far future
        events.insert(random.randrange(len(events)), Event(-3000, "api"))
        events.insert(random.randrange(len(events)), Event(10**9, "api"))
    lines = [line(event) for event in events]
    for _ in range(random.randrange(6)):
        lines.insert(random.randrange(len(lines)), random.choice(MALFORMED))
    return lines


@cache
def model() -> Model:
    options = PipelineOptions(SPEC, DetectOptions(least_windows=6))
    intake = intake_of(options, Decoder(JsonLines()), 0)
    lines = b"\n".join(line(event) for event in history(300, seed=0))
    return model_of(gather([(intake.take(RawBatch(lines, 1)).summary, None)]), options)


def pipeline_of(way: str) -> Pipeline:
    return Pipeline(Decoder(JsonLines()), WAYS[way], model() if way == "trained" else None)


def feed(pipeline: Pipeline, batches: Sequence[Sequence[bytes]], *, early: bool = False) -> Output:
    """Feed all batches and finish; everything that came out."""
    outs, position = [], 1
    for batch in batches:
        outs.append(pipeline.feed(RawBatch(b"\n".join(batch) + b"\n", position), early=early))
        position += len(batch)
    outs.append(pipeline.finish())
    return Output(
        [result for out in outs for result in out.results],
        [alert for out in outs for alert in out.alerts],
        [dead for out in outs for dead in out.dead],
    )


def run(way: str, lines: Sequence[bytes], at: Sequence[int] = ()) -> tuple[Output, Ledger]:
    pipeline = pipeline_of(way)
    return feed(pipeline, pieces(lines, at)), pipeline.ledger


Verdict = tuple[bytes, float, bool, bool, str | None]


def final(out: Output) -> dict[tuple[float, str], Verdict]:
    """The last word on every window of every service, bit by bit."""
    return {
        (r.window_end, r.service): (
            r.features.tobytes(),
            r.anomaly_score,
            r.is_anomaly,
            r.final,
            r.warming,
        )
        for r in out.results
    }


SEEDS = st.integers(0, 10_000)
CUTS = st.lists(st.integers(1, 800), max_size=12)


@ALL_WAYS
@bounded(3, shrink=False)
@given(seed=SEEDS, at=CUTS)
def test_every_record_is_accounted_for(way: str, seed: int, at: list[int]) -> None:
    lines = stream(seed)
    out, ledger = run(way, lines, at)
    assert ledger.balanced
    assert ledger.consumed == len(lines)
    assert ledger.dead_lettered == len(out.dead)
    dead = {letter.position for letter in out.dead}
    assert len(dead) == len(out.dead)
    assert {i for i, record in enumerate(lines, 1) if record in MALFORMED} <= dead


@bounded(8, shrink=False)
@given(seed=SEEDS, at=CUTS)
def test_results_do_not_depend_on_the_batches(seed: int, at: list[int]) -> None:
    lines = stream(seed)
    at_once, ledger = run("trained", lines)
    in_parts, ledger_of_parts = run("trained", lines, at)
    assert final(in_parts) == final(at_once)
    assert ledger_of_parts == ledger


def test_nor_do_they_where_late_events_fall_into_an_epoch_learnt_from() -> None:
    # Epochs of learning end every 600 s. A message that is new in one is known in the next.
    events = history(1500, seed=1)
    for second in range(0, 1500, 20):
        events.append(Event(second, "api", Level.WARN, f"pool {'abcdefgh'[second // 200]} low"))
    events.sort()
    for late, then in ((590, 610), (599, 640), (595, 1190), (605, 1203), (610, 1201), (899, 1450)):
        after = next(i for i, event in enumerate(events) if event.time > then)
        events.insert(after, Event(late, "api", Level.WARN, f"pool {'abcdefgh'[late // 200]} low"))
    lines = [line(event) for event in events]
    at_once, ledger = run("trained", lines)
    in_parts, _ = run("trained", lines, range(0, len(lines), 60))
    assert ledger.late == 0
    assert final(in_parts) == final(at_once)


def test_nor_do_they_over_several_epochs_of_trouble() -> None:
    lines = stream(seed=1, seconds=1500)
    cuts = Random(1).sample(range(len(lines)), 40)
    at_once, _ = run("trained", lines)
    in_parts, _ = run("trained", lines, cuts)
    assert any(result.is_anomaly for result in at_once.results)
    assert final(in_parts) == final(at_once)


@pytest.mark.parametrize("way", ["learning", "until"])
def test_a_late_event_is_judged_by_the_model_of_its_window(way: str) -> None:
    for seed in range(2):
        lines = stream(seed)
        at_once, _ = run(way, lines)
        in_parts, _ = run(way, lines, range(0, len(lines), 25))
        assert final(in_parts) == final(at_once)


@ALL_WAYS
def test_a_service_to_come_changes_nothing_before_it_comes(way: str) -> None:
    lines = [
        line(event)
        for event in history(200, seed=2)
        if event.service == "api" or (event.service == "db" and event.time > 130)
    ]
    at_once, _ = run(way, lines)
    in_parts, _ = run(way, lines, range(0, len(lines), 7))
    assert final(in_parts) == final(at_once)


def test_early_verdicts_change_no_final_result() -> None:
    lines = stream(seed=3)
    early = feed(pipeline_of("trained"), pieces(lines, range(0, len(lines), 20)), early=True)
    plain, _ = run("trained", lines)
    assert len(early.results) > len(plain.results)
    assert final(early) == final(plain)


def test_time_that_a_source_idles_loses_nothing() -> None:
    lines = stream(seed=4)
    pipeline = pipeline_of("trained")
    position = 1
    for part in pieces(lines, range(0, len(lines), 50)):
        pipeline.feed(RawBatch(b"\n".join(part), position))
        position += len(part)
        for seconds in (1.0, 5.0, 70.0):
            pipeline.idle(seconds)
    pipeline.finish()
    assert pipeline.ledger.balanced
    assert pipeline.ledger.consumed == len(lines)


def test_the_accounts_of_several_sources_balance() -> None:
    pipeline = pipeline_of("trained")
    streams = [pieces(stream(seed), range(0, 600, 60)) for seed in (5, 6, 7)]
    consumed = 0
    for turn in range(max(map(len, streams))):
        for source, parts in enumerate(streams):
            if turn < len(parts):
                pipeline.feed(RawBatch(b"\n".join(parts[turn]), 1 + 60 * turn, source))
                consumed += len(parts[turn])
    pipeline.finish()
    assert pipeline.ledger.balanced
    assert pipeline.ledger.consumed == consumed


@ALL_WAYS
def test_equal_input_gives_equal_output(way: str) -> None:
    lines = stream(seed=8)
    (one, _), (other, _) = (run(way, lines, [100]) for _ in range(2))
    assert [r.as_dict() for r in one.results] == [r.as_dict() for r in other.results]
    assert [a.as_dict() for a in one.alerts] == [a.as_dict() for a in other.alerts]


def test_an_incident_is_found() -> None:
    trouble = [Event(100 + i / 10, "api", Level.ERROR, "connection refused") for i in range(50)]
    out, _ = run("trained", [line(event) for event in sorted(history(200, seed=9) + trouble)])
    found = [r for r in out.results if r.is_anomaly and r.service == "api"]
    assert found
    assert all(micros(100) < r.window_end <= micros(115) for r in found)
    assert (out.alerts[0].state, out.alerts[0].service) == ("opened", "api")
    assert out.alerts[-1].state == "resolved"
