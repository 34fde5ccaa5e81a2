"""The way in: what the core knows goes in and comes out, rows and statements stay inside."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from log_guard.adapters.store import rows
from log_guard.core.events import DeadLetter
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Result

if TYPE_CHECKING:
    from log_guard.adapters.store.database import Database


class Store:
    """Results, alerts, dead letters and accounts in a SQLite database.

    url:           ``sqlite:///PATH``, or a path. The file and its tables are made if missing; its
                   directory is not.
    wait_seconds:  how long to wait while another program writes, before it is an error.

    A context manager; ``close`` otherwise. Everything raises StoreError, with its repair, where
    the database cannot take or give what was asked.

    Tables are created as they are in ``schema``; an existing table is not changed. Migrations
    (Alembic) come with PostgreSQL and TimescaleDB.
    """

    def __init__(self, url: str, wait_seconds: float = 10.0) -> None:
        self._database = _open(url, wait_seconds)

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
        self._database.write(
            rows.result_rows(results),
            rows.alert_rows(alerts),
            rows.dead_letter_rows(dead),
            [] if ledger is None else [rows.account_row(account, ledger)],
        )

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
        """The sum of all accounts."""
        return sum((rows.ledger_of(row) for row in self._database.accounts()), Ledger())

    def count_results(self) -> int:
        """How many windows there are a result of."""
        return self._database.count_results()


def _open(url: str, wait_seconds: float) -> Database:
    # Late: SQLAlchemy takes 0.3 s to import, and most commands need no store.
    from log_guard.adapters.store.database import Database

    return Database(url, wait_seconds)
