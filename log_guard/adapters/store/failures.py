"""What SQLite says went wrong, in one line that names the repair."""

from __future__ import annotations

import sqlite3

from log_guard.errors import StoreError

_REPAIRS = {
    sqlite3.SQLITE_BUSY: "is in use by another program: try again when that is done, or stop it",
    sqlite3.SQLITE_LOCKED: "is in use by another program: try again when that is done, or stop it",
    sqlite3.SQLITE_FULL: "cannot grow, its disk is full: make room, or name another file",
    sqlite3.SQLITE_READONLY: "may not be written: grant permission to it and its directory, or name another file",
    sqlite3.SQLITE_PERM: "may not be opened: grant permission to it and its directory, or name another file",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check that it is a file and that you may write it and its directory",
    sqlite3.SQLITE_NOTADB: "is no SQLite database: name another file",
    sqlite3.SQLITE_CORRUPT: "is damaged: restore it from a copy, or name another file",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check its disk",
    sqlite3.SQLITE_MISMATCH: "has tables of another shape: name another file",
    sqlite3.SQLITE_CONSTRAINT: "has tables of another shape: name another file",
}
"""Primary result code → what is the matter; https://www.sqlite.org/rescode.html explains the codes."""


def store_error(database: str, error: BaseException | None) -> StoreError:
    """The error to raise for what the driver raised; ``database`` is its name for people."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        # The low byte is the primary code, the rest refines it.
        repair = _REPAIRS.get(code & 0xFF)
        if repair is not None:
            return StoreError(f"database {database} {repair}")
    return StoreError(
        f"database {database} refuses: {error} (if another program or version made it, name another file)"
    )
