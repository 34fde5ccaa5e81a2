"""The alerts, and the records that they were written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from log_guard.app.audit.comparing import Comparison, Row

COMPARED = ("state", "service", "peak_score", "windows")


def alert_rows(run: str, stored: Callable[[], Iterable[Row]], oldest: int) -> Comparison:
    """By the numbers of the alerts, and no name.

    oldest:  when those were published (µs) that cannot have been dropped for their age.
    """

    def row_of(partition: int, offset: int, record: Row) -> tuple[Any, ...] | None:
        if record.get("kind") != "alert" or record.get("run", "") != run:
            return None
        try:
            told = (record["revision"], *(record[name] for name in COMPARED))
            return (int(record["id"]), "", *told, partition, offset, record["written"])
        except (KeyError, TypeError, ValueError):
            return None  # the writer has kept it as a dead letter

    return Comparison(
        COMPARED,
        "excluded.revision >= kept.revision",
        row_of,
        lambda: ((row["id"], {"": row}) for row in stored()),
        lambda number, _: f"alerts {number}",
        lambda _, record: record["written"] < oldest,
    )
