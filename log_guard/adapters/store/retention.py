"""How long rows stay: for those who drop or merge them, and for those who must not call them missing."""

from __future__ import annotations

from datetime import datetime, timedelta

DAYS = 30
"""For which results, dead letters, alerts and single accounts are kept; as long as the topics hold their records."""
DAYS_OF_EVENTS = 7


def dropped_before(now: datetime, days: int = DAYS) -> int:
    """The time (µs) before which ``maintain`` drops.

    At a whole hour, so that no hour that was rolled up is ever rolled up again from a part of it.
    """
    oldest = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    return round(oldest.timestamp() * 1_000_000)


def surely_there_from(now: datetime) -> int:
    """The time (µs) from which on nothing is dropped: a day later, for clocks that differ and what is dropped meanwhile."""
    return dropped_before(now, DAYS - 1)
