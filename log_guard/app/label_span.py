"""Whether labels and a log are of the same time: labels of another log find nothing, and do not look wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from log_guard.app.rendering import moment
from log_guard.core.evaluation.evaluation import SLOT, Incident, Labels
from log_guard.core.events import SECOND
from log_guard.errors import InputError

Span = tuple[float, float]
"""Start and end, seconds since 1970 UTC."""


def outside(events: str, log: Span, labelled: Span, incidents: Sequence[Incident]) -> str | None:
    """Say which incidents lie outside of a log; None if all lie in it, or if there is none.

    Raises InputError, with both spans, if the log has nothing in common with the labelled span.
    """
    if labelled[1] <= log[0] or labelled[0] > log[1]:
        raise InputError(
            f"{events}: its events are of {_said(log)}, but the labels of {_said(labelled)}: are they of this log? "
            "(times of labels are UTC unless they name a zone; --timezone is that of the log)"
        )
    gone = sum(i.end < log[0] or i.start > log[1] for i in incidents)
    if not gone:
        return None
    return f"{_lie(gone)} outside of the log ({_said(log)}) and cannot be found"


def check(events: str, log: Span, labels: Labels, history: str | None) -> None:
    """Raise InputError where labels leave nothing to judge in a log, or, without a history, nothing to learn from."""
    if labels.end - labels.test_start < SLOT:
        raise InputError(
            f"{labels.name}: from test_start to end it is less than {SLOT:g} s, in which nothing can be judged: use a "
            "later end"
        )
    outside(events, log, (labels.test_start, labels.end), ())
    if history is None and log[0] >= labels.test_start:  # it would learn from what it judges
        raise InputError(
            f"{events}: no event is before test_start ({_moment(labels.test_start)}) to learn from, the first is of "
            f"{_moment(log[0])}: use a later test_start, or --history EVENTS"
        )


def cut_to(log: Span, labels: Labels) -> Labels:
    """Labels of what can be judged, for where a log is silent before it begins or after it ends, no time is quiet.

    By whole slots from ``test_start``: what is in the log falls into the same slots as before.
    """
    first = max(math.floor((log[0] - labels.test_start) / SLOT), 0)
    last = math.ceil((log[1] - labels.test_start) / SLOT)
    start = labels.test_start + first * SLOT
    end = min(labels.end, labels.test_start + last * SLOT)
    kept = tuple(
        i
        for i in labels.incidents
        # what ended before still has its wake, in which nothing is false
        if i.end <= labels.test_start or (i.end > start and i.start < end)
    )
    return replace(labels, test_start=start, end=end, incidents=kept)


def cuts(log: Span, labels: Labels, cut: Labels) -> Iterator[str]:
    """Say what of the labels was cut off."""
    given, judged = ((one.test_start, one.end) for one in (labels, cut))
    if judged[0] > given[0] or (given[1] - given[0]) // SLOT > (judged[1] - given[0]) // SLOT:
        yield f"the labels are of {_said(given)}, the log of {_said(log)}: only {_said(judged)} is judged"
    before = sum(i.end <= given[0] for i in labels.incidents)
    if before:
        yield f"{_lie(before)} before test_start and {_not_counted(before)}"
    gone = len(labels.incidents) - len(cut.incidents)
    if gone:
        yield f"{_lie(gone)} outside of what is judged ({_said(judged)}) and {_not_counted(gone)}"
    if len(cut.incidents) == before:
        yield "there is no incident to find: only false alarms are counted"


def learnt_beyond(history: Span, labels: Labels) -> str | None:
    """Say that a history reaches into what is judged; None if it does not."""
    if history[1] <= labels.test_start or history[0] >= labels.end:
        return None
    return (
        f"the history ({_said(history)}) reaches beyond test_start ({_moment(labels.test_start)}): if it holds events of "
        "this log, it has learnt what is judged here"
    )


def span_of(incidents: Sequence[Incident]) -> Span:
    """From the start of the first to the end of the last; there is at least one."""
    return min(i.start for i in incidents), max(i.end for i in incidents)


def _lie(count: int) -> str:
    return "1 incident lies" if count == 1 else f"{count} incidents lie"


def _not_counted(count: int) -> str:
    return "is not counted" if count == 1 else "are not counted"


def _said(span: Span) -> str:
    return f"{_moment(span[0])} to {_moment(span[1])} UTC"


def _moment(time: float) -> str:
    return moment(round(time * SECOND))
