"""Fields that no record has: an option names them by a slip of the pen, or they go by names that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from log_guard.core.decoding.formats.json_record import Fields, has_field
from log_guard.core.decoding.formats.otlp import unpack_lines

SHOWN = 20
"""Fields that are listed."""
_NEARLY_NONE = 0.1
"""Share of the records below which a field counts as not there: a few lines of another program may have it."""


def unknown_field(option: str, name: str, lines: Sequence[str], so: str = "") -> str | None:
    """Say that the field an option names is in none of these JSON lines, and which are; None if it is.

    An object is a value for a message only.  so:  what comes of it.
    """
    records = [record for record in map(_record, unpack_lines(lines)) if record]
    scalar = option != "--message-field"
    if not records or any(has_field(record, name, scalar=scalar) for record in records):
        return None
    return f"{option} {name}: in none of the first {len(records):,} records{so}; {_listed(records)}"


def no_message(fields: Fields, lines: Sequence[str]) -> str | None:
    """Say what is taken for the message where hardly any of these JSON lines has one under a known name; None if they do.

    Or if they have no other field either: of such a log only the numbers of events can be judged.
    """
    records = [record for record in map(_record, unpack_lines(lines)) if record]
    wanted = {"message": fields.message, "level": fields.level, "service": fields.service}
    missing = [
        name
        for name, names in wanted.items()
        if sum(has_field(record, *names) for record in records) <= _NEARLY_NONE * len(records)
    ]
    known = {*fields.timestamp, *fields.level, *fields.service}
    if "message" not in missing or all(key in known for r in records for key in _names(r)):
        return None
    repair = ", ".join(f"--{name}-field NAME" for name in missing)
    return (
        f"no {' and no '.join(missing)} found in the first {len(records):,} records; all other fields, as key=value, "
        f"stand for the message ({repair} names one); {_listed(records)}"
    )


def _listed(records: Sequence[dict[str, Any]]) -> str:
    seen = sorted({key for record in records for key in _names(record)})
    more = f" and {len(seen) - SHOWN} more" if len(seen) > SHOWN else ""
    return f"their fields: {', '.join(seen[:SHOWN])}{more}"


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
