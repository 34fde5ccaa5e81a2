"""The upkeep of a database: what TimescaleDB's Community edition does by itself, for every other one; and what none does.

In batches, so that nobody waits for it: neither the writer, which goes on meanwhile, nor an audit.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    select,
    text,
)

from log_guard.adapters.store import retention
from log_guard.adapters.store.merging import BATCH, PAUSE, Place, merge
from log_guard.adapters.store.schema import (
    ACCOUNTS,
    ALERTS,
    DEAD_LETTERS,
    LOG_EVENTS,
    RESULTS,
    Time,
)
from log_guard.adapters.store.upgrading import HOURLY, has_timescale, table_of_ours

_KEPT = (
    (RESULTS, "window_start", retention.DAYS, "results"),
    (LOG_EVENTS, "time", retention.DAYS_OF_EVENTS, "log events"),
)
"""Table, its column of time, days for which it is kept, and what is in it."""
_HOUR = {
    "postgresql": "date_trunc('hour', window_start, 'UTC')",
    "sqlite": "strftime('%Y-%m-%d %H:00:00.000000', window_start)",
}
_DAY = 86_400_000_000


def maintain(engine: Engine, now: datetime) -> Iterator[str]:
    """Roll up, drop what is older than the retention, merge accounts; what was done, a line each."""
    if table_of_ours(engine):
        yield f"rolled up {_roll_up(engine):,} hours of services"
    for table, column, days, what in _KEPT:
        oldest = retention.dropped_before(now, days)
        if has_timescale(engine):
            query = text(f"SELECT drop_chunks('{table.name}', CAST(:oldest AS TIMESTAMPTZ))")
            with engine.begin() as connection:
                bound = query.bindparams(bindparam("oldest", type_=Time))
                chunks = len(connection.execute(bound, {"oldest": oldest}).all())
            yield f"dropped {chunks} chunks of {what} older than {days} days"
        else:
            gone = _delete(engine, table, table.c[column] < oldest)
            yield f"deleted {gone:,} {what} older than {days} days"
    oldest, days = retention.dropped_before(now), retention.DAYS
    merged = merge(engine, oldest)
    yield f"merged {merged.gone:,} accounts older than {days} days with their neighbours"
    letters = _drop_letters(engine, oldest, merged.reached)
    yield f"deleted {letters:,} dead letters older than {days} days"
    alerts = _delete(engine, ALERTS, ALERTS.c.written < oldest)
    yield f"deleted {alerts:,} alerts older than {days} days"


def _roll_up(engine: Engine) -> int:
    """Bring the hourly table up to date, day by day; so many hours of services."""
    columns = ("windows", "anomalies", "peak_score", "peak_log_count")
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    of_day = "WHERE window_start >= :start AND window_start < :end"
    statement = text(
        f"INSERT INTO anomaly_results_hourly (hour, service, run, {', '.join(columns)}) "
        + HOURLY.format(hour=_HOUR[engine.dialect.name], where=of_day)
        + f" ON CONFLICT (hour, service, run) DO UPDATE SET {changes}"
    ).bindparams(bindparam("start", type_=Time), bindparam("end", type_=Time))
    rolled, end = 0, None
    while True:
        first = select(func.min(RESULTS.c.window_start))
        if end is not None:
            first = first.where(RESULTS.c.window_start >= end)
        with engine.connect() as connection:
            found = connection.execute(first).scalar()
        if found is None:
            return rolled
        start = found - found % _DAY
        end = start + _DAY
        with engine.begin() as connection:
            rolled += connection.execute(statement, {"start": start, "end": end}).rowcount


def _drop_letters(engine: Engine, oldest: int, reached: Mapping[Place, int]) -> int:
    """Those that are old, and whose account is: the audit counts letters where it counts their accounts."""
    place = DEAD_LETTERS.c.run, DEAD_LETTERS.c.topic, DEAD_LETTERS.c.partition
    old = DEAD_LETTERS.c.written < oldest
    counted = exists().where(
        ACCOUNTS.c.run == DEAD_LETTERS.c.run, ACCOUNTS.c.topic == DEAD_LETTERS.c.topic
    )
    gone = _delete(engine, DEAD_LETTERS, old & ~counted)
    for where, offset in reached.items():
        mine = [column == value for column, value in zip(place, where, strict=True)]
        gone += _delete(engine, DEAD_LETTERS, and_(*mine, DEAD_LETTERS.c.offset < offset, old))
    return gone


def _delete(engine: Engine, table: Table, old: ColumnElement[bool]) -> int:
    """Delete a batch at a time; how many."""
    row: ColumnElement[Any] = literal_column("rowid" if engine.dialect.name == "sqlite" else "ctid")
    some = select(row).select_from(table).where(old).limit(BATCH).correlate(None)
    gone = 0
    while True:
        with engine.begin() as connection:
            batch = connection.execute(delete(table).where(row.in_(some))).rowcount
        gone += batch
        if batch < BATCH:
            return gone
        time.sleep(PAUSE)  # for those who wait for the database meanwhile
