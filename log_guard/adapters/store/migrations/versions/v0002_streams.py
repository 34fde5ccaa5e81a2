"""Runs, offsets and revisions: what the pipeline on Kafka has to keep.

Keys change, and SQLite cannot change a key: each table is made anew and takes over the old rows.

Revision ID: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_VOLUME = (
    *("log_count", "error_count", "fatal_count", "warn_count", "info_count", "debug_count"),
    *("error_rate", "fatal_rate", "warn_rate", "warn_to_info_ratio"),
    *("critical_count", "critical_rate"),
)
_VERDICT = ("revision", "final", "is_anomaly", "anomaly_score", "model_version", "warming")
_ALERT = (
    *("id", "state", "start", "end", "opened", "services", "service"),
    *("peak_score", "windows", "evidence"),
)
_TOTALS = ("consumed", "scored", "late", "dead_lettered", "filtered")


def _integer(name: str, *, key: bool = False) -> sa.Column[int]:
    if key:
        return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
    return sa.Column(name, sa.BigInteger, nullable=False)


def _json() -> Any:
    return sa.JSON().with_variant(JSONB(), "postgresql")


def _run() -> sa.Column[str]:
    return sa.Column("run", sa.String, primary_key=True, server_default="")


def upgrade() -> None:
    """Apply this step."""
    time = sa.DateTime(timezone=True)
    inspector = sa.inspect(op.get_bind())
    for index in inspector.get_indexes("anomaly_results"):
        op.drop_index(str(index["name"]), "anomaly_results")
    for name in ("anomaly_results", "alerts", "dead_letters"):
        op.rename_table(name, f"old_{name}")
        if op.get_context().dialect.name == "postgresql":  # an index keeps its name, and we need it
            op.execute(f"ALTER INDEX {name}_pkey RENAME TO old_{name}_pkey")
    op.rename_table("accounts", "ledgers")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX accounts_pkey RENAME TO ledgers_pkey")
    op.create_table(
        "anomaly_results",
        sa.Column("window_start", time, primary_key=True),
        sa.Column("window_end", time, primary_key=True),
        sa.Column("service", sa.String, primary_key=True),
        _run(),
        _integer("revision"),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("is_anomaly", sa.Boolean, nullable=False),
        sa.Column("anomaly_score", sa.Float(53), nullable=False),
        sa.Column("model_version", sa.String),
        sa.Column("warming", sa.String),
        sa.Column("error", sa.String),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in _VOLUME),
        sa.Column("text_features", _json(), nullable=False),
        sa.Column("evidence", _json()),
    )
    op.create_index("idx_anomaly_results_is_anomaly", "anomaly_results", ["is_anomaly"])
    op.create_index("idx_anomaly_results_window_start", "anomaly_results", ["window_start"])
    op.create_table(
        "alerts",
        _run(),
        _integer("id", key=True),
        _integer("revision"),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("start", time, nullable=False),
        sa.Column("end", time, nullable=False),
        sa.Column("opened", time, nullable=False),
        sa.Column("services", _json(), nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("peak_score", sa.Float(53), nullable=False),
        _integer("windows"),
        sa.Column("evidence", _json(), nullable=False),
    )
    op.create_table(
        "dead_letters",
        _run(),
        sa.Column("topic", sa.String, primary_key=True),
        *(_integer(name, key=True) for name in ("partition", "offset", "line")),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "accounts",
        _run(),
        sa.Column("topic", sa.String, primary_key=True),
        *(_integer(name, key=True) for name in ("partition", "first_offset", "summary_offset")),
        sa.Column("status", sa.String, primary_key=True),
        _integer("next_offset"),
        *(
            _integer(name)
            for name in ("consumed", "summarised", "late", "dead_lettered", "filtered")
        ),
    )
    op.create_table(
        "balances",
        _run(),
        *(_integer(name) for name in ("summary_offset", "taken", "scored", "late", "open")),
        sa.Column("watermark", time),
    )
    _take_over()


def _take_over() -> None:
    """The rows that were there."""
    same = ", ".join(("window_start", "service", "window_end", *_VERDICT, *_VOLUME))
    as_json = "CAST({} AS JSONB)" if op.get_context().dialect.name == "postgresql" else "{}"
    text, evidence = as_json.format("text_features"), as_json.format("evidence")
    op.execute(
        f"INSERT INTO anomaly_results ({same}, text_features, evidence) "
        f"SELECT {same}, {text}, {evidence} FROM old_anomaly_results"
    )
    quoted = [f'"{name}"' for name in _ALERT]
    chosen = [
        as_json.format(name) if name in ('"services"', '"evidence"') else name for name in quoted
    ]
    op.execute(
        f"INSERT INTO alerts (revision, {', '.join(quoted)}) SELECT 0, {', '.join(chosen)} FROM old_alerts"
    )
    op.execute(
        'INSERT INTO dead_letters (topic, "partition", "offset", line, reason, raw) '
        "SELECT '', source, position, 0, reason, raw FROM old_dead_letters"
    )
    for name in ("anomaly_results", "alerts", "dead_letters"):
        op.drop_table(f"old_{name}")
