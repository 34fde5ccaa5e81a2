"""When a row was written, by which old ones are known. Of those that are there it is now.

Revision ID: 0007
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply this step."""
    # By a default, which is there in an instant, and not row by row. SQLite takes none that has to be worked out.
    default: Any = sa.func.now()
    if op.get_context().dialect.name == "sqlite":
        default = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
    for table in ("accounts", "alerts", "dead_letters"):
        kind = sa.DateTime(timezone=True)
        op.add_column(table, sa.Column("written", kind, nullable=False, server_default=default))
