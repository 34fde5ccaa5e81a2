"""The tables: one schema for SQLite, PostgreSQL and TimescaleDB, of what all of them have.

Migrations make them (``migrations/versions``); a test holds the two equal.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from log_guard.core.features import VOLUME_FEATURES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Time(TypeDecorator[int]):
    """Microseconds since 1970 UTC in the core, a timestamp in the database.

    SQLite keeps it as text (``2026-01-31 12:00:00.000000``, in UTC), which sorts as time does.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        # SQLite forgets the zone that it was given.
        return None if value is None else (value.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def _json() -> TypeEngine[Any]:
    # None is SQL's NULL, not the JSON text "null".
    return JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _run() -> Column[str]:
    """Which run wrote the row: empty for the live one, else the name of a re-scoring."""
    return Column("run", String, primary_key=True, server_default="")


def _now() -> int:
    return time.time_ns() // 1_000


def _written() -> Column[int]:
    """When the row was published to Kafka; where it was not, when it was written. By this old rows are known."""
    return Column("written", Time, nullable=False, default=_now)


METADATA = MetaData()

RESULTS = Table(
    "anomaly_results",
    METADATA,
    Column("window_start", Time, primary_key=True),
    Column("window_end", Time, primary_key=True),
    Column("service", String, primary_key=True),
    _run(),
    Column("revision", BigInteger, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("is_anomaly", Boolean, nullable=False),
    Column("anomaly_score", Float(53), nullable=False),
    Column("model_version", String),
    Column("warming", String),
    Column("error", String),
    *(Column(name, Float(53), nullable=False) for name in VOLUME_FEATURES),
    Column("text_features", _json(), nullable=False),  # the 18, by name
    Column("evidence", _json()),
    Index("idx_anomaly_results_is_anomaly", "is_anomaly"),
    Index("idx_anomaly_results_window_start", "window_start"),
)
"""A row a window and group, replaced only by a later revision."""

ALERTS = Table(
    "alerts",
    METADATA,
    _run(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("start", Time, nullable=False),
    Column("end", Time, nullable=False),
    Column("opened", Time, nullable=False),
    Column("services", _json(), nullable=False),  # a list, the likeliest first cause first
    Column("service", String, nullable=False),
    Column("peak_score", Float(53), nullable=False),
    Column("windows", BigInteger, nullable=False),
    Column("evidence", _json(), nullable=False),
    Column("course", _json()),  # null in rows of earlier versions
    _written(),
)
"""A row an episode, replaced only by a later revision."""

DEAD_LETTERS = Table(
    "dead_letters",
    METADATA,
    _run(),
    Column("topic", String, primary_key=True),  # empty where the records did not come from Kafka
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("line", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", String, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    _written(),
)
"""A row a record that is no event. ``partition`` and ``offset`` are source and line of a file."""

LEDGERS = Table(
    "ledgers",
    METADATA,
    Column("account", String, primary_key=True),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("consumed", "scored", "late", "dead_lettered", "filtered")
    ),
)
"""A row a run in one process: the totals so far."""

ACCOUNTS = Table(
    "accounts",
    METADATA,
    _run(),
    Column("topic", String, primary_key=True),
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("first_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("summary_offset", BigInteger, primary_key=True, autoincrement=False),
    Column("status", String, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in ("consumed", "summarised", "late", "dead_lettered", "filtered")
    ),
    _written(),
)
"""A row a range of input offsets: what became of it. Old ones are merged (``merging``)."""

BALANCES = Table(
    "balances",
    METADATA,
    _run(),
    Column("summary_offset", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in ("taken", "scored", "late", "open")),
    Column("watermark", Time),
)
"""A row a run: the accounts of all windows after a record of ``window-summaries``."""

PIPELINE = Table(
    "pipeline",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    *(
        Column(name, String, nullable=False)
        for name in ("cluster", "topic", "topic_id", "results", "results_id")
    ),
)
"""One row: the pipeline whose rows these are; none until the first writer."""

POSITIONS = Table(
    "positions",
    METADATA,
    Column("reader", String, primary_key=True),  # a consumer group
    Column("topic", String, primary_key=True),
    Column("partition", BigInteger, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)
"""How far each group's records are written, with which it is known that its offsets were set back."""

LOG_EVENTS = Table(
    "log_events",
    METADATA,
    Column("time", Time, primary_key=True),
    Column("topic", String, primary_key=True),
    *(
        Column(name, BigInteger, primary_key=True, autoincrement=False)
        for name in ("partition", "offset", "line")
    ),
    Column("level", String, nullable=False),
    Column("service", String, nullable=False),
    Column("message", String, nullable=False),  # redacted
    Index("idx_log_events_service_time", "service", "time"),
)
"""A row an event, where somebody asked for them to be kept."""
