"""Bringing a database to the schema of this version; on TimescaleDB also to its own features.

Policies, compression and continuous aggregates need the Community edition. Which edition this is, the
server says (``timescaledb.license``: ``timescale`` or ``apache``); what it does not allow all the same
(SQLSTATE 0A000) is left out and named, too, and :mod:`maintaining` does it instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Dialect, Engine, text
from sqlalchemy.exc import DBAPIError

from log_guard.adapters.store.schema import METADATA

NOT_LICENSED = "0A000"

BY_HAND = (
    "this was changed by hand, and `logguard db upgrade` does not undo it: change it back, or name an empty database, "
    "upgrade that, and have it filled again from the topics (the README says how)"
)

HOURLY = """
    SELECT {hour} AS hour, service, run, count(*) AS windows,
           sum(CASE WHEN is_anomaly THEN 1 ELSE 0 END) AS anomalies,
           max(anomaly_score) AS peak_score, max(log_count) AS peak_log_count
    FROM anomaly_results {where} GROUP BY 1, 2, 3
"""
"""What ``anomaly_results_hourly`` holds, wherever it is computed."""

_FEATURES = {
    "retention of 30 days": [
        "SELECT add_retention_policy('anomaly_results', INTERVAL '30 days', if_not_exists => true)",
        "SELECT add_retention_policy('log_events', INTERVAL '7 days', if_not_exists => true)",
    ],
    "compression after 7 days": [
        # Once, since the settings of what is compressed may not be changed. All columns of the key
        # are named: uniqueness is looked up in what is compressed, too.
        "DO $$ BEGIN IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables "
        "WHERE hypertable_schema = current_schema() AND hypertable_name = 'anomaly_results') "
        "THEN ALTER TABLE anomaly_results SET (timescaledb.compress, "
        "timescaledb.compress_segmentby = 'service, run', "
        "timescaledb.compress_orderby = 'window_start, window_end'); END IF; END $$",
        "SELECT add_compression_policy('anomaly_results', INTERVAL '7 days', if_not_exists => true)",
    ],
}
"""What TimescaleDB does by itself, and the statements that ask it to; the first says if it may."""

AGGREGATE = "hourly continuous aggregate"
# It looks back almost as far as rows are kept, for an outage, or an empty database, is made up for much later: only
# hours that have changed are computed again. Not farther: hours whose rows are gone would lose what they hold.
_AGGREGATE = [
    "CREATE MATERIALIZED VIEW IF NOT EXISTS anomaly_results_hourly WITH (timescaledb.continuous) AS "
    + HOURLY.format(hour="time_bucket('1 hour', window_start)", where="")
    + " WITH NO DATA",
    "SELECT add_continuous_aggregate_policy('anomaly_results_hourly', "
    "start_offset => INTERVAL '28 days', end_offset => INTERVAL '1 hour', "
    "schedule_interval => INTERVAL '30 minutes', if_not_exists => true)",
]

_HOURLY_TABLE = """
    CREATE TABLE IF NOT EXISTS anomaly_results_hourly (
        hour {time} NOT NULL, service VARCHAR NOT NULL, run VARCHAR NOT NULL DEFAULT '',
        windows BIGINT NOT NULL, anomalies BIGINT NOT NULL,
        peak_score DOUBLE PRECISION NOT NULL, peak_log_count DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (hour, service, run))
"""


def upgrade(engine: Engine) -> list[str]:
    """Migrate and set up; what this database does not offer, in a few words each."""
    with _alone(engine):
        return _upgrade(engine)


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One at a time: processes that begin together may all upgrade. SQLite has its own lock."""
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtext('logguard upgrade'))"))
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext('logguard upgrade'))"))


def _upgrade(engine: Engine) -> list[str]:
    with engine.begin() as connection:
        command.upgrade(_config(connection), "head")
    notes = list(_timescale(engine)) if engine.dialect.name == "postgresql" else []
    time = "TIMESTAMP WITH TIME ZONE" if engine.dialect.name == "postgresql" else "DATETIME"
    if AGGREGATE in notes or not has_timescale(engine):
        with engine.begin() as connection:
            connection.execute(text(_HOURLY_TABLE.format(time=time)))
    return notes


def differences(engine: Engine) -> list[str]:
    """What in the database is not as this version needs it, a sentence each; empty if all is well."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": _ours, "compare_type": True}
        )
        head = ScriptDirectory.from_config(_config(connection)).get_current_head()
        now = context.get_current_revision()
        if now is None:
            return ["the database has no LogGuard tables: run `logguard db upgrade`"]
        if now != head:
            return [f"the schema is of version {now}, not {head}: run `logguard db upgrade`"]
        found = [_words(d, engine.dialect) for d in compare_metadata(context, METADATA)]
        return [*found, BY_HAND] if found else []


def has_timescale(engine: Engine) -> bool:
    """Whether this is a PostgreSQL with the extension in this database."""
    if engine.dialect.name != "postgresql":
        return False
    with engine.connect() as connection:
        found = connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"))
        return found.first() is not None


def _timescale(engine: Engine) -> Iterator[str]:
    offered = text("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'")
    with engine.connect() as connection:
        if connection.execute(offered).first() is None:
            return
    if refused := _try(engine, "CREATE EXTENSION IF NOT EXISTS timescaledb"):
        yield f"TimescaleDB ({refused})"
        return
    for table, time in (("anomaly_results", "window_start"), ("log_events", "time")):
        hypertable = (
            f"SELECT create_hypertable('{table}', by_range('{time}', INTERVAL '1 day'), "
            "if_not_exists => true, migrate_data => true, create_default_indexes => false)"
        )
        if refused := _try(engine, hypertable):
            yield f"hypertable ({refused})"
            return
    apache = _licence(engine) == "apache"
    for name, statements in _FEATURES.items():
        if apache or any(_try(engine, statement, only=NOT_LICENSED) for statement in statements):
            yield name
    if not apache and table_of_ours(engine):
        yield f"{AGGREGATE}, since the table anomaly_results_hourly is there (drop it to change over)"
    elif apache or any(_try(engine, statement, only=NOT_LICENSED) for statement in _AGGREGATE):
        yield AGGREGATE


def table_of_ours(engine: Engine) -> bool:
    """Whether the hourly rollup is a table; the Community edition has a view that keeps itself."""
    if engine.dialect.name == "sqlite":
        return True
    with engine.connect() as connection:
        kind = connection.execute(
            text("SELECT relkind FROM pg_class WHERE oid = to_regclass('anomaly_results_hourly')")
        ).scalar()
    return kind in ("r", b"r")


def _licence(engine: Engine) -> str | None:
    with engine.connect() as connection:
        query = text("SELECT current_setting('timescaledb.license', true)")
        return connection.execute(query).scalar()


def _try(engine: Engine, statement: str, only: str | None = None) -> str | None:
    """Run a statement; why it was refused, or None. Other refusals than ``only`` are raised."""
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    except DBAPIError as e:
        state = getattr(e.orig, "sqlstate", None)
        if only is not None and state != only:
            raise
        return str(e.orig).splitlines()[0]
    return None


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "log_guard.adapters.store:migrations")
    config.attributes["connection"] = connection
    return config


def _ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """Compare our tables and their indexes only: a database may hold more, and TimescaleDB adds to it."""
    if kind == "table":
        return name in METADATA.tables
    return kind != "index" or not reflected


def _words(difference: Any, dialect: Dialect) -> str:
    if isinstance(difference, list):
        return "; ".join(_words(one, dialect) for one in difference)
    what, *about = difference
    match what, *about:
        case "add_table", table:
            return f"table {table.name} is missing"
        case "add_column", _, table, column:
            return f"column {column.name} of table {table} is missing"
        case "remove_column", _, table, column:
            return f"column {column.name} of table {table} is not LogGuard's"
        case "modify_type", _, table, column, _, is_, should:
            types = (one.compile(dialect=dialect) for one in (is_, should))
            return "column {} of table {} is of type {}, not {}".format(column, table, *types)
        case "modify_nullable", _, table, column, _, is_, _:
            is_so = "may be null" if is_ else "may not be null"
            return f"column {column} of table {table} {is_so}"
        case "add_index", index:
            return f"index {index.name} of table {index.table.name} is missing"
    return f"{what} {' '.join(str(getattr(a, 'name', a)) for a in about if a is not None)}"
