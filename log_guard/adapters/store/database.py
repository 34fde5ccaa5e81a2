"""The statements: open, upsert, select. Rows are plain dictionaries here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    Table,
    and_,
    create_engine,
    event,
    func,
    make_url,
    or_,
    select,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import ArgumentError, DBAPIError

from log_guard.adapters.store.failures import store_error
from log_guard.adapters.store.schema import ACCOUNTS, ALERTS, DEAD_LETTERS, METADATA, RESULTS
from log_guard.errors import StoreError

Row = Mapping[str, Any]


class Database:
    """An open SQLite database with the tables of ``schema``; every failure is a StoreError."""

    def __init__(self, url: str, wait_seconds: float) -> None:
        self._engine, self.name = _engine(url, wait_seconds)
        try:
            with self._transaction() as connection:
                METADATA.create_all(connection)
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        self._engine.dispose()

    def write(
        self,
        results: Sequence[Row],
        alerts: Sequence[Row],
        dead: Sequence[Row],
        accounts: Sequence[Row],
    ) -> None:
        """Upsert all of this in one transaction: all of it is there afterwards, or none."""
        batches = (
            (_LATER_RESULT, results),
            (_LAST_ALERT, alerts),
            (_LAST_DEAD_LETTER, dead),
            (_LAST_ACCOUNT, accounts),
        )
        with self._transaction() as connection:
            for statement, rows in batches:
                if rows:
                    connection.execute(statement, list(rows))

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
        place = (DEAD_LETTERS.c.source, DEAD_LETTERS.c.position)
        return self._rows(select(DEAD_LETTERS).order_by(*place).limit(limit))

    def accounts(self) -> list[Row]:
        return self._rows(select(ACCOUNTS).order_by(ACCOUNTS.c.account))

    def count_results(self) -> int:
        (row,) = self._rows(select(func.count().label("count")).select_from(RESULTS))
        return int(row["count"])

    def _rows(self, statement: Executable) -> list[Row]:
        with self._transaction() as connection:
            return [row._asdict() for row in connection.execute(statement)]

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise store_error(self.name, error.orig) from error


def _engine(url: str, wait_seconds: float) -> tuple[Engine, str]:
    """The engine, and the database's name for people."""
    try:
        parsed = make_url(url) if "://" in url else URL.create("sqlite", database=url)
    except (ArgumentError, ValueError):
        raise StoreError(
            f"{url!r} is no database URL: give the path of a file, or sqlite:///PATH"
        ) from None
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(
            f"{parsed.drivername} databases are not supported yet: "
            "give the path of a file, or sqlite:///PATH"
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


def _prepare(connection: Any, _: object) -> None:
    # Readers and the writer do not wait for one another. How hard a commit is pressed to the disk
    # stays SQLite's default, the safest: offsets are committed to Kafka on the strength of it.
    connection.execute("PRAGMA journal_mode = WAL").close()


def _compact(value: object) -> str:
    # A number that is not finite is a bug of ours; `rows` has refused it before.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _upsert(table: Table) -> tuple[Insert, dict[str, Any]]:
    """An insert, and what it is to set where the key is there already."""
    statement = insert(table)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    return statement, changed


def _replace(table: Table) -> Insert:
    """The last word counts."""
    statement, changed = _upsert(table)
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed)


def _replace_by_later(table: Table) -> Insert:
    """A greater revision counts and, of one revision, what is final: in whatever order they come.

    A second writing of the same (revision, final) goes through too, and brings the same content.
    """
    statement, changed = _upsert(table)
    old, new = table.c, statement.excluded
    later = or_(
        new.revision > old.revision, and_(new.revision == old.revision, new.final >= old.final)
    )
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_=changed, where=later
    )


_LATER_RESULT = _replace_by_later(RESULTS)
_LAST_ALERT = _replace(ALERTS)
_LAST_DEAD_LETTER = _replace(DEAD_LETTERS)
_LAST_ACCOUNT = _replace(ACCOUNTS)
