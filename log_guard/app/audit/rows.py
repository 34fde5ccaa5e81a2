"""The rows of windows, and the records that they were written from."""

from __future__ import annotations

from typing import Any

from log_guard.app.audit.comparing import Comparison, Row
from log_guard.app.times import microseconds

COUNTS = ("log_count", "error_count", "fatal_count", "warn_count", "info_count", "debug_count")
COMPARED = ("final", "is_anomaly", "anomaly_score", *COUNTS)


def window_rows() -> Comparison:
    """Of one revision, what is final stays."""
    later = "(excluded.revision, excluded.final) >= (kept.revision, kept.final)"
    return Comparison("anomaly_results", COMPARED, later, times=True)


def published_row(
    partition: int, offset: int, record: Row, run: str, start: int | None, end: int | None
) -> tuple[Any, ...] | None:
    """A record of ``anomaly-results`` as a row to be compared; None if it is none of the run and span."""
    if record.get("kind") != "result" or record.get("run", "") != run:
        return None
    try:
        at = microseconds(record["window_start"])
        row = (at, record["service"], record["revision"], *(record[name] for name in COMPARED))
    except (KeyError, TypeError, ValueError):
        return None  # the writer has kept it as a dead letter
    if (start is not None and at < start) or (end is not None and at >= end):
        return None
    return (*row, partition, offset)
