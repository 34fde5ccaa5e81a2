"""Whether trouble that is told no more was over, or was only learnt."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from log_guard.core.course import Course
from log_guard.core.features import VOLUME_FEATURES
from log_guard.core.results import Part, Result
from tests.streams import micros
from tests.troubles import (
    NOTHING,
    REFUSED,
    SLOW,
    calm,
    fold,
    part,
    said,
    symptom,
    trouble,
)


@pytest.mark.parametrize(
    ("last", "count", "usual_from"),
    [(600, 8, 600), (600, 1, None), (595, 8, None)],
    ids=["there to the end of the epoch", "hardly there any more", "over before it"],
)
def test_what_ended_only_because_it_was_learnt_is_said_to_go_on(
    last: float, count: int, usual_from: float | None
) -> None:
    bursts = [trouble(end, "api", part(REFUSED, 20)) for end in (500, 550)]
    told = fold([*bursts, trouble(last, "api", part(REFUSED, count)), calm(700)])
    course = told[-1].course
    assert course.usual_from == (None if usual_from is None else micros(usual_from))
    assert Course.of(json.loads(json.dumps(course.as_dict()))) == course


@pytest.mark.parametrize("events", [1, 40])
def test_an_error_that_came_and_went_is_not_said_to_go_on(events: int) -> None:
    once = part(REFUSED, events, kind="new")
    told = fold([trouble(600, "api", once, onset=585), calm(700)])
    assert told[-1].course.usual_from is None


@pytest.mark.parametrize(("errors", "goes_on"), [(0.0, False), (1.0, True)])
def test_what_is_not_seen_after_it_was_learnt_is_over(errors: float, *, goes_on: bool) -> None:
    seldom = [trouble(end, "api", part(REFUSED, 1, kind="new")) for end in (500, 560, 600)]
    after = np.ones(30)
    after[VOLUME_FEATURES.index("error_count")] = errors
    told = fold([*seldom, replace(calm(640), features=after), calm(700, "web")])
    assert told[-1].course.usual_from == (micros(600) if goes_on else None)


def test_what_came_back_was_not_usual() -> None:
    bursts = [trouble(end, "api", part(REFUSED, 20)) for end in (500, 550, 600)]
    told = fold([*bursts, calm(700), trouble(1_000, "api", part(REFUSED, 20)), calm(1_100)])
    spoken = [(a.state, a.course.usual_from) for a in told[-3:]]
    assert spoken == [("resolved", micros(600)), ("updated", None), ("resolved", None)]


@pytest.mark.parametrize(
    ("volumes", "after", "goes_on"),
    [
        (("ERROR", "all"), [(630, 100)], True),
        (("ERROR", "all"), [(630, 80)], False),
        (("ERROR", "all"), [(615, 80), (630, 98)], True),
        (("ERROR", "all"), [(615, 80)], True),
        ((), [(630, 80)], True),
        (("ERROR", "all"), [], True),
    ],
    ids=["goes on", "over", "has dipped", "not seen whole", "not known of", "not heard of"],
)
def test_what_was_over_when_it_was_learnt_is_not_said_to_go_on(
    volumes: tuple[str, ...], after: list[tuple[float, float]], goes_on: bool
) -> None:
    lead = replace(part(REFUSED, 20), volumes=volumes)

    def heard(result: Result, events: float) -> Result:
        return replace(result, features=np.full(30, events))

    bursts = [heard(trouble(end, "api", lead), 100) for end in (500, 550, 600)]
    told = fold([*bursts, *(heard(calm(end), events) for end, events in after), calm(700, "web")])
    assert told[-1].course.usual_from == (micros(600) if goes_on else None)
    early = [replace(heard(calm(630), 80), final=False)]
    assert fold([*bursts, *early, calm(700, "web")])[-1].course.usual_from == micros(600)


def test_a_lack_that_was_over_when_it_was_learnt_is_not_said_to_go_on() -> None:
    lead = Part("fading", None, None, 40, 100.0, 80, 120, 9.0, 1.0)
    few = [
        replace(trouble(end, "api", lead), features=np.full(30, 40.0)) for end in (500, 550, 600)
    ]
    for events, goes_on in ((40.0, True), (95.0, False)):
        after = replace(calm(630), features=np.full(30, events))
        told = fold([*few, after, calm(700, "web")])
        assert told[-1].course.usual_from == (micros(600) if goes_on else None)


def test_that_the_log_ended_says_nothing_about_what_became_usual() -> None:
    told = fold([trouble(600, "api", part(REFUSED, 20))])
    assert told[-1].course.usual_from is None


@pytest.mark.parametrize(
    ("after", "still"),
    [
        ([calm(900, "web")], True),
        ([replace(calm(635), features=np.zeros(30)), calm(900, "web")], True),
        ([calm(635), calm(900, "web")], False),
        ([symptom(635, SLOW), calm(900, "web")], False),
        ([], True),
    ],
    ids=[
        "not told any more",
        "not surprising any more",
        "over",
        "turned into another",
        "log ended",
    ],
)
def test_a_silence_that_was_not_seen_to_end_is_said_to_go_on(
    after: list[Result], still: bool
) -> None:
    silent = [symptom(end, NOTHING) for end in range(530, 605, 5)]  # to the end of an epoch
    course = fold([*silent, *after])[-1].course
    assert [s.still for s in course.symptoms if s.sentence == said(NOTHING)] == [still]
    assert course.usual_from is None
    assert Course.of(json.loads(json.dumps(course.as_dict()))) == course


def test_a_silence_that_comes_back_is_said_to_go_on_only_while_it_does() -> None:
    first = [symptom(30, NOTHING), calm(35), calm(200)]
    told = fold(first, [symptom(400, NOTHING), calm(600, "web")])
    assert [(a.state, [s.still for s in a.course.symptoms]) for a in told] == [
        ("opened", [True]),
        ("resolved", [False]),
        ("updated", [True]),
        ("resolved", [True]),
    ]
