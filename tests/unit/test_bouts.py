"""What is over comes back as the same alert, and what comes late disturbs no alert."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.course import Course
from log_guard.core.episodes.episodes import Episodes
from log_guard.core.evaluation.outcomes import last_words
from log_guard.core.results import Alert, Part, Result
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw
from log_guard.core.windows import WHOLE_STREAM
from tests.streams import bounded, micros
from tests.troubles import (
    REFUSED,
    RULES,
    calm,
    fold,
    part,
    trouble,
    window,
)


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


def load(end: float, name: str | None, count: int = 60, *others: Part, **more: Any) -> Result:
    """A window that more of what is usual leads; ``seconds``: of so long a time."""
    lead = replace(part(name, count, **more), level="INFO")
    return trouble(end, "api", lead, *others)


def test_a_surge_is_not_made_worse_by_errors_of_another_day() -> None:
    surge = [load(30, "orders taken"), calm(200)]
    incident = [load(3_000, "orders taken"), trouble(3_020, "api", part(REFUSED), onset=3_010)]
    told = fold(surge, incident)
    # That there is more again is the same, and the errors are an alert of their own.
    assert [(a.id, a.state, a.evidence.parts[0].template) for a in told[2:4]] == [
        (1, "updated", "orders taken"),
        (2, "opened", REFUSED),
    ]
    # Where they come with it, nothing has come back.
    both = load(3_000, "orders taken", 60, part(REFUSED, share=0.3))
    assert [a.id for a in fold(surge, [both])] == [1, 1, 2, 2]
    # What had these errors before has them again.
    had = [load(30, "orders taken", 60, part(REFUSED, share=0.3)), calm(200)]
    assert {a.id for a in fold(had, incident)} == {1}


def test_a_volume_comes_back_only_with_one_of_its_messages() -> None:
    def more(end: float, *messages: str) -> Result:
        others = [replace(part(name, share=0.2), level="INFO") for name in messages]
        return load(end, None, 60, *others)

    surge = [more(30, "orders taken"), calm(200)]
    for messages, ids in (
        (("orders taken", "x"), {1}),
        ((), {1}),
        (("cache rebuilt",), {1, 2}),
    ):
        assert {a.id for a in fold(surge, [more(3_000, *messages)])} == ids


@pytest.mark.parametrize(
    ("later", "alerts"),
    [
        (load(230, "rows written", 300, seconds=300.0), 1),
        (load(700, "rows written", 300, seconds=300.0), 2),
        (load(230, "rows written"), 2),
        (load(230, "rows written", 9, kind="fading", seconds=300.0), 2),
        (trouble(230, "api", part(REFUSED)), 2),
    ],
    ids=["its stretch", "much later", "another window", "less of it", "errors"],
)
def test_one_doubling_is_one_alert_whichever_message_and_detector_tells_it(
    later: Result, alerts: int
) -> None:
    told = fold([load(30, "orders taken"), calm(120)], [later, calm(900)])
    assert len({a.id for a in told}) == alerts


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
