"""Evaluation: the figures of an example small enough to count by hand."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.evaluation.evaluation import (
    BUDGETS,
    Evaluation,
    Incident,
    Labels,
    Measured,
    Verdict,
    evaluate,
)
from tests.streams import bounded

BEGIN = 1_767_225_600.0
# 40 slots of 30 s: 4 + 2 touch an incident, 2 + 2 lie in its wake, 2 are ignored, 28 are quiet.
LABELS = Labels(
    name="by hand",
    test_start=BEGIN,
    end=BEGIN + 1200,
    incidents=(
        Incident("before", BEGIN - 500, BEGIN - 100),
        Incident("a", BEGIN + 300, BEGIN + 390),
        Incident("b", BEGIN + 900, BEGIN + 930),
    ),
    ignore=((BEGIN + 600, BEGIN + 650),),
)
QUIET_HOURS = 28 * 30 / 3600


def verdict(end: float, score: float, *, anomaly: bool = True) -> Verdict:
    return Verdict(BEGIN + end, score, anomaly)


VERDICTS = [
    verdict(60, 0.9),  # a false alarm
    verdict(330, 0.8),  # finds a, 30 s after its start
    verdict(345, 0.95),
    verdict(440, 0.99),  # in the wake of a
    verdict(620, 0.99),  # ignored
    verdict(930, 0.4, anomaly=False),
    verdict(960, 0.7, anomaly=False),
    verdict(1300, 1.0),  # after the end
]


def figures() -> Evaluation:
    return evaluate(LABELS, VERDICTS)


def test_what_was_found_as_configured() -> None:
    rate = round(1 / QUIET_HOURS, 3)
    assert figures().as_configured == Measured(1, 2, 1, rate, 30.0, 30.0)
    assert figures().quiet_hours == round(QUIET_HOURS, 2)
    assert figures().verdicts == len(VERDICTS)


def test_precision_and_recall_of_slots() -> None:
    assert figures().precision == 2 / 3
    assert figures().recall == 2 / 6
    assert figures().f1 == pytest.approx(4 / 9)


def test_average_precision() -> None:
    # By falling score: hit, miss, hit, hit, hit; then the 29 slots without any, 2 of them hits.
    hits = (1 + 2 / 3 + 3 / 4 + 4 / 5) / 6
    assert figures().average_precision == round(hits + 2 / 6 * 6 / 34, 4)


def test_what_is_found_within_a_budget_of_false_alarms() -> None:
    assert set(figures().budgets) == set(BUDGETS)
    assert figures().budgets[0.1] == Measured(1, 2, 0, 0.0, 45.0, 45.0)  # threshold 0.95
    assert figures().budgets[5.0] == Measured(2, 2, 1, round(1 / QUIET_HOURS, 3), 30.0, 30.0)  # 0.4


def test_a_long_false_alarm_counts_once_for_every_five_minutes_begun() -> None:
    def alarms(slots: range) -> int:
        quiet = Labels("quiet", BEGIN, BEGIN + 3600, (), ())
        verdicts = [verdict(30 * (k + 1), 0.9) for k in slots]
        return evaluate(quiet, verdicts).as_configured.false_alarms

    assert [alarms(range(n)) for n in (0, 1, 10, 11, 20, 21)] == [0, 1, 1, 2, 2, 3]
    assert alarms(range(0, 9, 2)) == 5


def test_an_incident_is_found_until_a_slot_after_its_end() -> None:
    def found(end: float) -> int:
        return evaluate(LABELS, [verdict(end, 0.9)]).as_configured.found

    assert [found(end) for end in (300, 300.1, 420, 420.1)] == [0, 1, 1, 0]


def test_what_was_once_said_counts_whatever_was_said_later() -> None:
    taken_back = [*VERDICTS, verdict(60, 0.1, anomaly=False)]
    assert evaluate(LABELS, taken_back).as_configured == figures().as_configured


def test_without_incidents_there_is_nothing_to_find() -> None:
    none = Labels("none", BEGIN, BEGIN + 600, (), ())
    result = evaluate(none, [verdict(60, 0.9)])
    assert (result.average_precision, result.recall) == (0, 0)
    assert result.as_configured == Measured(0, 0, 1, 6.0, None, None)


def test_without_quiet_time_there_are_no_false_alarms() -> None:
    busy = Labels("busy", BEGIN, BEGIN + 600, (Incident("a", BEGIN, BEGIN + 600),), ())
    measured = evaluate(busy, [verdict(60, 0.9)]).as_configured
    assert (measured.found, measured.false_alarms, measured.false_alarms_per_hour) == (1, 0, 0)


MANY = st.lists(
    st.builds(
        verdict,
        st.floats(-50, 1250),
        st.sampled_from((0.2, 0.4, 0.6, 0.8)),
        anomaly=st.booleans(),
    ),
    max_size=60,
)


@bounded(60)
@given(MANY, st.randoms(use_true_random=False))
def test_the_order_of_the_verdicts_does_not_matter(verdicts: list[Verdict], random: Random) -> None:
    shuffled = list(verdicts)
    random.shuffle(shuffled)
    assert evaluate(LABELS, shuffled) == evaluate(LABELS, verdicts)


@bounded(60)
@given(MANY)
def test_a_larger_budget_finds_no_less(verdicts: list[Verdict]) -> None:
    budgets = evaluate(LABELS, verdicts).budgets
    found = [budgets[budget].found for budget in BUDGETS]
    assert found == sorted(found)
    for budget, measured in budgets.items():
        assert measured.false_alarms <= budget * QUIET_HOURS
