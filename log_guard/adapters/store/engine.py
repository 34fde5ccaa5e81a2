"""Opening a database: SQLite by a path, PostgreSQL by a URL."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from log_guard.adapters.store.failures import store_error
from log_guard.errors import OptionError, StoreError

for _driver in ("psycopg", "sqlalchemy"):
    # What they say of a connection that was lost has ended a statement, and is said where that is caught. Without
    # a handler Python would print it, between lines of JSON.
    logging.getLogger(_driver).addHandler(logging.NullHandler())


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
        raise OptionError(
            "that is no database URL: give the path of a file, sqlite:///PATH, "
            "or postgresql://USER:PASSWORD@HOST:PORT/NAME"
        ) from None
    if "@" in (parsed.host or ""):
        raise OptionError(
            "of that database URL it is not plain where the password ends: write an @ in it as %40"
        )
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "postgresql+psycopg":
        return _server(parsed, wait_seconds)
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise OptionError(
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
