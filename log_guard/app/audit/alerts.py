"""The alerts of the database against the records that they were written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from log_guard.adapters.scratch import Scratch
from log_guard.app.audit.findings import Finding
from log_guard.app.audit.rows import Oldest, Row, compare, side_by_side

ALERT_COMPARED = ("state", "service", "peak_score", "windows")
_COLUMNS = ("revision", *ALERT_COMPARED, "partition", "offset_")


def published_alerts() -> Scratch:
    """A table for the latest record of each alert, as the store would keep it."""
    merge = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
    return Scratch(_COLUMNS, f"{merge} WHERE excluded.revision >= kept.revision")


def published_alert(partition: int, offset: int, record: Row, run: str) -> tuple[Any, ...] | None:
    """A record of ``anomaly-results`` as a row for that table; None if it is no alert of the run."""
    if record.get("kind") != "alert" or record.get("run", "") != run:
        return None
    try:
        told = (record["revision"], *(record[name] for name in ALERT_COMPARED))
        return (int(record["id"]), "", *told, partition, offset)
    except (KeyError, TypeError, ValueError):
        return None  # the writer has kept it as a dead letter


def check_alerts(
    published: Iterator[tuple[int, Mapping[str, Row]]],
    stored: Iterable[Row],
    read_to: Mapping[int, int],
    oldest: Oldest,
    beyond: Callable[[int], bool],
) -> Iterator[Finding]:
    """Findings on each alert; arguments as those of ``check_rows``, by id in place of the time."""
    rows = ((row["id"], {"": row}) for row in stored)
    for number, records, rows_ in side_by_side(published, rows):
        record, row = records.get(""), rows_.get("")
        if record is not None or not oldest.excuses(row):
            yield from compare(f"alerts {number}", record, row, read_to, beyond, ALERT_COMPARED)
