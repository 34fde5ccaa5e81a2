"""The rows of windows, and the records that they were written from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from log_guard.app.audit.comparing import ByTime, Comparison, Row
from log_guard.app.times import microseconds
from log_guard.core.iso import iso

COUNTS = ("log_count", "error_count", "fatal_count", "warn_count", "info_count", "debug_count")
COMPARED = ("final", "is_anomaly", "anomaly_score", *COUNTS)


def window_rows(
    run: str, start: int | None, end: int | None, stored: Callable[[], ByTime], oldest: int
) -> Comparison:
    """Of windows that start in ``[start, end)``. Of one revision, what is final stays.

    oldest:  start of those (µs) that cannot have been dropped for their age.
    """

    def row_of(partition: int, offset: int, record: Row) -> tuple[Any, ...] | None:
        if record.get("kind") != "result" or record.get("run", "") != run:
            return None
        try:
            at = microseconds(record["window_start"])
            row = (at, record["service"], record["revision"], *(record[name] for name in COMPARED))
        except (KeyError, TypeError, ValueError):
            return None  # the writer has kept it as a dead letter
        if (start is not None and at < start) or (end is not None and at >= end):
            return None
        return (*row, partition, offset, record["written"])

    later = "(excluded.revision, excluded.final) >= (kept.revision, kept.final)"
    return Comparison(COMPARED, later, row_of, stored, where_of, lambda at, _: at < oldest)


def where_of(start: int, service: str) -> str:
    """Name a row."""
    return f"anomaly_results {iso(start)} {service}"
