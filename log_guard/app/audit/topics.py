"""A topic read, and read on, for the tables that the writer writes from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

from confluent_kafka import Message

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.reading import committed, held, read
from log_guard.adapters.kafka.records import UnreadableError, record_of
from log_guard.app.audit.comparing import Comparison, Oldest, Row
from log_guard.app.audit.findings import Finding


def held_against(
    cluster: Cluster,
    topic: str,
    writer: str,
    tables: list[Comparison],
    oldest: Oldest,
    see: Callable[[int, int, Row], None],
    seen: Callable[[], Iterable[Finding]] = tuple,
) -> Iterator[Finding]:
    """Findings on the tables, in the order of readings that ``comparing`` argues for.

    writer:  the group that writes the tables.
    see:     hears partition, offset and content of each record, but for those that come meanwhile.
    seen:    findings of whoever has heard them; they come first.
    """

    def take(spans: Mapping[int, tuple[int, int]], see: Callable[[int, int, Row], None]) -> None:
        for messages in read(cluster, topic, spans):
            records = list(_records(messages))
            for record in records:
                see(*record)
            for table in tables:
                table.add(records)

    first = held(cluster, topic)
    take(first, see)
    yield from seen()
    oldest.deleted({partition: low for partition, (low, _) in held(cluster, topic).items()})
    done = committed(cluster, writer, topic)
    for table in tables:
        yield from table.check(done, oldest)
    if any(table.doubts for table in tables):
        ends = held(cluster, topic)
        take({p: (first.get(p, (low, low))[1], high) for p, (low, high) in ends.items()}, _unheard)
        for table in tables:
            yield from table.settle()


def _unheard(partition: int, offset: int, record: Row) -> None:
    pass


def _records(messages: list[Message]) -> Iterator[tuple[int, int, Row]]:
    """Those that can be read; the others the writer has kept as dead letters."""
    for message in messages:
        with suppress(UnreadableError):
            yield message.partition() or 0, message.offset() or 0, record_of(message)
