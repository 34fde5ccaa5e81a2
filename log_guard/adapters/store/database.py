"""The statements: open, upsert, select. Rows are plain dictionaries here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Table,
    and_,
    create_engine,
    event,
    func,
    make_url,
    not_,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import ArgumentError, DBAPIError

from log_guard.adapters.store import upgrading
from log_guard.adapters.store.failures import store_error
from log_guard.adapters.store.schema import (
    ACCOUNTS,
    ALERTS,
    BALANCES,
    DEAD_LETTERS,
    LEDGERS,
    LOG_EVENTS,
    RESULTS,
)
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
                self._rows(select(LEDGERS).limit(1))
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
        order = (ACCOUNTS.c.partition, ACCOUNTS.c.first_offset)
        return self._stream(select(ACCOUNTS).where(mine).order_by(*order))

    def balance(self, run: str) -> Row | None:
        found = self._rows(select(BALANCES).where(BALANCES.c.run == run))
        return found[0] if found else None

    def verdicts(self, run: str, start: int | None, end: int | None) -> Iterator[Row]:
        """The rows of a run with ``start <= window_start < end`` (µs) in that order, without evidence."""
        columns = ("window_start", "service", "revision", "final", "is_anomaly", "anomaly_score")
        query = select(*(RESULTS.c[name] for name in (*columns, "log_count")))
        query = query.where(_within(run, start, end))
        return self._stream(query.order_by(RESULTS.c.window_start))

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


@contextmanager
def failures_of(database: str) -> Iterator[None]:
    """Whatever the driver raises becomes a StoreError; ``database`` is its name for people."""
    try:
        yield
    except DBAPIError as error:
        raise store_error(database, error.orig) from error


def open_engine(url: str | URL, wait_seconds: float) -> tuple[Engine, str]:
    """The engine, and the database's name for people (without its password)."""
    try:
        known = isinstance(url, URL) or "://" in url
        parsed = make_url(url) if known else URL.create("sqlite", database=str(url))
    except (ArgumentError, ValueError):
        raise StoreError(
            "that is no database URL: give the path of a file, sqlite:///PATH, "
            "or postgresql://USER:PASSWORD@HOST:PORT/NAME"
        ) from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return _server(parsed, wait_seconds)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(
            f"{parsed.drivername} databases are not supported: "
            "give the path of a file, sqlite:///PATH, or postgresql://USER:PASSWORD@HOST:PORT/NAME"
        )
    path = parsed.database or ":memory:"
    if path != ":memory:" and not Path(path).parent.is_dir():
        raise StoreError(
            f"no such directory for database {path}: {Path(path).parent} "
            "(make it, or name another file)"
        )
    engine = create_engine(parsed, json_serializer=_compact, connect_args={"timeout": wait_seconds})
    event.listen(engine, "connect", _prepare)
    return engine, path


def _server(url: URL, wait_seconds: float) -> tuple[Engine, str]:
    """PostgreSQL. Connections are tried before use, since a server may have been away meanwhile."""
    engine = create_engine(
        url,
        json_serializer=_compact,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": max(int(wait_seconds), 2),
            "application_name": "logguard",
            # A server that died without a word must not be waited for longer than this.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
    )
    return engine, f"{url.database} at {url.host or 'localhost'}:{url.port or 5432}"


def _prepare(connection: Any, _: object) -> None:
    # Readers and the writer do not wait for one another. How hard a commit is pressed to the disk
    # stays SQLite's default, the safest: offsets are committed to Kafka on the strength of it.
    connection.execute("PRAGMA journal_mode = WAL").close()


def _compact(value: object) -> str:
    # A number that is not finite is a bug of ours; `rows` has refused it before.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def statements(dialect: str) -> dict[Table, Any]:
    """The upsert of each table. SQLite and PostgreSQL spell it alike."""
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return {table: _upsert(insert, table, later) for table, later in _LATER.items()}


def _upsert(insert: Any, table: Table, later: Callable[[Table, Any], Any] | None) -> Any:
    statement = insert(table)
    new = statement.excluded
    changed = {c.name: new[c.name] for c in table.columns if not c.primary_key}
    where = None if later is None else later(table, new)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=changed, where=where)


def _later_result(table: Table, new: Any) -> Any:
    """A greater revision counts and, of one revision, what is final: in whatever order they come.

    A second writing of the same (revision, final) goes through too, and brings the same content.
    """
    old = table.c
    same = and_(new.revision == old.revision, or_(new.final, not_(old.final)))
    return or_(new.revision > old.revision, same)


def _later_revision(table: Table, new: Any) -> Any:
    return new.revision >= table.c.revision


def _later_offset(table: Table, new: Any) -> Any:
    return new.summary_offset >= table.c.summary_offset


_LATER: dict[Table, Callable[[Table, Any], Any] | None] = {
    RESULTS: _later_result,
    ALERTS: _later_revision,
    BALANCES: _later_offset,
    ACCOUNTS: None,
    DEAD_LETTERS: None,
    LEDGERS: None,
    LOG_EVENTS: None,
}
"""Table → when a row may replace the one that is there; None: always, it is the same row again."""
