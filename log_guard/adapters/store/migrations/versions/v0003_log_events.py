"""The log events themselves, for those who want them in the database.

Revision ID: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "log_events",
        sa.Column("time", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("topic", sa.String, primary_key=True),
        *(
            sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)
            for name in ("partition", "offset", "line")
        ),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("message", sa.String, nullable=False),
    )
    op.create_index("idx_log_events_service_time", "log_events", ["service", "time"])
