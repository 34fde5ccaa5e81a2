"""The rows of the database against the records that they were written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from log_guard.adapters.scratch import Scratch
from log_guard.app.audit.findings import IN_FLIGHT, MISSING, WRONG, Finding
from log_guard.app.times import microseconds
from log_guard.core.iso import iso

Row = Mapping[str, Any]
ByTime = Iterator[tuple[int, Mapping[str, Row]]]
"""Start of a window (µs), ascending, and its rows by service."""

COUNTS = ("log_count", "error_count", "fatal_count", "warn_count", "info_count", "debug_count")
COMPARED = ("final", "is_anomaly", "anomaly_score", *COUNTS)
_COLUMNS = ("revision", *COMPARED, "partition", "offset_")


def published_rows() -> Scratch:
    """A table for the latest record of each window, as the store would keep it."""
    merge = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
    later = "(excluded.revision, excluded.final) >= (kept.revision, kept.final)"
    return Scratch(_COLUMNS, f"{merge} WHERE {later}")


def published_row(
    partition: int, offset: int, record: Row, run: str, start: int | None, end: int | None
) -> tuple[Any, ...] | None:
    """A record of ``anomaly-results`` as a row for that table; None if it is none of the run and span."""
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


class Oldest:
    """From which revision on the topic holds all records; older ones may have been deleted.

    Records of a partition come by revision, so all of it that is newer than its first record is there.

    low:  partition → first offset that the topic still holds.
    """

    def __init__(self, low: Mapping[int, int]) -> None:
        self._begun = {partition for partition, offset in low.items() if offset > 0}
        self._first: dict[int, int] = {}
        self.beyond = 0
        """Rows whose records are gone."""

    def see(self, partition: int, record: Row, run: str) -> None:
        """Hear of a record that is there."""
        revision = record.get("revision", record.get("summary_offset"))
        if partition in self._begun and record.get("run") == run and isinstance(revision, int):
            self._first[partition] = min(self._first.get(partition, revision), revision)

    def excuses(self, row: Row | None) -> bool:
        """Whether a row may lack its record, which counts it."""
        if row is None or not self._begun:
            return False
        # Where nothing is left of a partition, whatever was in it is gone.
        whole = self._begun == self._first.keys()
        excused = not whole or row["revision"] <= max(self._first.values())
        self.beyond += excused
        return excused


def check_rows(
    published: ByTime,
    stored: ByTime,
    read_to: Mapping[int, int],
    oldest: Oldest,
    beyond: Callable[[int], bool],
) -> Iterator[Finding]:
    """Findings on each window.

    published:  the latest record of each window in ``anomaly-results``.
    stored:     the row of each window.
    read_to:    partition of ``anomaly-results`` → offset up to which the writer has read it.
    beyond:     whether no record can have this revision yet.
    """
    for start, records, rows in side_by_side(published, stored):
        for service in sorted(records.keys() | rows.keys()):
            record, row = records.get(service), rows.get(service)
            if record is None and oldest.excuses(row):
                continue
            where = f"anomaly_results {iso(start)} {service}"
            yield from compare(where, record, row, read_to, beyond, COMPARED)


def compare(
    where: str,
    record: Row | None,
    row: Row | None,
    read_to: Mapping[int, int],
    beyond: Callable[[int], bool],
    names: tuple[str, ...],
) -> Iterator[Finding]:
    """What is amiss with a row, as against the record that it should be; either may be lacking."""
    if record is None:
        yield Finding(WRONG, where, "a row that was never published")
        return
    on_its_way = record["offset_"] >= read_to.get(record["partition"], 0)
    lacking = IN_FLIGHT if on_its_way else MISSING
    if row is None:
        yield Finding(lacking, where, "published, but no row")
    elif row["revision"] < record["revision"]:
        why = f"the row is of revision {row['revision']}, published was {record['revision']}"
        yield Finding(lacking, where, why)
    elif row["revision"] > record["revision"]:
        if beyond(row["revision"]):  # else it may have been written just now
            yield Finding(WRONG, where, f"of revision {row['revision']}, which does not exist")
    else:
        other = [name for name in names if _differ(row[name], record[name])]
        if other:
            yield Finding(WRONG, where, f"{', '.join(other)}: not what was published")


def side_by_side(
    one: ByTime, other: ByTime
) -> Iterator[tuple[int, Mapping[str, Row], Mapping[str, Row]]]:
    """Two streams by time as one: at each time what either has."""
    nothing: Mapping[str, Row] = {}
    a, b = next(one, None), next(other, None)
    while a is not None or b is not None:
        time = min(x[0] for x in (a, b) if x is not None)
        mine = theirs = nothing
        if a is not None and a[0] == time:
            mine, a = a[1], next(one, None)
        if b is not None and b[0] == time:
            theirs, b = b[1], next(other, None)
        yield time, mine, theirs


def by_time(rows: Iterable[Row]) -> ByTime:
    """Rows of the store, which come by ``window_start``."""
    at: int | None = None
    held: dict[str, Row] = {}
    for row in rows:
        if row["window_start"] != at:
            if at is not None:
                yield at, held
            at, held = row["window_start"], {}
        held[row["service"]] = row
    if at is not None:
        yield at, held


def _differ(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return abs(float(a) - float(b)) > 1e-9 * max(1.0, abs(float(b)))
    return bool(a != b)
