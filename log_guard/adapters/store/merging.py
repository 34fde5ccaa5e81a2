"""Accounts that are old: neighbours become one, which says the same.

The audit (``app/audit/offsets.py``) finds and adds up the same before and after. So only accepted ranges of one
partition are merged, of which one begins where the other ends, and only if the audit has nothing to say of that
place: no range before reaches beyond it, each accounts for all that it consumed, and the balance is of both.
Ranges that were doubled or missing stay as they are: each is a finding.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, literal, select, tuple_

from log_guard.adapters.store.schema import ACCOUNTS, BALANCES
from log_guard.core.stream.progress import ACCEPTED, DOUBLED

BATCH = 10_000
"""Rows that are changed in one transaction, so that it is over in a moment."""
PAUSE = 0.05
"""Seconds between two of them, in which others have their turn: SQLite has one writer at a time."""

Row = dict[str, Any]
Place = tuple[str, str, int]
"""Run, topic and partition."""

_KEY = tuple(ACCOUNTS.primary_key)
_PARTS = ("summarised", "late", "dead_lettered", "filtered")
_COUNTS = ("consumed", *_PARTS)
_END = (1 << 63) - 1


@dataclass
class Merged:
    """What was done.

    gone:     so many rows are part of others now.
    reached:  up to which offset the accounts of a partition are old, before the first that is not.
    """

    gone: int = 0
    reached: dict[Place, int] = field(default_factory=dict)


class _MeanwhileError(Exception):
    """The rows are not those that were read: another process is at it."""


@dataclass
class _Stretch:
    """Rows, from ``first`` to ``last`` in the order of their keys, that are to be one: ``row``.

    before:  up to which offset the ranges reach that come before it.
    """

    before: int
    first: Row
    last: Row
    row: Row
    rows: int = 1

    def take(self, row: Row) -> bool:
        """Whether a row goes on where this one ends; then it is one of it."""
        mine = self.row
        if not self.before <= mine["next_offset"] == row["first_offset"]:
            return False
        largest = {name: max(mine[name], row[name]) for name in ("summary_offset", "written")}
        sums = {name: mine[name] + row[name] for name in _COUNTS}
        self.row = {**mine, "next_offset": row["next_offset"], **largest, **sums}
        self.last = row
        self.rows += 1
        return True


def merge(engine: Engine, oldest: int) -> Merged:
    """Merge accounts that were published before a time (µs), up to the first of a partition that was not."""
    done = Merged()
    with engine.connect() as connection:
        known = connection.execute(select(BALANCES.c.run, BALANCES.c.summary_offset))
        balances = {run: int(offset) for run, offset in known}
    after: tuple[Any, ...] | None = None
    place: Place | None = None
    reach, last = -1, None  # of this partition: how far it goes, and what the next row may continue
    while rows := _page(engine, after):
        stretches = [] if last is None else [last]
        for row in rows:
            after = _key(row)
            here = (row["run"], row["topic"], row["partition"])
            if here != place:
                place, reach, last = here, -1, None
            if row["status"] == DOUBLED:
                continue  # the audit tells of it, and goes on as if it were not there
            if row["status"] == ACCEPTED:
                if row["written"] >= oldest:
                    after = (*here, _END, _END, "")  # on to the next partition
                    break
                done.reached[here] = max(done.reached.get(here, -1), row["next_offset"])
            if not _plain(row, balances.get(row["run"], -1)):
                last = None
            elif last is None or not last.take(row):
                last = _Stretch(reach, row, row, row)
                stretches.append(last)
            reach = max(reach, row["next_offset"])
        try:
            with engine.begin() as connection:
                done.gone += sum(_write(connection, one) for one in stretches if one.rows > 1)
        except _MeanwhileError:
            break
        if last is not None:
            last = _Stretch(last.before, last.row, last.row, last.row)
        if len(rows) == BATCH:
            time.sleep(PAUSE)  # for those who wait for the database meanwhile
    return done


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in _KEY)


def _page(engine: Engine, after: tuple[Any, ...] | None) -> list[Row]:
    """The next rows in the order of their keys."""
    query = select(ACCOUNTS).order_by(*_KEY).limit(BATCH)
    if after is not None:
        bound = (literal(value, c.type) for value, c in zip(after, _KEY, strict=True))
        query = query.where(tuple_(*_KEY) > tuple_(*bound))
    with engine.connect() as connection:
        return [row._asdict() for row in connection.execute(query)]


def _plain(row: Row, balance: int) -> bool:
    """Whether the audit has nothing to say of a row by itself, nor will have."""
    accounted = row["consumed"] == sum(row[name] for name in _PARTS)
    forward = row["first_offset"] <= row["next_offset"]
    known = row["summary_offset"] <= balance
    return bool(row["status"] == ACCEPTED and accounted and forward and known)


def _write(connection: Connection, stretch: _Stretch) -> int:
    """One row for all of a stretch; how many fewer there are."""
    first, last, at = stretch.first, stretch.last, ACCOUNTS.c.first_offset
    order = (at, ACCOUNTS.c.summary_offset)
    low, high = (tuple_(*(literal(row[c.name], c.type) for c in order)) for row in (first, last))
    mine = delete(ACCOUNTS).where(
        *(ACCOUNTS.c[name] == first[name] for name in ("run", "topic", "partition", "status")),
        at.between(first["first_offset"], last["first_offset"]),  # for PostgreSQL's planner
        tuple_(*order).between(low, high),
    )
    gone = connection.execute(mine)
    if gone.rowcount != stretch.rows:
        raise _MeanwhileError
    connection.execute(insert(ACCOUNTS), stretch.row)
    return stretch.rows - 1
