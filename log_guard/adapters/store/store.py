"""The way in: what the core knows goes in and comes out, rows and statements stay inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from log_guard.adapters.store import rows
from log_guard.core.events import DeadLetter
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Result
from log_guard.core.stream.origin import Origin
from log_guard.errors import OptionError

if TYPE_CHECKING:
    import polars as pl
    from sqlalchemy import URL

    from log_guard.adapters.store.database import Database


class Store:
    """Results, alerts, dead letters and accounts in SQLite, PostgreSQL or TimescaleDB.

    url:           ``sqlite:///PATH``, a path, or ``postgresql://USER:PASSWORD@HOST:PORT/NAME``. A file
                   is made if missing; its directory is not.
    wait_seconds:  how long to wait while another program writes, before it is an error.
    upgrade:       bring the tables to this version first, which keeps their rows.

    A context manager; ``close`` otherwise. Everything raises StoreError, with its repair, where
    the database cannot take or give what was asked.
    """

    def __init__(self, url: str | URL, wait_seconds: float = 10.0, *, upgrade: bool = True) -> None:
        self._database = _open(url, wait_seconds, upgrade)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; twice is harmless."""
        self._database.close()

    def write(
        self,
        results: Sequence[Result] = (),
        alerts: Sequence[Alert] = (),
        dead: Sequence[DeadLetter] = (),
        ledger: Ledger | None = None,
        *,
        account: str = "",
    ) -> None:
        """Write a batch in one transaction; writing it again changes nothing.

        * A result replaces the one of its window and service only if its revision is greater or,
          at the same revision, unless it takes back what was final: results may come in any order.
        * An alert replaces the one with its id, a dead letter the one at its source and position:
          each has one writer, whose last word counts.
        * ``ledger`` holds the totals so far of ``account`` (a run, or a key of it), and replaces
          what that said before.
        """
        from log_guard.adapters.store import schema

        self._database.write_rows(
            {
                schema.RESULTS: rows.result_rows(results),
                schema.ALERTS: rows.alert_rows(alerts),
                schema.DEAD_LETTERS: rows.dead_letter_rows(dead),
                schema.LEDGERS: [] if ledger is None else [rows.ledger_row(account, ledger)],
            }
        )

    def claim(self, origin: Origin) -> None:
        """Take rows of this pipeline from now on, and of no other: OptionError where they are another's."""
        self._database.claim(asdict(origin))
        self.verify(origin)

    def verify(self, origin: Origin) -> None:
        """Refuse where the rows are of another pipeline: OptionError. Where nobody has written, they are of any."""
        row = self._database.pipeline()
        other = None if row is None else Origin(**row).differs(origin)
        if other is not None:
            raise OptionError(
                f"database {self._database.name} holds rows {other}: name another database "
                "(--db-name, --db-url); if it is the same pipeline, moved with all its offsets, "
                "DELETE FROM pipeline lets it go on"
            )

    def keep(self, topic: str, partition: int, events: pl.DataFrame) -> None:
        """Write events (``EVENT_SCHEMA``) of a partition to ``log_events``; again is harmless."""
        from log_guard.adapters.store import schema

        self._database.write_rows({schema.LOG_EVENTS: rows.event_rows(topic, partition, events)})

    def log_events(self, topic: str) -> list[Mapping[str, Any]]:
        """The events that were kept, by partition and place."""
        return self._database.log_events(topic)

    def refuses(self, record: Mapping[str, Any]) -> str | None:
        """Why no table takes a record of the topics; None if one does."""
        from log_guard.adapters.store.records import refused

        return refused(record)

    def apply(
        self,
        records: Iterable[Mapping[str, Any]],
        reader: str = "",
        reached: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        """Write records of the topics in one transaction; writing them again changes nothing.

        A row is replaced only by one of the same or a greater revision. Raises StoreError; for a
        record that no table takes before anything is written.

        reader, reached:  the consumer group, and how far it has come: (topic, partition) → next offset.
        """
        from log_guard.adapters.store import schema
        from log_guard.adapters.store.records import rows_of

        positions = [
            {"reader": reader, "topic": topic, "partition": partition, "next_offset": offset}
            for (topic, partition), offset in (reached or {}).items()
        ]
        self._database.write_rows({**rows_of(records), schema.POSITIONS: positions})

    def positions(self, reader: str, topic: str) -> dict[int, int]:
        """Partition → how far a consumer group's records have been written, whatever it reads now."""
        rows = self._database.positions(reader, topic)
        return {row["partition"]: row["next_offset"] for row in rows}

    @property
    def notes(self) -> list[str]:
        """What this database does not offer, known from its upgrade."""
        return self._database.notes

    def maintain(self, now: datetime) -> list[str]:
        """Roll up, drop what is older than the retention, merge old accounts; what was done, a line each."""
        from log_guard.adapters.store.maintaining import maintain

        with self._database.failures():
            return list(maintain(self._database.engine, now))

    def accounts(self, topic: str, run: str = "") -> Iterator[Mapping[str, Any]]:
        """The ranges of input offsets of a topic and run, by partition and first offset; old ones are merged."""
        return self._database.accounts(run, topic)

    def balance(self, run: str = "") -> Mapping[str, Any] | None:
        """The latest balance of a run."""
        return self._database.balance(run)

    def verdicts(
        self, run: str = "", start: int | None = None, end: int | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """The rows of a run with ``start <= window_start < end`` (µs), in that order; no features."""
        return self._database.verdicts(run, start, end)

    def span_of_results(
        self, run: str = "", start: int | None = None, end: int | None = None
    ) -> tuple[int, tuple[int, int] | None]:
        """How many rows there are in the span; first and last start (µs) of the final ones among them."""
        return self._database.span_of_results(run, start, end)

    def result(self, start: int, service: str, run: str = "") -> Mapping[str, Any] | None:
        """The row of the window that starts then (µs); None if there is none."""
        return self._database.result(run, start, service)

    def count_dead_letters(self, topic: str, run: str = "") -> int:
        return self._database.count_dead_letters(run, topic)

    def dead_letter_places(self, topic: str, run: str = "") -> Iterator[Mapping[str, Any]]:
        """``partition``, ``offset`` and ``line`` of the dead letters of a topic, by offset."""
        return self._database.dead_letter_places(run, topic)

    def alert_heads(self, run: str = "") -> Iterator[Mapping[str, Any]]:
        """The alerts of a run by id, without evidence and course."""
        return self._database.alert_heads(run)

    def alerts(self) -> list[Alert]:
        """All alerts, by id."""
        return [rows.alert_of(row) for row in self._database.alerts()]

    def anomalies(self, limit: int = 100) -> list[Result]:
        """The newest results that are anomalies, newest first."""
        return [rows.result_of(row) for row in self._database.anomalies(limit)]

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """The first dead letters, by source and position."""
        return [rows.dead_letter_of(row) for row in self._database.dead_letters(limit)]

    def ledger(self) -> Ledger:
        """The sum over all runs in one process."""
        return sum((rows.ledger_of(row) for row in self._database.ledgers()), Ledger())

    def count_results(self) -> int:
        """How many windows there are a result of."""
        return self._database.count_results()


def check_database(url: str | URL, wait_seconds: float = 10.0) -> list[str]:
    """What in a database's schema is not as this version needs it, a sentence each; changes nothing."""
    from log_guard.adapters.store import upgrading
    from log_guard.adapters.store.engine import failures_of, open_engine

    engine, name = open_engine(url, wait_seconds)
    try:
        with failures_of(name):
            return upgrading.differences(engine)
    finally:
        engine.dispose()


def _open(url: str | URL, wait_seconds: float, upgrade: bool) -> Database:
    # Late: SQLAlchemy takes 0.3 s to import, and most commands need no store.
    from log_guard.adapters.store.database import Database

    return Database(url, wait_seconds, upgrade=upgrade)
