"""Whether labels and a log are of the same time: labels of another log find nothing, and do not look wrong."""

from __future__ import annotations

from collections.abc import Sequence

from log_guard.app.rendering import moment
from log_guard.core.evaluation.evaluation import Incident
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
    lie = "1 incident lies" if gone == 1 else f"{gone} incidents lie"
    return f"{lie} outside of the log ({_said(log)}) and cannot be found"


def span_of(incidents: Sequence[Incident]) -> Span:
    """From the start of the first to the end of the last; there is at least one."""
    return min(i.start for i in incidents), max(i.end for i in incidents)


def _said(span: Span) -> str:
    start, end = (moment(round(time * SECOND)) for time in span)
    return f"{start} to {end} UTC"
