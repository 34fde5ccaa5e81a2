"""The alerts, and the records that they were written from."""

from __future__ import annotations

from typing import Any

from log_guard.app.audit.comparing import Comparison, Row

COMPARED = ("state", "service", "peak_score", "windows")


def alert_rows() -> Comparison:
    """By the numbers of the alerts, and no name."""
    return Comparison("alerts", COMPARED, "excluded.revision >= kept.revision", times=False)


def published_alert(partition: int, offset: int, record: Row, run: str) -> tuple[Any, ...] | None:
    """A record of ``anomaly-results`` as a row to be compared; None if it is no alert of the run."""
    if record.get("kind") != "alert" or record.get("run", "") != run:
        return None
    try:
        told = (record["revision"], *(record[name] for name in COMPARED))
        return (int(record["id"]), "", *told, partition, offset)
    except (KeyError, TypeError, ValueError):
        return None  # the writer has kept it as a dead letter
