"""What a database says went wrong, in one line that names the repair."""

from __future__ import annotations

import sqlite3

from log_guard.errors import StoreError

_ANOTHER = "name another file"
_IN_USE = "is in use by another program: try again when that is done, or stop it"
_PERMISSION = f"grant permission to it and its directory, or {_ANOTHER}"

_REPAIRS = {
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_FULL: f"cannot grow, its disk is full: make room, or {_ANOTHER}",
    sqlite3.SQLITE_READONLY: f"may not be written: {_PERMISSION}",
    sqlite3.SQLITE_PERM: f"may not be opened: {_PERMISSION}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened: check that it is a file, {_PERMISSION}",
    sqlite3.SQLITE_NOTADB: f"is no SQLite database: {_ANOTHER}",
    sqlite3.SQLITE_CORRUPT: f"is damaged: restore it from a copy, or {_ANOTHER}",
    sqlite3.SQLITE_IOERR: "cannot be read or written: check its disk",
    sqlite3.SQLITE_MISMATCH: f"has tables of another shape: {_ANOTHER}",
    sqlite3.SQLITE_CONSTRAINT: f"has tables of another shape: {_ANOTHER}",
}
"""Primary result code (https://www.sqlite.org/rescode.html) → what is wrong, and its repair."""

_UPGRADE = " (run `logguard db upgrade`)"

_REFUSALS = {
    "the database system is": " (it is stopping or starting: try again)",
    "password authentication failed": " (check user and password)",
    "no password supplied": " (give one: --db-password-file, or LOGGUARD_DB_PASSWORD)",
    "role ": " (check the user's name)",
    "database ": " (check its name, or create it: createdb NAME)",
    "sslmode": " (disable, allow, prefer, require, verify-ca or verify-full)",
}
"""How a refusal to connect begins, or what it speaks of, in the order in which they are tried → repair.

One that comes before there is a connection has no SQLSTATE.
"""

_SERVER_REPAIRS = {
    "42501": " (grant that to this user, or use another)",
    "08": " (is it running, and are host and port right?)",
    "28": " (check user and password)",
    "3D": " (create it: createdb NAME)",
    "42": _UPGRADE,
    "53": " (make room, or raise its limits)",
    "57": " (it is stopping or starting: try again)",
}
"""SQLSTATE, or its class (PostgreSQL's manual, appendix A) → repair."""


def store_error(database: str, error: BaseException | None) -> StoreError:
    """The error to raise for what the driver raised; ``database`` is its name for people."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        # The low byte is the primary code, the rest refines it.
        repair = _REPAIRS.get(code & 0xFF)
        if repair is not None:
            return StoreError(f"database {database} {repair}")
    state = getattr(error, "sqlstate", None)
    if state is not None or type(error).__module__.startswith("psycopg"):
        words = str(error).strip().splitlines() or ["the connection was lost"]
        return StoreError(f"database {database}: {words[0]}{_server_repair(state, words[0])}")
    if "no such table" in str(error):
        return StoreError(f"database {database} has no LogGuard tables{_UPGRADE}")
    return StoreError(
        f"database {database} refuses: {error} (if another program or version made it, {_ANOTHER})"
    )


def _server_repair(state: str | None, words: str) -> str:
    if state is None:
        said = words.rpartition("FATAL: ")[2].strip()
        for phrase, repair in _REFUSALS.items():
            if phrase in said if phrase.strip() == phrase else said.startswith(phrase):
                return repair
    code = state or "08"
    return _SERVER_REPAIRS.get(code, _SERVER_REPAIRS.get(code[:2], ""))
