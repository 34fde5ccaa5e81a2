"""Records of the topics, as rows of the tables.

Records come from a topic that others may write to as well, so each is checked for what its row
needs; a record that lacks it is refused by name.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Table

from log_guard.adapters.store.schema import ACCOUNTS, ALERTS, BALANCES, DEAD_LETTERS, RESULTS
from log_guard.core.features import TEXT_FEATURES, VOLUME_FEATURES
from log_guard.core.iso import from_iso
from log_guard.errors import StoreError

Record = Mapping[str, Any]
Row = dict[str, Any]

_TIMES = frozenset({"window_start", "window_end", "start", "end", "opened", "watermark"})
_TEXT_FEATURES, _RAW = "text_features", "raw"


def rows_of(records: Iterable[Record]) -> dict[Table, list[Row]]:
    """Table → rows. Of a row that comes more than once the one with the greatest revision stays.

    Raises StoreError for a record that no table takes.
    """
    found: dict[Table, dict[tuple[Any, ...], Row]] = {}
    for record in records:
        table, row = _row_of(record)
        rows = found.setdefault(table, {})
        key = tuple(row[column.name] for column in table.primary_key)
        known = rows.get(key)
        if known is None or _order(row) >= _order(known):
            rows[key] = row
    return {table: list(rows.values()) for table, rows in found.items()}


def refused(record: Record) -> str | None:
    """Why no table takes a record; None if one does."""
    try:
        _row_of(record)
    except StoreError as e:
        return str(e)
    return None


def _order(row: Row) -> tuple[Any, Any]:
    return row.get("revision", row.get("summary_offset", 0)), row.get("final", True)


def _row_of(record: Record) -> tuple[Table, Row]:
    try:
        table, extra = _KINDS[record["kind"]]
        row = {**extra(record), "run": record.get("run", "")}
        for column in table.columns:
            if column.default is not None and column.name not in record:
                continue  # known to the table
            if column.name not in row:
                row[column.name] = (
                    record.get(column.name) if column.nullable else record[column.name]
                )
            value = row[column.name]
            if column.name in _TIMES and value is not None:
                row[column.name] = from_iso(value)
            elif column.name != _RAW:
                row[column.name] = _without_nul(value)
        return table, row
    except (KeyError, TypeError, ValueError) as e:
        kind = record.get("kind")
        raise StoreError(
            f"a record of kind {kind!r} cannot be stored: {type(e).__name__} {e}"
        ) from e


def _result(record: Record) -> Row:
    for name in VOLUME_FEATURES:
        float(record[name])
    return {_TEXT_FEATURES: {name: record[name] for name in TEXT_FEATURES}}


def _dead_letter(record: Record) -> Row:
    coded = record.get("raw_base64")
    raw = base64.b64decode(coded) if coded else str(record["raw"]).encode("utf-8", "surrogatepass")
    return {_RAW: raw}


def _nothing(record: Record) -> Row:
    return {}


_KINDS: dict[str, tuple[Table, Callable[[Record], Row]]] = {
    "result": (RESULTS, _result),
    "alert": (ALERTS, _nothing),
    "account": (ACCOUNTS, _nothing),
    "balance": (BALANCES, _nothing),
    "dead_letter": (DEAD_LETTERS, _dead_letter),
}


def _without_nul(value: Any) -> Any:
    """PostgreSQL's texts cannot hold NUL."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_without_nul(k): _without_nul(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    return value
