"""The upkeep that TimescaleDB's Community edition does by itself, for every other database."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, text

from log_guard.adapters.store.schema import LOG_EVENTS, RESULTS
from log_guard.adapters.store.upgrading import HOURLY, has_timescale, table_of_ours

_KEPT = (
    (RESULTS, "window_start", 30, "results"),
    (LOG_EVENTS, "time", 7, "log events"),
)
"""Table, its column of time, days for which it is kept, and what is in it."""
_HOUR = {
    "postgresql": "date_trunc('hour', window_start)",
    "sqlite": "strftime('%Y-%m-%d %H:00:00.000000', window_start)",
}


def maintain(engine: Engine, now: datetime) -> list[str]:
    """Roll up, then drop what is older than the retention; what was done, a line each."""
    done: list[str] = []
    if table_of_ours(engine):
        with engine.begin() as connection:
            query = HOURLY.format(hour=_HOUR[engine.dialect.name], where="WHERE 1 = 1")
            columns = ("windows", "anomalies", "peak_score", "peak_log_count")
            changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
            rolled = connection.execute(
                text(
                    "INSERT INTO anomaly_results_hourly "
                    f"(hour, service, run, {', '.join(columns)}) {query} "
                    f"ON CONFLICT (hour, service, run) DO UPDATE SET {changes}"
                )
            )
            done.append(f"rolled up {rolled.rowcount:,} hours of services")
    for table, time, days, what in _KEPT:
        # At a whole hour, so that no hour that was rolled up is ever rolled up again from a part of it.
        oldest = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
        with engine.begin() as connection:
            if has_timescale(engine):
                chunks = connection.execute(
                    text(f"SELECT drop_chunks('{table.name}', CAST(:oldest AS TIMESTAMPTZ))"),
                    {"oldest": oldest},
                )
                done.append(f"dropped {len(chunks.all())} chunks of {what} older than {days} days")
            else:
                old = table.c[time] < round(oldest.timestamp() * 1_000_000)
                gone = connection.execute(delete(table).where(old))
                done.append(f"deleted {gone.rowcount:,} {what} older than {days} days")
    return done
