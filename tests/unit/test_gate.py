"""A new model takes the place of the current one only if it is not worse, and the reason is told."""

from __future__ import annotations

from dataclasses import replace

from log_guard.app.pipeline import PipelineOptions, intake_of
from log_guard.app.scan import model_of
from log_guard.app.summing import gather
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.evaluation.gate import Comparison, compare, in_common
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.learning.history import History
from log_guard.core.windows import WindowSpec
from tests.streams import START, Event, line
from tests.unit.test_cold_start import steady

# A slide of 10 s: each alert is of half as many windows to explain.
OPTIONS = PipelineOptions(window=WindowSpec(slide=10 * SECOND))
SECONDS = 4_000


def history(events: list[Event]) -> History:
    taken = intake_of(OPTIONS, Decoder(JsonLines()), 0).take(
        RawBatch(b"\n".join(line(e) for e in sorted(events)), 1)
    )
    return gather([(taken.summary, None)])


def burst(at: float, message: str, seconds: float = 20) -> list[Event]:
    return [Event(at + i / 5, "db", Level.ERROR, message) for i in range(round(seconds * 5))]


def label(at: float, *, real: bool) -> Label:
    start, end = START + round((at - 5) * SECOND), START + round((at + 40) * SECOND)
    return Label(start, end, real, "seen", "me")


def compared(learnt: list[Event], current: list[Event], *labels: Label) -> Comparison:
    """A candidate learnt from the first against a model learnt from the second, without labels."""
    options = DetectOptions(feedback=Feedback(labels=labels))
    return compare(history(learnt), OPTIONS.window, model_of(history(current), OPTIONS), options)


def test_a_model_that_is_as_good_may_come() -> None:
    found = compared(
        steady(SECONDS) + burst(3_500, "disk lost"), steady(SECONDS), label(3_500, real=True)
    )
    assert found.reasons == ()
    assert (found.candidate.found, found.current.found, found.candidate.real) == (1, 1, 1)
    assert found.candidate.others.observed == 0


def deafening() -> list[Event]:
    """Incidents that nobody labelled, and a weak one at 3,500 s: whoever learns from this misses it."""
    again = [
        e
        for i, letter in enumerate("abcdefghijklmnopqrst")
        for word in ("lost", "gone", "dead", "down")
        for e in burst(200 + 130 * i, f"disk {letter * 3} {word}")
    ]
    return [*steady(SECONDS), *again, Event(3_500, "db", Level.ERROR, "link lost")]


def test_a_model_that_has_grown_deaf_is_refused() -> None:
    found = compared(deafening(), steady(SECONDS), label(3_500, real=True))
    assert (found.candidate.found, found.current.found) == (0, 1)
    assert found.reasons == ("it finds 0 of 1 labelled incidents, the current one 1",)


def test_a_model_that_alarms_on_labelled_noise_is_refused() -> None:
    usual = [e for at in range(200, 3_900, 130) for e in burst(at, "cache rebuilt")]
    events = steady(SECONDS) + burst(3_500, "cache rebuilt")
    found = compared(events, steady(SECONDS) + usual, label(3_500, real=False))
    assert (found.candidate.noise, found.current.noise) == (1, 0)
    assert any("labelled as noise" in reason for reason in found.reasons)


def test_a_model_that_breaks_its_promise_is_refused() -> None:
    usual = [e for at in range(200, 3_900, 130) for e in burst(at, "cache rebuilt")]
    events = steady(SECONDS) + burst(3_300, "cache rebuilt") + burst(3_700, "cache rebuilt")
    found = compared(events, steady(SECONDS) + usual)
    assert found.candidate.others.observed > found.current.others.observed
    assert any("the promise allows" in reason for reason in found.reasons)


def test_what_the_current_model_has_seen_is_told() -> None:
    assert compared(steady(SECONDS), steady(SECONDS)).seen
    assert not compared(steady(SECONDS), steady(1_000)).seen


def test_what_the_current_model_saw_of_other_services_is_not_seen() -> None:
    others = [e._replace(service=f"other-{e.service}") for e in steady(SECONDS)]
    assert not compared(steady(SECONDS), others).seen


def test_one_service_in_common_is_enough_to_compare() -> None:
    model = model_of(history(steady(1_000)), OPTIONS)
    api = [e for e in steady(1_000) if e.service == "api"]
    others = [e._replace(service="other") for e in api]
    assert in_common(history(api + others), model)
    assert not in_common(history(others), model)


def test_the_whole_stream_is_in_common_with_itself() -> None:
    intake = intake_of(replace(OPTIONS, detect=DetectOptions(group_by=())), Decoder(JsonLines()), 0)
    batch = RawBatch(b"\n".join(map(line, sorted(steady(1_000)))), 1)
    past = gather([(intake.take(batch).summary, None)])
    model = model_of(past, OPTIONS)
    assert in_common(past, model)
    assert not in_common(history(steady(1_000)), model)
