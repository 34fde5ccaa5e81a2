"""Alerts held against the truth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from log_guard.core.evaluation.evaluation import Incident, Labels
from log_guard.core.evaluation.outcomes import last_words, outcome_of, promise
from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Evidence, Part

LABELS = Labels(
    "by hand",
    0.0,
    10_000.0,
    (Incident("a", 1_000.0, 1_100.0), Incident("b", 2_000.0, 2_100.0)),
    ((5_000.0, 5_100.0),),
)


def alert(number: int, start: float, end: float, template: str = "t") -> Alert:
    part = Part("new", "ERROR", template, 1, 0.0, 0, 0, 10.0, 1.0)
    evidence = Evidence("a sentence", (part,), (), (), {})
    begin, stop = round(start * SECOND), round(end * SECOND)
    return Alert(number, "resolved", begin, stop, ("api",), 0.9, 1, evidence, "api", stop)


def test_alerts_are_told_apart_by_what_they_touch() -> None:
    alerts = [
        alert(1, 990, 1_005),
        alert(2, 1_090, 1_120, "u"),
        alert(3, 2_129, 2_140),  # up to half a minute after the end
        alert(4, 2_150, 2_180),  # in the wake
        alert(5, 5_050, 5_200),  # ignored
        alert(6, 7_000, 7_030),
    ]
    done = outcome_of(alerts, LABELS)
    assert (done.alerts, done.real, done.false) == (6, 3, 1)
    assert done.per_incident == 1.5
    first, second = done.templates
    assert (first.template, first.alerts, first.real, first.false) == ("t", 5, 2, 1)
    assert first.precision == pytest.approx(2 / 3)
    assert (second.template, second.precision) == ("u", 1.0)


def test_incidents_of_one_id_are_two() -> None:
    one, other = (replace(i, id="same") for i in LABELS.incidents)
    alerts = [alert(1, 1_000, 1_010), alert(2, 2_000, 2_010)]
    assert outcome_of(alerts, replace(LABELS, incidents=(one, other))).per_incident == 1.0


def test_without_alerts_nothing_is_claimed() -> None:
    done = outcome_of([], LABELS)
    assert (done.alerts, done.per_incident, done.templates) == (0, 0.0, ())


def test_an_alert_counts_as_it_was_told_of_last() -> None:
    assert last_words([alert(1, 0, 10), alert(2, 5, 15), alert(1, 0, 90)]) == [
        alert(1, 0, 90),
        alert(2, 5, 15),
    ]


@pytest.mark.parametrize(
    ("expected", "most"),
    # The 95 % point of a Poisson distribution, from tables.
    [(0.0, 0), (0.05, 0), (0.1, 1), (1.0, 3), (2.0, 5), (5.0, 9), (10.0, 15)],
)
def test_a_promise_allows_for_chance_and_no_more(expected: float, most: int) -> None:
    assert promise(most, expected, 24.0).most == most
    assert promise(most, expected, 24.0).kept
    assert not promise(most + 1, expected, 24.0).kept
