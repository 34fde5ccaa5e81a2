"""The tables of a run in one process: results, alerts, dead letters, totals.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_VOLUME = (
    *("log_count", "error_count", "fatal_count", "warn_count", "info_count", "debug_count"),
    *("error_rate", "fatal_rate", "warn_rate", "warn_to_info_ratio"),
    *("critical_count", "critical_rate"),
)


def upgrade() -> None:
    """Apply this step."""
    if sa.inspect(op.get_bind()).has_table("anomaly_results"):
        return  # made before there were migrations, and of this very shape
    time = sa.DateTime(timezone=True)
    op.create_table(
        "anomaly_results",
        sa.Column("window_start", time, primary_key=True),
        sa.Column("window_end", time, primary_key=True),
        sa.Column("service", sa.String, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("is_anomaly", sa.Boolean, nullable=False),
        sa.Column("anomaly_score", sa.Float(53), nullable=False),
        sa.Column("model_version", sa.String),
        sa.Column("warming", sa.String),
        *(sa.Column(name, sa.Float(53), nullable=False) for name in _VOLUME),
        sa.Column("text_features", sa.JSON, nullable=False),
        sa.Column("evidence", sa.JSON),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("start", time, nullable=False),
        sa.Column("end", time, nullable=False),
        sa.Column("opened", time, nullable=False),
        sa.Column("services", sa.JSON, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("peak_score", sa.Float(53), nullable=False),
        sa.Column("windows", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.JSON, nullable=False),
    )
    op.create_table(
        "dead_letters",
        sa.Column("source", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("account", sa.String, primary_key=True),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("consumed", "scored", "late", "dead_lettered", "filtered")
        ),
    )
