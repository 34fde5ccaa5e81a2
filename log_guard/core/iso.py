"""Event time as text, and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(time: int) -> datetime:
    """Microseconds since 1970 UTC → datetime in UTC."""
    return _EPOCH + timedelta(microseconds=time)


def iso(time: int) -> str:
    """Microseconds since 1970 UTC → ISO 8601 with a Z."""
    return moment_of(time).isoformat().replace("+00:00", "Z")


def from_iso(text: str) -> int:
    """ISO 8601 with a zone → microseconds since 1970 UTC; ValueError or, without a zone, TypeError."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
