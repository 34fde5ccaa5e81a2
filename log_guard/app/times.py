"""Times as people and records write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from log_guard.errors import OptionError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(text: str) -> int:
    """ISO 8601 → µs since 1970; without a zone it is UTC. Raises ValueError."""
    given = datetime.fromisoformat(text)
    return ((given if given.tzinfo else given.replace(tzinfo=UTC)) - _EPOCH) // timedelta(
        microseconds=1
    )


def time_of(text: str | None, option: str) -> int | None:
    """The value of an option; OptionError that names it."""
    try:
        return None if text is None else microseconds(text)
    except ValueError:
        raise OptionError(f"{option} {text}: give a time such as 2026-01-31T12:00:00Z") from None
