"""An open database: upserts and selects. Rows are plain dictionaries here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Executable,
    Table,
    and_,
    delete,
    func,
    select,
)

from log_guard.adapters.store import upgrading
from log_guard.adapters.store.engine import failures_of, open_engine
from log_guard.adapters.store.schema import (
    ACCOUNTS,
    ALERTS,
    BALANCES,
    DEAD_LETTERS,
    LEDGERS,
    LOG_EVENTS,
    PIPELINE,
    POSITIONS,
    RESULTS,
)
from log_guard.adapters.store.upserts import first_only, statements
from log_guard.errors import StoreError

Row = Mapping[str, Any]


class Database:
    """An open database with the tables of ``schema``; every failure is a StoreError.

    upgrade:  bring the tables to this version; else they have to be there.
    """

    def __init__(self, url: str | URL, wait_seconds: float, *, upgrade: bool) -> None:
        self.engine, self.name = open_engine(url, wait_seconds)
        self.notes: list[str] = []
        self._upsert = statements(self.engine.dialect.name)
        try:
            if upgrade:
                with self.failures():
                    self.notes = upgrading.upgrade(self.engine)
            else:
                self.pipeline()
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self.engine.dispose()

    def write_rows(self, rows: Mapping[Table, Sequence[Row]]) -> None:
        """Upsert all of this in one transaction: all of it is there afterwards, or none."""
        with self._transaction() as connection:
            for table, some in rows.items():
                if some:
                    # In the order of their keys, so that two writers never wait for one another in a ring.
                    names = [column.name for column in table.primary_key]
                    ordered = sorted(some, key=lambda row: tuple(row[name] for name in names))
                    connection.execute(self._upsert[table], ordered)

    def claim(self, pipeline: Row) -> None:
        """Enter the pipeline whose rows these will be, if none is entered."""
        with self._transaction() as connection:
            if connection.execute(select(PIPELINE)).first() is None:
                entry = first_only(self.engine.dialect.name, PIPELINE)  # another may be as quick
                connection.execute(entry, {"id": 1, **pipeline})
                connection.execute(delete(POSITIONS))  # of whoever wrote before

    def pipeline(self) -> Row | None:
        """The pipeline whose rows these are."""
        names = [column for column in PIPELINE.columns if not column.primary_key]
        found = self._rows(select(*names))
        return found[0] if found else None

    def positions(self, reader: str, topic: str) -> list[Row]:
        mine = (POSITIONS.c.reader == reader) & (POSITIONS.c.topic == topic)
        return self._rows(select(POSITIONS.c.partition, POSITIONS.c.next_offset).where(mine))

    def alerts(self) -> list[Row]:
        return self._rows(select(ALERTS).order_by(ALERTS.c.id))

    def anomalies(self, limit: int) -> list[Row]:
        """Newest first."""
        newest_first = (
            RESULTS.c.window_start.desc(),
            RESULTS.c.window_end.desc(),
            RESULTS.c.service,
        )
        return self._rows(
            select(RESULTS).where(RESULTS.c.is_anomaly).order_by(*newest_first).limit(limit)
        )

    def dead_letters(self, limit: int) -> list[Row]:
        place = (DEAD_LETTERS.c.partition, DEAD_LETTERS.c.offset, DEAD_LETTERS.c.line)
        return self._rows(select(DEAD_LETTERS).order_by(*place).limit(limit))

    def ledgers(self) -> list[Row]:
        return self._rows(select(LEDGERS).order_by(LEDGERS.c.account))

    def accounts(self, run: str, topic: str) -> Iterator[Row]:
        mine = (ACCOUNTS.c.run == run) & (ACCOUNTS.c.topic == topic)
        return self._stream(select(ACCOUNTS).where(mine).order_by(*ACCOUNTS.primary_key))

    def balance(self, run: str) -> Row | None:
        found = self._rows(select(BALANCES).where(BALANCES.c.run == run))
        return found[0] if found else None

    def verdicts(self, run: str, start: int | None, end: int | None) -> Iterator[Row]:
        """The rows of a run with ``start <= window_start < end`` (µs) in that order, without evidence."""
        columns = ("window_start", "service", "revision", "final", "is_anomaly", "anomaly_score")
        counts = (
            "log_count",
            "error_count",
            "fatal_count",
            "warn_count",
            "info_count",
            "debug_count",
        )
        query = select(*(RESULTS.c[name] for name in (*columns, *counts)))
        query = query.where(_within(run, start, end))
        return self._stream(query.order_by(RESULTS.c.window_start))

    def alert_heads(self, run: str) -> Iterator[Row]:
        """The alerts of a run by id, without evidence and course."""
        columns = ("id", "revision", "state", "service", "peak_score", "windows")
        query = select(*(ALERTS.c[name] for name in columns)).where(ALERTS.c.run == run)
        return self._stream(query.order_by(ALERTS.c.id))

    def span_of_results(
        self, run: str, start: int | None, end: int | None
    ) -> tuple[int, tuple[int, int] | None]:
        """How many rows of a run there are, and first and last start of the final ones among them."""
        mine, begun = _within(run, start, end), RESULTS.c.window_start
        (rows,) = self._rows(select(func.count().label("count")).where(mine))
        (ends,) = self._rows(
            select(func.min(begun).label("first"), func.max(begun).label("last")).where(
                mine, RESULTS.c.final
            )
        )
        final = None if ends["first"] is None else (ends["first"], ends["last"])
        return int(rows["count"]), final

    def result(self, run: str, start: int, service: str) -> Row | None:
        key = (RESULTS.c.run == run, RESULTS.c.window_start == start, RESULTS.c.service == service)
        found = self._rows(select(RESULTS).where(*key))
        return found[0] if found else None

    def count_dead_letters(self, run: str, topic: str) -> int:
        mine = (DEAD_LETTERS.c.run == run) & (DEAD_LETTERS.c.topic == topic)
        (row,) = self._rows(select(func.count().label("count")).where(mine))
        return int(row["count"])

    def dead_letter_places(self, run: str, topic: str) -> Iterator[Row]:
        mine = (DEAD_LETTERS.c.run == run) & (DEAD_LETTERS.c.topic == topic)
        place = (DEAD_LETTERS.c.partition, DEAD_LETTERS.c.offset, DEAD_LETTERS.c.line)
        return self._stream(select(*place).where(mine).order_by(DEAD_LETTERS.c.offset))

    def log_events(self, topic: str) -> list[Row]:
        place = (LOG_EVENTS.c.partition, LOG_EVENTS.c.offset, LOG_EVENTS.c.line)
        mine = LOG_EVENTS.c.topic == topic
        return self._rows(select(LOG_EVENTS).where(mine).order_by(*place))

    def count_results(self) -> int:
        (row,) = self._rows(select(func.count().label("count")).select_from(RESULTS))
        return int(row["count"])

    def _stream(self, statement: Executable) -> Iterator[Row]:
        """Rows as they come: the server keeps what is not yet asked for."""
        with self._transaction() as connection:
            for row in connection.execution_options(yield_per=10_000).execute(statement):
                yield row._asdict()

    def _rows(self, statement: Executable) -> list[Row]:
        with self._transaction() as connection:
            return [row._asdict() for row in connection.execute(statement)]

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self.failures(), self.engine.begin() as connection:
            yield connection

    def failures(self) -> AbstractContextManager[None]:
        """Whatever the driver raises becomes a StoreError."""
        return failures_of(self.name)


def _within(run: str, start: int | None, end: int | None) -> ColumnElement[bool]:
    bounds = [RESULTS.c.run == run]
    if start is not None:
        bounds.append(RESULTS.c.window_start >= start)
    if end is not None:
        bounds.append(RESULTS.c.window_start < end)
    return and_(*bounds)
