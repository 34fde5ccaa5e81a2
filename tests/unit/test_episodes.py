"""Windows become alerts: one for what belongs together, from its beginning to its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.episodes.episodes import Episodes
from log_guard.core.results import Result
from log_guard.core.windows import WHOLE_STREAM
from tests.streams import bounded, micros
from tests.troubles import (
    RULES,
    calm,
    fold,
    told,
    window,
)


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
