"""One alert tells each symptom of an incident once, and no part of one as another."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from log_guard.core.course import Course
from log_guard.core.episodes.episodes import Episodes
from log_guard.core.results import Part
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw
from tests.streams import micros
from tests.troubles import (
    FULL,
    NOTHING,
    REFUSED,
    RULES,
    SLOW,
    calm,
    fold,
    news,
    part,
    said,
    symptom,
    trouble,
)


def test_an_open_weak_alert_does_not_hide_what_comes_next() -> None:
    alerts = fold(
        [symptom(30, SLOW, score=0.95), symptom(45, FULL, score=0.6, onset=42)],
        [symptom(50, FULL, score=0.7, onset=42), symptom(100, NOTHING, score=0.8)],
        [symptom(105, NOTHING, score=0.9)],
    )
    assert [(a.id, a.state, news(a)) for a in alerts] == [
        (1, "opened", []),
        (1, "updated", [said(FULL)]),
        (1, "updated", [said(NOTHING)]),
        (1, "resolved", []),
    ]
    assert [(s.sentence, s.onset, s.end, s.severe, s.told) for s in alerts[-1].course.symptoms] == [
        (said(SLOW), micros(0), micros(30), False, True),
        (said(FULL), micros(42), micros(50), True, True),
        (said(NOTHING), micros(70), micros(105), True, True),
    ]


FRESH = replace(part("setting up liba", 1, "new"), level="INFO")


SEVERAL = replace(part("setting up libb", 90, "new"), level="INFO", messages=90)


PARTS = {
    "the first of them comes a window before": [(30, [FRESH]), (35, [SEVERAL])],
    "the last of them outlasts the others": [(35, [SEVERAL]), (60, [FRESH])],
    "it leads a window of them": [(30, [replace(FRESH, share=0.6), replace(SEVERAL, share=0.4)])],
}


@pytest.mark.parametrize("windows", PARTS.values(), ids=PARTS)
def test_one_new_message_among_many_is_no_symptom_beside_them(
    windows: list[tuple[float, list[Part]]],
) -> None:
    scores = {FRESH.template: 0.7}
    told = fold(
        [
            trouble(end, "api", *parts, score=scores.get(parts[0].template, 0.8))
            for end, parts in windows
        ],
        [calm(200)],
    )
    (symptom,) = told[-1].course.symptoms
    assert (symptom.end, symptom.leads) == (micros(windows[-1][0]), True)
    assert symptom.onset == micros(windows[0][0] - 30)


@pytest.mark.parametrize(
    ("windows", "symptoms"),
    [
        ([(30, FRESH), (70, SEVERAL)], 2),  # long before
        ([(35, SEVERAL), (90, FRESH)], 2),  # after them
        ([(30, replace(FRESH, level="ERROR")), (35, SEVERAL)], 2),
        ([(30, replace(FRESH, kind="surging")), (35, SEVERAL)], 2),
        ([(30, FRESH), (35, replace(FRESH, template="another"))], 2),
    ],
)
def test_a_new_message_that_is_not_one_of_many_is_told_by_itself(
    windows: list[tuple[float, Part]], symptoms: int
) -> None:
    told = fold([trouble(end, "api", part) for end, part in windows], [calm(200)])
    assert len(told[-1].course.symptoms) == symptoms


@pytest.mark.parametrize(("onset", "alerts"), [(60, 1), (61, 2)])
def test_another_cause_more_than_a_window_later_is_another_alert(onset: float, alerts: int) -> None:
    told = fold([symptom(30, FULL), symptom(onset + 5, part("timeout"), onset=onset)])
    assert len({a.id for a in told}) == alerts


def test_what_is_not_severe_is_told_with_the_alert_that_is_not_yet_resolved() -> None:
    done = replace(part("nightly run done", kind="rare"), level="INFO")
    told = fold([symptom(30, FULL), symptom(85, done, onset=80)])
    assert [(a.id, news(a)) for a in told] == [(1, []), (1, [said(done)]), (1, [])]


def test_the_same_cause_within_the_quiet_time_is_the_same_alert() -> None:
    told = fold([symptom(30, FULL), symptom(85, FULL, onset=80)])
    assert [(a.id, a.state) for a in told] == [(1, "opened"), (1, "resolved")]


def test_of_two_open_alerts_a_window_goes_to_the_one_of_its_cause() -> None:
    other = part("timeout")
    told = fold(
        [symptom(30, FULL), symptom(66, other, onset=61)],
        [symptom(71, FULL, onset=70), symptom(76, other, onset=75), calm(200)],
    )
    ends = {a.id: a.end for a in told if a.state == "resolved"}
    assert ends == {1: micros(71), 2: micros(76)}


def test_the_windows_around_silence_are_no_symptom_of_their_own() -> None:
    less = replace(NOTHING, kind="fading", observed=60)
    told = fold(
        [symptom(30, FULL), *(symptom(end, less, score=0.6) for end in (45, 50, 55))],
        [*(symptom(end, NOTHING) for end in (60, 65, 90))],
        [*(symptom(end, SLOW, score=0.6) for end in (95, 115))],
    )
    assert [(s.sentence, s.onset, s.end) for s in told[-1].course.symptoms] == [
        (said(FULL), micros(0), micros(30)),
        (said(NOTHING), micros(30), micros(90)),
    ]


def test_too_little_of_one_message_after_another_is_one_symptom() -> None:
    rows = replace(SLOW, template="wrote <num> rows")
    told = fold([symptom(30, SLOW), symptom(35, rows), symptom(40, SLOW)])
    assert [a.state for a in told] == ["opened", "resolved"]


def test_many_new_messages_are_one_symptom_whichever_is_named() -> None:
    many = [replace(part(text), level="INFO", messages=40) for text in ("configure a", "unpack b")]
    told = fold([symptom(30, many[0], score=0.6), symptom(45, many[1])])
    assert [s.sentence for s in told[-1].course.symptoms] == [said(many[1])]
    severe = [replace(one, level="ERROR") for one in many]
    told = fold([symptom(30, severe[0]), symptom(45, severe[1])])
    assert len(told[-1].course.symptoms) == 2


def test_of_what_is_not_severe_only_a_few_are_told_but_errors_always() -> None:
    calm_ones = [replace(part(f"{word} done"), level="INFO") for word in "abcdefgh"]
    windows = [symptom(30 + 5 * n, one) for n, one in enumerate(calm_ones)]
    told = fold([*windows, symptom(70, FULL)])
    assert [news(a)[0] for a in told if a.state == "updated"] == [
        *map(said, calm_ones[1:5]),
        said(FULL),
    ]
    assert len(told[-1].course.symptoms) == 9


def test_of_a_service_that_joins_its_errors_are_told_beside_what_leads() -> None:
    told = fold(
        [symptom(30, FULL, service="db")],
        [trouble(35, "api", part("timeout"), part("refused", share=0.2))],
    )
    assert (told[1].course.joined, news(told[1])) == (
        ("api",),
        ["ERROR 'refused' 5 times in 30 s in api; usual: none"],
    )


def test_a_bout_has_its_own_symptoms() -> None:
    told = fold(
        [symptom(30, FULL), symptom(35, SLOW), calm(200)],
        [symptom(300, FULL), symptom(305, NOTHING), calm(500)],
    )
    assert [(a.state, news(a)) for a in told[3:]] == [
        ("updated", []),
        ("updated", [said(NOTHING)]),
        ("resolved", []),
    ]
    assert [s.sentence for s in told[-1].course.symptoms] == [said(FULL), said(NOTHING)]


def test_what_was_told_of_symptoms_is_part_of_the_state() -> None:
    one = Episodes(RULES)
    one.add([symptom(30, SLOW), symptom(35, FULL)])
    other = thaw(freeze(one, KINDS), KINDS)
    after = [symptom(40, FULL), symptom(45, part("timeout")), calm(200)]
    told = one.add(after)
    assert [news(a) for a in told] == [[said(part("timeout"))], []]
    assert other.add(after) == told
    course = told[0].course
    assert Course.of(json.loads(json.dumps(course.as_dict()))) == course


def test_errors_that_only_accompany_what_leads_are_told_too() -> None:
    warn = replace(part("volume is <num> full", share=0.7), level="WARN")
    told = fold([symptom(30, warn), trouble(35, "api", warn, replace(FULL, share=0.3)), calm(200)])
    assert [(a.state, news(a)) for a in told] == [
        ("opened", []),
        ("updated", ["ERROR 'disk full on <id>' 5 times in 30 s in api; never seen before"]),
        ("resolved", []),
    ]
    assert [(s.onset, s.end) for s in told[-1].course.symptoms] == [
        (micros(0), micros(35)),
        (micros(30), micros(35)),
    ]


FADING = Part("fading", "INFO", "cache hit", 20, 70.0, 55, 101, 9.0, 1.0)


@pytest.mark.parametrize(
    ("parts", "worst"),
    [
        ([(part(REFUSED, 94), 0.7865), (part(REFUSED, 100), 0.7821)], 1),
        ([(part(REFUSED, 134), 0.8479), (part(REFUSED, 105), 0.8487)], 0),
        ([(part(REFUSED, 134), 0.80), (part(REFUSED, 105), 0.85)], 1),
        ([(FADING, 0.8479), (replace(FADING, observed=30), 0.8487)], 0),
        ([(NOTHING, 0.96), (replace(NOTHING, expected=450.0), 0.96)], 1),
        ([(part(REFUSED, 134), 0.8479), (part("timeout", 200), 0.8478)], 0),
    ],
    ids=["more", "less", "less and worse", "lack", "silence", "another cause"],
)
def test_of_windows_with_all_but_the_same_score_that_with_most_of_it_is_told(
    parts: list[tuple[Part, float]], worst: int
) -> None:
    windows = [trouble(30 + 5 * n, "api", p, score=score) for n, (p, score) in enumerate(parts)]
    windows = [
        replace(w, evidence=replace(w.evidence, sentence=f"window {n}"))
        for n, w in enumerate(windows)
        if w.evidence is not None
    ]
    resolved = fold(windows)[-1]
    assert resolved.evidence.sentence == f"window {worst}"
    assert resolved.peak_score == max(score for _, score in parts)
    (lead,) = (s for s in resolved.course.symptoms if s.leads)
    assert lead.sentence == resolved.evidence.sentence


ERRORS = replace(part(None, 10), volumes=())


def test_the_edges_of_a_burst_in_which_no_message_leads_are_no_symptom_of_their_own() -> None:
    burst = replace(part(REFUSED, 82), volumes=("ERROR",))
    windows = [symptom(30, ERRORS, onset=12), symptom(35, burst, onset=12, score=0.95)]
    last = fold([*windows, symptom(60, ERRORS), calm(200)])[-1]
    assert [(s.sentence, s.onset, s.end) for s in last.course.symptoms] == [
        (said(burst), micros(12), micros(60))
    ]


def test_a_volume_that_is_more_than_the_message_that_leads_it_is_told_beside_it() -> None:
    burst = replace(part(REFUSED, 82), volumes=("ERROR",))
    more = replace(ERRORS, observed=300)
    last = fold([symptom(30, more), symptom(35, burst), calm(200)])[-1]
    assert [s.sentence for s in last.course.symptoms] == [said(more), said(burst)]


def test_of_errors_that_accompany_the_most_is_told_and_not_the_first() -> None:
    warn = replace(part("volume is <num> full", share=0.7), level="WARN")
    full = [replace(FULL, share=0.3, observed=n) for n in (5, 40, 8)]
    windows = [trouble(30 + 5 * i, "api", warn, f, onset=20) for i, f in enumerate(full)]
    last = fold([*windows, calm(200)])[-1]
    errors = next(s for s in last.course.symptoms if s.severe)
    assert errors.sentence.startswith("ERROR 'disk full on <id>' 40 times")
    # They came with what leads, and no earlier.
    assert errors.onset == micros(20)
