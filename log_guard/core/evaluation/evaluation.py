"""Verdicts against labelled incidents: what was found, what was false, how soon.

Time from ``test_start`` to ``end`` is cut into slots. A slot's score is the highest score, and its
verdict the OR of the verdicts, of the results whose window ends in it. A false alarm is a run of
alarmed slots that touch no incident nor its wake; a run counts once for every five minutes begun.
What was once said counts, whatever a later revision says.
"""

from __future__ import annotations

import bisect
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

QUIET, INCIDENT, TAIL, IGNORED = range(4)
SLOT = 30.0
"""Seconds."""
FALSE_ALARM_SECONDS = 300.0
BUDGETS = (0.1, 0.5, 1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Incident:
    """A labelled incident; seconds since 1970 UTC."""

    id: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Labels:
    """The truth; learn only from what lies before ``test_start``. Seconds since 1970 UTC."""

    name: str
    test_start: float
    end: float
    incidents: tuple[Incident, ...]
    ignore: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One published verdict: end of its window in seconds since 1970 UTC."""

    end: float
    score: float
    anomaly: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way of raising alarms found; delays in seconds."""

    found: int
    of: int
    false_alarms: int
    false_alarms_per_hour: float
    median_delay: float | None
    p90_delay: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one set of verdicts. ``budgets``: by allowed false alarms an hour."""

    name: str
    verdicts: int
    quiet_hours: float
    average_precision: float
    precision: float
    recall: float
    f1: float
    as_configured: Measured
    budgets: dict[float, Measured]


class _Slots:
    """The cut time: state, score and verdict of each slot, and the verdicts by time."""

    def __init__(self, labels: Labels, verdicts: Sequence[Verdict], slot: float) -> None:
        self.slot = slot
        self.start = labels.test_start
        self.count = int((labels.end - self.start) // slot)
        self.incidents = [i for i in labels.incidents if i.end > self.start]
        self.state = [QUIET] * self.count
        for begin, end in labels.ignore:
            self._mark(begin, end, IGNORED, (QUIET,))
        for incident in self.incidents:
            self._mark(incident.start, incident.end, INCIDENT, (QUIET, IGNORED))
            self._mark(incident.end + slot, incident.end + 2 * slot, TAIL, (QUIET,))
        self.score = [-math.inf] * self.count
        self.alarm = [False] * self.count
        self.verdicts: list[Verdict] = []
        for verdict in verdicts:
            k = int((verdict.end - 1e-6 - self.start) // slot)
            if 0 <= k < self.count:
                self.score[k] = max(self.score[k], verdict.score)
                self.alarm[k] |= verdict.anomaly
                self.verdicts.append(verdict)
        self.verdicts.sort(key=lambda v: (v.end, v.score, v.anomaly))
        self.ends = [v.end for v in self.verdicts]
        self.quiet = self.state.count(QUIET)
        self.hours = self.quiet * slot / 3600

    def _mark(self, start: float, end: float, what: int, over: tuple[int, ...]) -> None:
        first = max(0, int((start - self.start) // self.slot))
        last = min(self.count, int((end - self.start) // self.slot) + 1)
        for k in range(first, last):
            if self.state[k] in over:
                self.state[k] = what

    def measure(self, alarmed: Callable[[float, bool], bool]) -> Measured:
        """Count with ``alarmed(score, verdict)`` deciding what raises an alarm."""
        delays = [d for d in (self._delay(i, alarmed) for i in self.incidents) if d is not None]
        every = max(2, int(FALSE_ALARM_SECONDS // self.slot))
        false = run = 0
        for k in range(self.count):
            run = run + 1 if self.state[k] == QUIET and alarmed(self.score[k], self.alarm[k]) else 0
            false += run % every == 1
        per_hour = round(false / self.hours, 3) if self.hours else 0.0
        median = round(statistics.median(delays), 1) if delays else None
        of = len(self.incidents)
        return Measured(len(delays), of, false, per_hour, median, _nine_tenths(delays))

    def measure_at(self, threshold: float) -> Measured:
        """Count with an alarm wherever the score reaches the threshold."""
        return self.measure(lambda score, _: score >= threshold)

    def _delay(self, incident: Incident, alarmed: Callable[[float, bool], bool]) -> float | None:
        first = bisect.bisect_right(self.ends, max(incident.start, self.start))
        last = bisect.bisect_right(self.ends, incident.end + self.slot)
        for verdict in self.verdicts[first:last]:
            if alarmed(verdict.score, verdict.anomaly):
                return verdict.end - incident.start
        return None


def evaluate(labels: Labels, verdicts: Sequence[Verdict], slot: float = SLOT) -> Evaluation:
    """Measure verdicts against the truth; ``slot`` in seconds."""
    slots = _Slots(labels, verdicts, slot)
    precision, recall, f1 = _slot_rates(slots)
    return Evaluation(
        name=labels.name,
        verdicts=len(verdicts),
        quiet_hours=round(slots.hours, 2),
        average_precision=_average_precision(slots),
        precision=precision,
        recall=recall,
        f1=f1,
        as_configured=slots.measure(lambda _, verdict: verdict),
        budgets={budget: _best_within(slots, budget) for budget in BUDGETS},
    )


def found_within(
    labels: Labels, verdicts: Sequence[Verdict], budgets: Sequence[float], slot: float = SLOT
) -> dict[float, Measured]:
    """What is found at these allowed false alarms an hour: the points of a curve."""
    slots = _Slots(labels, verdicts, slot)
    return {budget: _best_within(slots, budget) for budget in budgets}


def _nine_tenths(delays: Sequence[float]) -> float | None:
    """The delay that nine in ten do not exceed: an observed one, none in between."""
    return round(sorted(delays)[math.ceil(0.9 * len(delays)) - 1], 1) if delays else None


def _best_within(slots: _Slots, budget: float) -> Measured:
    """Measure at the lowest threshold that keeps the budget (false alarms grow as it falls: bisect)."""
    candidates = sorted(set(slots.score) - {-math.inf}, reverse=True)
    low, high = 0, len(candidates)
    best = slots.measure(lambda _s, _v: False)
    while low < high:
        middle = (low + high) // 2
        measured = slots.measure_at(candidates[middle])
        if measured.false_alarms <= budget * slots.hours:
            best, low = measured, middle + 1
        else:
            high = middle
    return best


def _slot_rates(slots: _Slots) -> tuple[float, float, float]:
    """Precision, recall and F1 over slots, as configured."""
    pairs = [
        (s == INCIDENT, a)
        for s, a in zip(slots.state, slots.alarm, strict=True)
        if s in (QUIET, INCIDENT)
    ]
    hits = sum(truth and alarm for truth, alarm in pairs)
    precision = hits / max(sum(alarm for _, alarm in pairs), 1)
    recall = hits / max(sum(truth for truth, _ in pairs), 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def _average_precision(slots: _Slots) -> float:
    """Area under precision over recall, slots that touch an incident being positive; ties enter together."""
    ranked = sorted(
        (
            (score, state == INCIDENT)
            for score, state in zip(slots.score, slots.state, strict=True)
            if state in (QUIET, INCIDENT)
        ),
        reverse=True,
    )
    positives = sum(truth for _, truth in ranked)
    if not positives:
        return 0.0
    total, hits, i = 0.0, 0, 0
    while i < len(ranked):
        j = i
        while j < len(ranked) and ranked[j][0] == ranked[i][0]:
            j += 1
        group = sum(truth for _, truth in ranked[i:j])
        hits += group
        total += group / positives * hits / j
        i = j
    return round(total, 4)
