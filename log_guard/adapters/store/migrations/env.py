"""How Alembic runs here: on the connection that :mod:`log_guard.adapters.store.upgrading` gives it."""

from __future__ import annotations

from alembic import context

from log_guard.adapters.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
