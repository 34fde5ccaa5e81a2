"""What may replace a row that is there: the statements that write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Table, and_, not_, or_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from log_guard.adapters.store.schema import (
    ACCOUNTS,
    ALERTS,
    BALANCES,
    DEAD_LETTERS,
    LEDGERS,
    LOG_EVENTS,
    POSITIONS,
    RESULTS,
)


def statements(dialect: str) -> dict[Table, Any]:
    """The upsert of each table. SQLite and PostgreSQL spell it alike."""
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return {table: _upsert(insert, table, later) for table, later in _LATER.items()}


def first_only(dialect: str, table: Table) -> Any:
    """An insert that leaves the row that is there."""
    insert = sqlite_insert if dialect == "sqlite" else postgresql_insert
    return insert(table).on_conflict_do_nothing()


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
    POSITIONS: lambda table, new: new.next_offset > table.c.next_offset,
    ACCOUNTS: None,
    DEAD_LETTERS: None,
    LEDGERS: None,
    LOG_EVENTS: None,
}
"""Table → when a row may replace the one that is there; None: always, it is the same row again."""
