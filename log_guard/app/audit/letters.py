"""The dead letters, and the records that they were written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter
from typing import Any

from log_guard.app.audit.comparing import ByTime, Comparison, Row


def letter_rows(topic: str, stored: Callable[[], Iterable[Row]], oldest: int) -> Comparison:
    """By the offsets of what could not be read, and its partitions and lines as names; none is ever revised.

    topic:   of the log events: the writer keeps letters of its own about the other topics.
    stored:  their places, by offset.
    oldest:  when those were published (µs) that cannot have been dropped for their age.
    """

    def row_of(partition: int, offset: int, record: Row) -> tuple[Any, ...] | None:
        if record.get("kind") != "dead_letter" or record.get("topic") != topic:
            return None
        try:
            name = f"{int(record['partition'])} {int(record['line'])}"
            return (int(record["offset"]), name, 0, partition, offset, record["written"])
        except (KeyError, TypeError, ValueError):
            return None  # the writer has kept it as a dead letter

    def places() -> ByTime:
        for offset, rows in groupby(stored(), key=itemgetter("offset")):
            yield offset, {f"{row['partition']} {row['line']}": {"revision": 0} for row in rows}

    def where(offset: int, name: str) -> str:
        partition, line = name.split()
        return f"dead_letters {topic}-{partition}@{offset}:{line}"

    return Comparison((), "1", row_of, places, where, lambda _, record: record["written"] < oldest)
