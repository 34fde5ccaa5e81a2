"""Rows against the records that they were written from, while more of both come.

A row is written after its record, never before. So the topic is read first, then the table, and a row that is
not what the topic holds is a *doubt*: it may have been published since. Then the topic is read on from where it
was left, to where it ends once the table has been read; what has no record there either was never published.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from log_guard.adapters.scratch import Scratch
from log_guard.app.audit.findings import IN_FLIGHT, MISSING, WRONG, Finding

Row = Mapping[str, Any]
ByTime = Iterator[tuple[int, Mapping[str, Row]]]
"""Start of a window (µs), or number of an alert, ascending, and its rows by service."""


class Oldest:
    """From which revision on the topic holds all records; older ones may have been deleted.

    Records of a partition come by revision, so all of it that is newer than its first record is there.
    """

    def __init__(self) -> None:
        self._begun: set[int] = set()
        self._first: dict[int, int] = {}
        self.beyond = 0
        """Rows whose records are gone."""

    def see(self, partition: int, record: Row) -> None:
        """Hear of a record of the run that is there."""
        revision = record.get("revision", record.get("summary_offset"))
        if isinstance(revision, int):
            self._first[partition] = min(self._first.get(partition, revision), revision)

    @property
    def seen(self) -> bool:
        """Whether there is any record."""
        return bool(self._first)

    def deleted(self, low: Mapping[int, int]) -> None:
        """Hear which offset each partition begins with, asked for after its records were read."""
        self._begun = {partition for partition, offset in low.items() if offset > 0}

    def excuses(self, row: Row) -> bool:
        """Whether a row may lack its record, which counts it."""
        if not self._begun:
            return False
        # Where nothing is left of a partition, whatever was in it is gone.
        whole = self._begun <= self._first.keys()
        excused = not whole or row["revision"] <= max(self._first[p] for p in self._begun)
        self.beyond += excused
        return excused


class Comparison:
    """A table and its records, each by time (or number) and name.

    names:   columns that are compared.
    later:   SQL: whether a record (``excluded``) takes the place of one of the same key (``kept``).
    row_of:  partition, offset and content of a record → time, name, revision, the columns, partition,
             offset and when it was published; None if it is of another table, run or span.
    stored:  the rows as they are now.
    where:   names a row, of this time and name.
    dropped: whether the row of this time and record may have been dropped for its age.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        later: str,
        row_of: Callable[[int, int, Row], tuple[Any, ...] | None],
        stored: Callable[[], ByTime],
        where: Callable[[int, str], str],
        dropped: Callable[[int, Row], bool],
    ) -> None:
        self._names, self._row_of, self._stored, self._where = names, row_of, stored, where
        self._dropped = dropped
        columns = ("revision", *names, "partition", "offset_", "written")
        merge = ", ".join(f"{name} = excluded.{name}" for name in columns)
        self._published = Scratch(columns, f"{merge} WHERE {later}")
        self._since = Scratch(columns, f"{merge} WHERE {later}")
        self._doubts = Scratch(("revision", *names, "why"), "why = excluded.why")
        self.doubts = 0
        self.lacking = 0
        """Records without a row, or with an older one."""

    def close(self) -> None:
        for scratch in (self._published, self._since, self._doubts):
            scratch.close()

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, records: Sequence[tuple[int, int, Row]]) -> None:
        """Take in records: partition, offset and content; after the rows were checked, of what came since."""
        rows = (self._row_of(*record) for record in records)
        (self._since if self.doubts else self._published).add(r for r in rows if r is not None)

    def check(self, read_to: Mapping[int, int], oldest: Oldest) -> Iterator[Finding]:
        """Findings that no later record can mend; the other rows are doubts from now on.

        read_to:  partition of the topic → offset up to which the writer had read it, asked for just now.
        """
        for time, records, rows in side_by_side(self._published.by_time(), self._stored()):
            doubts = []
            for name in sorted(records.keys() | rows.keys()):
                record, row = records.get(name), rows.get(name)
                if row is None:
                    assert record is not None
                    if self._dropped(time, record):
                        continue
                    self.lacking += 1
                    yield Finding(
                        _lacking(record, read_to), self._where(time, name), "published, but no row"
                    )
                elif record is not None and row["revision"] < record["revision"]:
                    self.lacking += 1
                    why = f"the row is of revision {row['revision']}, published was {record['revision']}"
                    yield Finding(_lacking(record, read_to), self._where(time, name), why)
                elif why := self._doubt(record, row):
                    new = record is None or row["revision"] > record["revision"]
                    if not (new and oldest.excuses(row)):
                        values = (row["revision"], *(row[column] for column in self._names))
                        doubts.append((time, name, *values, why))
            self._doubts.add(doubts)
            self.doubts += len(doubts)

    def settle(self) -> Iterator[Finding]:
        """Findings on the doubts, now that the records since have been added."""
        for time, records, rows in side_by_side(self._since.by_time(), self._doubts.by_time()):
            for name, row in sorted(rows.items()):
                record = records.get(name)
                if record is not None and row["revision"] < record["revision"]:
                    continue  # it will be written over, if it has not been
                why = row["why"] if record is None else self._doubt(record, row)
                if why:
                    yield Finding(WRONG, self._where(time, name), why)

    def _doubt(self, record: Row | None, row: Row) -> str:
        """Why a row, which is no older than the record, is not what it says; empty if it is."""
        if record is None:
            return "a row that was never published"
        if row["revision"] > record["revision"]:
            return f"of revision {row['revision']}, which was never published"
        other = [name for name in self._names if _differ(row[name], record[name])]
        return f"{', '.join(other)}: not what was published" if other else ""


def _lacking(record: Row, read_to: Mapping[int, int]) -> str:
    on_its_way = record["offset_"] >= read_to.get(record["partition"], 0)
    return IN_FLIGHT if on_its_way else MISSING


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
