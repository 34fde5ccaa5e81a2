"""Windows become alerts: one for what belongs together, from its beginning to its end."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.course import Course
from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.evaluation.outcomes import last_words
from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Evidence, Part, Result
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw
from log_guard.core.windows import WHOLE_STREAM
from tests.streams import bounded, micros

RULES = EpisodeRules(quiet=60 * SECOND, together=60 * SECOND)


def window(
    end: float, service: str = "api", *, score: float = 0.9, anomaly: bool = True, width: float = 30
) -> Result:
    evidence = Evidence(f"{service} at {end:g}: {score}", (), (), (), {})
    return Result(
        window_start=micros(end - width),
        window_end=micros(end),
        service=service,
        revision=0,
        final=True,
        is_anomaly=anomaly,
        anomaly_score=score if anomaly else 0.1,
        features=np.zeros(30),
        evidence=evidence if anomaly else None,
    )


def calm(end: float, service: str = "api") -> Result:
    """A normal window, in which something was said."""
    return replace(window(end, service, anomaly=False), features=np.ones(30))


def fold(*batches: list[Result]) -> list[Alert]:
    episodes = Episodes(RULES)
    return [alert for batch in batches for alert in episodes.add(batch)] + episodes.finish()


def told(alerts: list[Alert]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(alert.id, alert.state, alert.services) for alert in alerts]


def test_overlapping_anomalous_windows_are_one_alert() -> None:
    alerts = fold([window(end) for end in range(30, 90, 5)] + [calm(200)])
    assert told(alerts) == [(1, "opened", ("api",)), (1, "resolved", ("api",))]
    resolved = alerts[-1]
    assert (resolved.start, resolved.end, resolved.opened) == (micros(0), micros(85), micros(30))
    assert resolved.windows == 12


def test_normal_windows_are_no_alert() -> None:
    assert fold([calm(end) for end in range(30, 90, 5)]) == []


def test_an_episode_lasts_through_a_lull_shorter_than_quiet() -> None:
    alerts = fold([window(30), calm(60), window(90), calm(151)])
    assert [(a.id, a.state) for a in alerts] == [(1, "opened"), (1, "resolved")]


def test_an_episode_is_over_after_quiet_and_the_next_is_another() -> None:
    alerts = fold([window(30), calm(90), calm(91), window(200)])
    assert [(a.id, a.state) for a in alerts] == [
        (1, "opened"),
        (1, "resolved"),
        (2, "opened"),
        (2, "resolved"),
    ]


def test_it_is_resolved_as_soon_as_it_has_been_quiet() -> None:
    episodes = Episodes(RULES)
    episodes.add([window(30)])
    assert episodes.add([calm(90)]) == []
    assert [a.state for a in episodes.add([calm(95)])] == ["resolved"]


def test_long_windows_that_touch_are_one_episode_though_their_ends_lie_apart() -> None:
    alerts = fold([window(end, width=300) for end in (300, 600, 900)])
    assert [(a.id, a.state) for a in alerts] == [(1, "opened"), (1, "resolved")]


def test_groups_that_fail_together_are_one_alert_the_first_cause_first() -> None:
    alerts = fold([window(30, "db"), window(35, "api"), window(40, "api"), window(40, "web")])
    assert told(alerts) == [
        (1, "opened", ("db",)),
        (1, "updated", ("db", "api")),
        (1, "updated", ("db", "api", "web")),
        (1, "resolved", ("db", "api", "web")),
    ]
    assert alerts[-1].service == "db"
    assert alerts[-1].evidence.sentence.startswith("db at 30")


def test_of_those_that_begin_at_once_the_worst_leads() -> None:
    alerts = fold([window(30, "api", score=0.7), window(30, "db", score=0.8)])
    assert alerts[-1].services == ("db", "api")


def test_the_whole_stream_leads_only_alone() -> None:
    alerts = fold([window(30, WHOLE_STREAM, score=0.99), window(35, "api")])
    assert told(alerts) == [
        (1, "opened", (WHOLE_STREAM,)),
        (1, "updated", ("api", WHOLE_STREAM)),
        (1, "resolved", ("api", WHOLE_STREAM)),
    ]


def test_that_the_whole_stream_is_anomalous_too_is_no_news() -> None:
    alerts = fold([window(30, "api"), window(30, WHOLE_STREAM), window(35, WHOLE_STREAM)])
    assert [a.state for a in alerts] == ["opened", "resolved"]


def test_a_group_whose_trouble_begins_much_later_is_another_alert() -> None:
    failing = [window(end, "api") for end in range(30, 300, 5)]
    alerts = fold([*failing, *(window(end, "db") for end in range(150, 300, 5))])
    assert [(a.id, a.state, a.services) for a in alerts[:2]] == [
        (1, "opened", ("api",)),
        (2, "opened", ("db",)),
    ]


@pytest.mark.parametrize(("onset", "alerts"), [(90, 1), (95, 2)])
def test_trouble_joins_what_began_within_a_minute_of_it(onset: float, alerts: int) -> None:
    failing = [window(end, "api") for end in range(30, 120, 5)]
    assert len({a.id for a in fold([*failing, window(onset, "db")])}) == alerts


def test_the_evidence_is_that_of_the_worst_window_and_the_peak_its_score() -> None:
    alerts = fold([window(30, score=0.6), window(35, score=0.95), window(40, score=0.7)])
    assert alerts[0].evidence.sentence == "api at 30: 0.6"
    assert alerts[-1].evidence.sentence == "api at 35: 0.95"
    assert alerts[-1].peak_score == 0.95


def test_a_window_said_again_is_counted_once() -> None:
    alerts = fold([window(30)], [window(30), window(35)], [window(35), window(40)])
    assert alerts[-1].windows == 3


def test_a_revision_can_show_that_it_began_earlier() -> None:
    alerts = fold([window(60, "api"), window(65, "db")], [window(55, "db")])
    assert alerts[-1].start == micros(25)
    assert alerts[-1].services == ("db", "api")


def test_the_end_of_the_stream_resolves_what_is_open() -> None:
    episodes = Episodes(RULES, first_id=7)
    episodes.add([window(30)])
    assert [(a.id, a.state) for a in episodes.finish()] == [(7, "resolved")]
    assert episodes.finish() == []


RESULTS = st.lists(
    st.builds(
        window,
        st.integers(6, 120).map(lambda n: n * 5),
        st.sampled_from(("api", "db", WHOLE_STREAM)),
        score=st.sampled_from((0.6, 0.9)),
        anomaly=st.booleans(),
    ),
    max_size=40,
    unique_by=lambda r: (r.window_end, r.service),
)


@bounded(100)
@given(RESULTS)
def test_every_alert_is_opened_once_and_resolved_once_in_this_order(results: list[Result]) -> None:
    alerts = fold(results)
    for number in {a.id for a in alerts}:
        states = [a.state for a in alerts if a.id == number]
        assert states[0] == "opened"
        assert states[-1] == "resolved"
        assert set(states[1:-1]) <= {"updated"}
    anomalous = [r for r in results if r.is_anomaly]
    closed = [a for a in alerts if a.state == "resolved"]
    assert sum(a.windows for a in closed) == len(anomalous)
    for result in anomalous:
        assert any(
            result.service in a.services
            and a.start <= result.window_start
            and result.window_end <= a.end
            for a in closed
        )


@bounded(60)
@given(RESULTS, st.integers(1, 10))
def test_alerts_do_not_depend_on_how_results_in_order_are_cut(
    results: list[Result], size: int
) -> None:
    ordered = sorted(results, key=lambda r: (r.window_end, r.service == WHOLE_STREAM, r.service))
    parts = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    assert fold(*parts) == fold(ordered)


def test_a_straggler_of_an_episode_that_is_over_is_no_second_alert() -> None:
    alerts = fold([window(30), calm(200)], [window(60)], [calm(300)])
    assert told(alerts) == [(1, "opened", ("api",)), (1, "resolved", ("api",))]


def test_new_trouble_of_the_same_service_is_a_new_alert_soon_after() -> None:
    alerts = fold([window(30), calm(200)], [window(210)])
    assert [(a.id, a.state) for a in alerts][2] == (2, "opened")


def part(
    template: str | None, observed: int = 5, kind: str = "surging", share: float = 1.0
) -> Part:
    return Part(kind, "ERROR", template, observed, 0.0, 0, 0, 9.0, share)


def trouble(
    end: float,
    service: str = "api",
    *parts: Part,
    score: float = 0.9,
    onset: float | None = None,
) -> Result:
    plain = window(end, service, score=score)
    at = None if onset is None else micros(onset)
    evidence = Evidence(f"{service} in trouble", parts, (), (), {}, onset=at)
    return replace(plain, evidence=evidence)


REFUSED = "db <num> refused the connection"


def test_what_comes_back_for_the_same_cause_is_the_same_alert() -> None:
    alerts = fold(
        [trouble(30, "api", part(REFUSED))],
        [calm(200), trouble(230, "api", part(REFUSED), part("other", share=0.2))],
        [calm(400), trouble(8000, "api", part("db <id> refused the connection"))],
    )
    assert [(a.id, a.state, len(a.course.bouts)) for a in alerts] == [
        (1, "opened", 1),
        (1, "resolved", 1),
        (1, "updated", 2),
        (1, "resolved", 2),
        (1, "updated", 3),
        (1, "resolved", 3),
    ]
    assert alerts[2].course.joined == ("api",)
    last = alerts[-1]
    assert (last.start, last.end, last.opened) == (micros(0), micros(8000), micros(30))
    assert [b.start for b in last.course.bouts] == [micros(0), micros(200), micros(7970)]


@pytest.mark.parametrize(
    "other",
    [
        trouble(230, "api", part("disk <num> failed")),
        trouble(230, "db", part(REFUSED)),
        trouble(230, "api", part(REFUSED, 0, "silent")),
        trouble(30 + 4 * 3600 + 35, "api", part(REFUSED)),
    ],
    ids=["another message", "another service", "too little of it", "much later"],
)
def test_what_has_another_cause_or_comes_much_later_is_another_alert(other: Result) -> None:
    alerts = fold([trouble(30, "api", part(REFUSED))], [calm(200), other])
    assert [a.state for a in alerts] == ["opened", "resolved", "opened", "resolved"]


def test_measured_it_is_as_many_alerts_as_it_was_on() -> None:
    alerts = fold(
        [trouble(30, "api", part(REFUSED)), calm(200), trouble(230, "api", part(REFUSED))]
    )
    assert [(a.id, a.start, a.end, a.opened) for a in last_words(alerts)] == [
        (1, micros(0), micros(30), micros(30)),
        (1, micros(200), micros(230), micros(230)),
    ]


def test_a_straggler_of_an_earlier_bout_is_unheard() -> None:
    results = [trouble(30, "api", part(REFUSED)), calm(200), trouble(230, "api", part(REFUSED))]
    assert len(fold(results, [calm(400)], [trouble(50, "api", part(REFUSED))])) == 4


def test_a_straggler_just_before_a_bout_that_is_over_is_unheard() -> None:
    told = fold(
        [trouble(end, "api", part(REFUSED)) for end in range(90, 145, 5)],
        [calm(250)],
        [trouble(end, "api", part(REFUSED)) for end in (35, 40)],
        [calm(300)],
    )
    assert [(a.state, a.start, a.end) for a in told] == [
        ("opened", micros(60), micros(90)),
        ("resolved", micros(60), micros(140)),
    ]


def test_late_trouble_long_before_a_bout_is_no_later_bout() -> None:
    """What lies before an alert that is over, or before its bouts, cannot be its coming back."""
    early = trouble(630, "api", part(REFUSED))
    bout = [trouble(900, "api", part(REFUSED)), calm(1000)]
    told = fold(bout, [early], [calm(1100)])
    assert [(a.id, a.start, a.end) for a in last_words(told)] == [
        (1, micros(870), micros(900)),
        (2, micros(600), micros(630)),
    ]
    again = [trouble(1100, "api", part(REFUSED))]
    assert [(a.id, a.start, a.end) for a in last_words(fold(bout, again, [early]))] == [
        (1, micros(870), micros(900)),
        (1, micros(1070), micros(1100)),
        (2, micros(600), micros(630)),
    ]


def test_another_service_in_trouble_long_before_is_no_part_of_what_is_open() -> None:
    told = fold([window(900, "api")], [window(630, "db"), window(630, WHOLE_STREAM)])
    spans = {(a.services, a.start, a.end) for a in told if a.state == "resolved"}
    assert spans == {
        (("api",), micros(870), micros(900)),
        (("db", WHOLE_STREAM), micros(600), micros(630)),
    }


LATE = st.lists(
    st.builds(
        lambda end, service, cause, after, anomaly: (
            trouble(end, service, part(cause), onset=end - 30 + after) if anomaly else calm(end)
        ),
        st.integers(6, 240).map(lambda n: n * 5),
        st.sampled_from(("api", "db", WHOLE_STREAM)),
        st.sampled_from((REFUSED, "timeout")),
        st.sampled_from((0, 15, 25)),
        st.sampled_from((True, True, False)),
    ),
    max_size=40,
)


@bounded(200)
@given(LATE, st.integers(1, 8))
def test_whatever_comes_late_an_alert_runs_from_its_start_to_its_end(
    results: list[Result], size: int
) -> None:
    """Windows in any order are those that late events have revised."""
    before: dict[int, Alert] = {}
    for alert in fold(*(results[i : i + size] for i in range(0, len(results), size))):
        bouts, onset = alert.course.bouts, alert.course.onset
        assert onset is not None
        assert alert.start <= onset <= alert.end
        assert (alert.start, alert.end) == (bouts[0].start, bouts[-1].end)
        assert all(b.start < b.opened <= b.end for b in bouts)
        assert all(b.end <= later.start for b, later in pairwise(bouts))
        for symptom in alert.course.symptoms:
            assert bouts[-1].start <= symptom.onset < symptom.end <= alert.end
        was = before.get(alert.id, alert)
        assert alert.start <= was.start
        assert alert.end >= was.end
        assert bouts[: len(was.course.bouts) - 1] == was.course.bouts[:-1]
        before[alert.id] = alert


def test_an_update_says_who_joined_and_an_end_how_much_it_was() -> None:
    alerts = fold(
        [trouble(30, "db", part(REFUSED, 4), score=0.6), trouble(35, "api", part("timeout", 3))],
        [trouble(40, "db", part(REFUSED, 90)), trouble(45, "db", part(REFUSED, 20), score=0.7)],
    )
    opened, joined, grown, resolved = alerts
    assert (opened.course.count, opened.course.joined, opened.course.others) == (4, (), ())
    assert joined.course.joined == ("api",)
    assert [(o.service, o.sentence) for o in joined.course.others] == [("api", "api in trouble")]
    assert (grown.state, grown.course.count, grown.course.joined) == ("updated", 90, ())
    assert (resolved.course.count, resolved.course.peak) == (20, 90)


def test_the_first_cause_is_the_service_whose_lines_began_first() -> None:
    alerts = fold(
        [trouble(30, "api", part("timeout"), onset=25), trouble(35, "db", part("x"), onset=20)]
    )
    assert alerts[-1].services == ("db", "api")
    assert alerts[-1].course.onset == micros(20)
    assert (alerts[-1].start, alerts[-1].course.others[0].onset) == (micros(0), micros(25))


def test_what_was_told_comes_back_from_json() -> None:
    course = fold([trouble(30, "db", part(REFUSED)), trouble(35, "api", part("x"))])[-1].course
    assert Course.of(json.loads(json.dumps(course.as_dict()))) == course
    assert Course.of(None) == Course()


def test_a_restored_state_knows_what_is_over_and_opens_it_again() -> None:
    before = [trouble(30, "db", part(REFUSED, 4)), trouble(35, "api", part("x")), calm(200)]
    after = [trouble(3000, "api", part("x")), trouble(3005, "db", part(REFUSED, 90)), calm(3100)]
    one = Episodes(RULES)
    one.add(before)
    other = thaw(freeze(one, KINDS), KINDS)
    told = one.add(after)
    assert [(a.id, a.state, len(a.course.bouts)) for a in told] == [
        (1, "updated", 2),
        (1, "updated", 2),
        (1, "resolved", 2),
    ]
    assert other.add(after) == told


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("log_guard.core.episodes.episodes.MAX_PAST_GROUPS", 4)
    episodes = Episodes(RULES)
    for n in range(3):
        at = 30 + 200 * n
        episodes.add([trouble(at, f"{name}{n}", part(REFUSED)) for name in ("a", "b")])
        episodes.add([calm(at + 100)])
    assert [a.id for a in episodes.add([trouble(700, "a2", part(REFUSED))])] == [3]
    episodes.add([calm(800)])
    assert [a.id for a in episodes.add([trouble(900, "a1", part(REFUSED))])] == [2]
    episodes.add([calm(1000)])
    assert [a.id for a in episodes.add([trouble(1100, "a0", part(REFUSED))])] == [4]


def symptom(
    end: float, part: Part, *, score: float = 0.9, onset: float | None = None, service: str = "api"
) -> Result:
    """A window that this part leads, with a sentence of its own."""
    plain = trouble(end, service, part, score=score, onset=onset)
    assert plain.evidence is not None
    return replace(plain, evidence=replace(plain.evidence, sentence=_said(part)))


def _said(part: Part) -> str:
    return f"{part.kind} {part.level} {part.template}"


SLOW = Part("fading", "INFO", "cache hit", 51, 70.0, 55, 101, 9.0, 1.0)
NOTHING = Part("silent", None, None, 0, 150.0, 125, 229, 99.0, 1.0)
FULL = part("disk full on <id>", kind="new")


def news(alert: Alert) -> list[str]:
    return [s.sentence for s in alert.course.symptoms if not s.told]


def test_an_open_weak_alert_does_not_hide_what_comes_next() -> None:
    alerts = fold(
        [symptom(30, SLOW, score=0.95), symptom(45, FULL, score=0.6, onset=42)],
        [symptom(50, FULL, score=0.7, onset=42), symptom(100, NOTHING, score=0.8)],
        [symptom(105, NOTHING, score=0.9)],
    )
    assert [(a.id, a.state, news(a)) for a in alerts] == [
        (1, "opened", []),
        (1, "updated", [_said(FULL)]),
        (1, "updated", [_said(NOTHING)]),
        (1, "resolved", []),
    ]
    assert [(s.sentence, s.onset, s.end, s.severe, s.told) for s in alerts[-1].course.symptoms] == [
        (_said(SLOW), micros(0), micros(30), False, True),
        (_said(FULL), micros(42), micros(50), True, True),
        (_said(NOTHING), micros(70), micros(105), True, True),
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
    assert [(a.id, news(a)) for a in told] == [(1, []), (1, [_said(done)]), (1, [])]


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
        (_said(FULL), micros(0), micros(30)),
        (_said(NOTHING), micros(30), micros(90)),
    ]


def test_too_little_of_one_message_after_another_is_one_symptom() -> None:
    rows = replace(SLOW, template="wrote <num> rows")
    told = fold([symptom(30, SLOW), symptom(35, rows), symptom(40, SLOW)])
    assert [a.state for a in told] == ["opened", "resolved"]


def test_many_new_messages_are_one_symptom_whichever_is_named() -> None:
    many = [replace(part(text), level="INFO", messages=40) for text in ("configure a", "unpack b")]
    told = fold([symptom(30, many[0], score=0.6), symptom(45, many[1])])
    assert [s.sentence for s in told[-1].course.symptoms] == [_said(many[1])]
    severe = [replace(one, level="ERROR") for one in many]
    told = fold([symptom(30, severe[0]), symptom(45, severe[1])])
    assert len(told[-1].course.symptoms) == 2


def test_of_what_is_not_severe_only_a_few_are_told_but_errors_always() -> None:
    calm_ones = [replace(part(f"{word} done"), level="INFO") for word in "abcdefgh"]
    windows = [symptom(30 + 5 * n, one) for n, one in enumerate(calm_ones)]
    told = fold([*windows, symptom(70, FULL)])
    assert [news(a)[0] for a in told if a.state == "updated"] == [
        *map(_said, calm_ones[1:5]),
        _said(FULL),
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
        ("updated", [_said(NOTHING)]),
        ("resolved", []),
    ]
    assert [s.sentence for s in told[-1].course.symptoms] == [_said(FULL), _said(NOTHING)]


def test_what_was_told_of_symptoms_is_part_of_the_state() -> None:
    one = Episodes(RULES)
    one.add([symptom(30, SLOW), symptom(35, FULL)])
    other = thaw(freeze(one, KINDS), KINDS)
    after = [symptom(40, FULL), symptom(45, part("timeout")), calm(200)]
    told = one.add(after)
    assert [news(a) for a in told] == [[_said(part("timeout"))], []]
    assert other.add(after) == told
    course = told[0].course
    assert Course.of(json.loads(json.dumps(course.as_dict()))) == course


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
    assert [s.still for s in course.symptoms if s.sentence == _said(NOTHING)] == [still]
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
        (_said(burst), micros(12), micros(60))
    ]


def test_a_volume_that_is_more_than_the_message_that_leads_it_is_told_beside_it() -> None:
    burst = replace(part(REFUSED, 82), volumes=("ERROR",))
    more = replace(ERRORS, observed=300)
    last = fold([symptom(30, more), symptom(35, burst), calm(200)])[-1]
    assert [s.sentence for s in last.course.symptoms] == [_said(more), _said(burst)]


def test_of_errors_that_accompany_the_most_is_told_and_not_the_first() -> None:
    warn = replace(part("volume is <num> full", share=0.7), level="WARN")
    full = [replace(FULL, share=0.3, observed=n) for n in (5, 40, 8)]
    windows = [trouble(30 + 5 * i, "api", warn, f, onset=20) for i, f in enumerate(full)]
    last = fold([*windows, calm(200)])[-1]
    errors = next(s for s in last.course.symptoms if s.severe)
    assert errors.sentence.startswith("ERROR 'disk full on <id>' 40 times")
    # They came with what leads, and no earlier.
    assert errors.onset == micros(20)
