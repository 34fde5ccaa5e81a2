"""Fields that an option names, and that no record has: most likely a slip of the pen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from log_guard.core.formats.json_record import has_field
from log_guard.core.formats.otlp import unpack_lines

SHOWN = 20
"""Fields that are listed."""


def unknown_field(option: str, name: str, lines: Sequence[str]) -> str | None:
    """Say that the field an option names is in none of these JSON lines, and which are; None if it is."""
    records = [record for record in map(_record, unpack_lines(lines)) if record]
    if not records or any(has_field(record, name) for record in records):
        return None
    seen = sorted({key for record in records for key in _names(record)})
    more = f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
    return (
        f"{option} {name}: in none of the first {len(records):,} records; "
        f"their fields: {', '.join(seen[:SHOWN])}{more}"
    )


def _record(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line, strict=False)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _names(record: dict[str, Any]) -> Iterator[str]:
    """Names of fields as an option may give them: ``a.b`` is ``b`` within ``a``."""
    for key, value in record.items():
        if isinstance(value, dict) and value:
            yield from (f"{key}.{inner}" for inner in value)
        else:
            yield key
