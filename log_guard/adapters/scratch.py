"""A private table in a temporary file: for what is compared in order and does not fit in memory.

SQLite keeps a database without a name in a file that nobody else can open and that is gone with
the connection; what fits in its cache is never written at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

Row = tuple[Any, ...]

_BATCH = 10_000
_CACHE_KIB = 65_536


class Scratch:
    """Rows by (time, name), the last word for each; times are µs.

    merge:  SQL for what happens to a row whose key is there: ``excluded`` is the new one.
    """

    def __init__(self, columns: tuple[str, ...], merge: str) -> None:
        self._columns = columns
        self._db = sqlite3.connect("")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        names = ", ".join(columns)
        self._db.execute(
            f"CREATE TABLE kept (time INTEGER, name TEXT, {names}, PRIMARY KEY (time, name)) WITHOUT ROWID"
        )
        marks = ", ".join("?" * (len(columns) + 2))
        self._insert = (
            f"INSERT INTO kept VALUES ({marks}) ON CONFLICT (time, name) DO UPDATE SET {merge}"
        )

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, rows: Iterable[Row]) -> None:
        """Take in rows: time, name and the columns."""
        self._db.executemany(self._insert, rows)

    def by_time(self) -> Iterator[tuple[int, dict[str, dict[str, Any]]]]:
        """Each time, ascending, with its rows by name."""
        cursor = self._db.execute("SELECT * FROM kept ORDER BY time, name")
        cursor.arraysize = _BATCH
        for time, rows in groupby(cursor, key=itemgetter(0)):
            yield time, {row[1]: dict(zip(self._columns, row[2:], strict=True)) for row in rows}
