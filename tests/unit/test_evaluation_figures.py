"""The figures of a made-up set, held against two others: numbers that another program gave for the same
results (``GOLDEN``), and a second reading of the definitions, slower and plainer."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from log_guard.core.evaluation.evaluation import Incident, Labels, Verdict, evaluate

BEGIN = 1_767_225_600.0
HOURS = 6
SLOT = 30.0

# (found, false alarms, median delay) as configured and at 0.1, 0.5, 1 and 5 false alarms an hour; AP
GOLDEN: dict[int, tuple[list[tuple[int, int, float | None]], float]] = {
    1: ([(5, 17, 10.7), (0, 0, None), (2, 2, 7.6), (2, 4, 7.6), (6, 23, 15.6)], 0.5232),
    2: ([(12, 9, 17.0), (4, 0, 151.8), (12, 2, 29.9), (12, 4, 22.0), (12, 20, 14.0)], 0.7734),
    3: ([(9, 11, 11.8), (2, 0, 145.0), (6, 2, 145.0), (7, 4, 7.5), (12, 24, 10.8)], 0.5363),
}


def made_up(seed: int) -> tuple[Labels, list[Verdict]]:
    """A set with incidents of all lengths, ignored spans, and a detector that is right now and then."""
    random = Random(seed)
    end = BEGIN + HOURS * 3600
    starts = sorted(random.uniform(-600, HOURS * 3600 - 100) for _ in range(12))
    incidents = tuple(
        Incident(str(i), BEGIN + s, BEGIN + s + random.choice((1, 20, 90, 400)))
        for i, s in enumerate(starts)
    )
    ignore = tuple(
        (BEGIN + s, BEGIN + s + random.uniform(10, 900))
        for s in (random.uniform(0, HOURS * 3600) for _ in range(3))
    )
    labels = Labels("made up", BEGIN, end, incidents, ignore)
    verdicts = []
    for k in range(-10, HOURS * 720 + 10):
        at = BEGIN + 5 * k
        hot = any(i.start < at <= i.end + 40 for i in incidents)
        for _ in range(random.choice((0, 1, 1, 2))):
            # Scores of a grid: ties matter.
            score = min(int(random.betavariate(5 if hot else 1.2, 6) * 250) / 250, 1.0)
            verdicts.append(Verdict(at, score, score > 0.62))
    return labels, verdicts


@pytest.mark.parametrize("seed", GOLDEN)
def test_figures_are_those_of_another_program(seed: int) -> None:
    labels, verdicts = made_up(seed)
    done = evaluate(labels, verdicts)
    rows = [done.as_configured, *done.budgets.values()]
    measured = [(m.found, m.false_alarms, m.median_delay) for m in rows]
    assert (measured, done.average_precision) == GOLDEN[seed]


@pytest.mark.parametrize("seed", range(8))
def test_figures_are_those_of_the_definitions(seed: int) -> None:
    labels, verdicts = made_up(seed)
    done = evaluate(labels, verdicts)
    score, alarm, state = slots(labels, verdicts)
    assert done.quiet_hours == round(state.count("quiet") * SLOT / 3600, 2)
    assert done.as_configured.false_alarms == false_alarms(state, alarm)
    told = [delay(i, [v for v in verdicts if v.anomaly], labels) for i in labels.incidents]
    found = [d for d in told if d is not None]
    assert done.as_configured.found == len(found)
    assert done.as_configured.median_delay == round(float(np.median(found)), 1)
    assert done.as_configured.p90_delay == round(
        float(np.quantile(found, 0.9, method="inverted_cdf")), 1
    )
    judged = [k for k, s in enumerate(state) if s in ("quiet", "incident")]
    truth = np.array([state[k] == "incident" for k in judged])
    values = np.array([max(score[k], -1.0) for k in judged])
    assert done.average_precision == round(float(average_precision_score(truth, values)), 4)
    # Within a budget: no more false alarms than it allows, and as much found as at some threshold that does.
    for budget, measured in done.budgets.items():
        at = [
            (false_alarms(state, [s >= t for s in score]), t)
            for t in sorted(set(score) - {-math.inf})
        ]
        allowed = [t for false, t in at if false <= budget * done.quiet_hours]
        lowest = min(allowed, default=math.inf)
        best = [
            delay(i, [v for v in verdicts if v.score >= lowest], labels) for i in labels.incidents
        ]
        assert measured.found <= sum(d is not None for d in best)
        assert measured.false_alarms <= budget * done.quiet_hours


def slots(labels: Labels, verdicts: list[Verdict]) -> tuple[list[float], list[bool], list[str]]:
    """Score, verdict and truth of each slot, each asked of all there is."""
    score, alarm, state = [], [], []
    count = int((labels.end - labels.test_start) // SLOT)

    def slot_of(at: float) -> int:
        return math.floor((at - labels.test_start) / SLOT)

    def touches(k: int, start: float, end: float) -> bool:
        return int((start - BEGIN) // SLOT) <= k <= int((end - BEGIN) // SLOT)

    for k in range(count):
        mine = [v for v in verdicts if slot_of(v.end - 1e-6) == k]
        score.append(max((v.score for v in mine), default=-math.inf))
        alarm.append(any(v.anomaly for v in mine))
        # The first to claim a slot keeps it: an incident in another's wake is not counted there.
        what = "ignored" if any(touches(k, a, b) for a, b in labels.ignore) else "quiet"
        for i in labels.incidents:
            if i.end <= labels.test_start:
                continue
            if what in ("quiet", "ignored") and touches(k, i.start, i.end):
                what = "incident"
            elif what == "quiet" and touches(k, i.end + SLOT, i.end + 2 * SLOT):
                what = "wake"
        state.append(what)
    return score, alarm, state


def false_alarms(state: list[str], alarm: list[bool]) -> int:
    """Runs of alarmed quiet slots; one for every ten slots begun."""
    text = "".join("x" if s == "quiet" and a else " " for s, a in zip(state, alarm, strict=True))
    return sum(math.ceil(len(run) / 10) for run in text.split())


def delay(incident: Incident, alarmed: list[Verdict], labels: Labels) -> float | None:
    """Seconds from an incident's start to the first alarm that is its own."""
    if incident.end <= labels.test_start:
        return None
    mine = [
        v.end - incident.start
        for v in alarmed
        if max(incident.start, labels.test_start) < v.end <= incident.end + SLOT
        and v.end - 1e-6 >= labels.test_start
        and math.floor((v.end - 1e-6 - labels.test_start) / SLOT)
        < (labels.end - labels.test_start) // SLOT
    ]
    return min(mine, default=None)
