"""The write role: results, alerts, accounts and dead letters → the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from log_guard.adapters.kafka.clients import Cluster, committed_offsets
from log_guard.adapters.kafka.records import (
    NewerError,
    UnreadableError,
    place,
    published,
    record_of,
)
from log_guard.adapters.kafka.topics import origin
from log_guard.adapters.store.retention import surely_there_from
from log_guard.app.roles.membership import TIMEOUT, Membership
from log_guard.app.roles.messages import gather
from log_guard.core.stream.origin import Origin
from log_guard.errors import StoreError


class Sink(Protocol):
    """Where rows go: a row is replaced only by one of the same or a greater revision."""

    def apply(
        self,
        records: Iterable[Mapping[str, Any]],
        reader: str,
        reached: Mapping[tuple[str, int], int],
    ) -> None:
        """Write them, and how far the reader has come, in one transaction; StoreError where that cannot be."""
        ...

    def positions(self, reader: str, topic: str) -> dict[int, int]:
        """How far the reader has ever come, by partition."""
        ...

    def refuses(self, record: Mapping[str, Any]) -> str | None:
        """Why no table takes this record, however often it is tried; None if one does."""
        ...

    def claim(self, origin: Origin) -> None:
        """Take rows of this pipeline and of no other; OptionError where those there are another's."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class WriteOptions:
    """Topics, group, and how much at once: ``batch`` records, or what came within ``poll`` seconds."""

    events: str = "log-events"
    results: str = "anomaly-results"
    dead_letters: str = "dead-letters"
    group: str = "logguard-writer"
    batch: int = 100
    poll: float = 0.1


Told = tuple[Message, Mapping[str, Any]]
"""A message and the record in it."""

OURS = "logguard"
"""Goes with each offset that we commit; one that a person sets is without."""


class Write:
    """Role: any number of processes share the partitions of the results.

    open_sink:  connects to the database; raises StoreError where that cannot be done.
    """

    name = "write"

    def __init__(
        self, cluster: Cluster, options: WriteOptions, open_sink: Callable[[], Sink]
    ) -> None:
        self.cluster = cluster
        self.options = options
        self.open_sink = open_sink

    def open(self) -> WriteSession:
        # The database first: while it is away, nobody joins and leaves the group in vain.
        return WriteSession(self.cluster, self.options, self.open_sink())


class WriteSession:
    """Writes and then commits, until closed: at least once, which the revisions make exactly once."""

    def __init__(self, cluster: Cluster, options: WriteOptions, sink: Sink) -> None:
        self.options = options
        self._sink = sink
        self._log = structlog.get_logger().bind(role="write")
        for topic in (options.results, options.dead_letters):
            cluster.topic(topic)
        self._before: dict[tuple[str, int], int] = {}  # how far records were written when we came
        sink.claim(origin(cluster, options.events, options.results))
        self._consumer = cluster.consumer(options.group)
        self._membership = Membership("write", options.group, self._assigned)
        self._membership.subscribe(self._consumer, [options.results, options.dead_letters])

    def step(self) -> bool:
        messages = gather(self._consumer, self.options.batch, self.options.poll, fill=False)
        self._membership.check()
        told, newer = self._readable(messages)
        if told:
            self._write(told)
        if newer is not None:
            raise newer
        return bool(told)

    def _readable(self, messages: list[Message]) -> tuple[list[Told], NewerError | None]:
        """Of each partition what comes before a record of a newer version; and why not that one."""
        told: list[Told] = []
        held_up: dict[tuple[str | None, int | None], NewerError] = {}
        for message in messages:
            at = message.topic(), message.partition()
            if at in held_up:
                continue
            try:
                told.append((message, self._record(message)))
            except NewerError as e:
                held_up[at] = e
        return told, next(iter(held_up.values()), None)

    def _write(self, told: list[Told]) -> None:
        messages = [message for message, _ in told]
        told = [(message, record) for message, record in told if not self._merged(message, record)]
        records = [record for _, record in told]
        # The last of each partition counts.
        reached = {(m.topic() or "", m.partition() or 0): (m.offset() or 0) + 1 for m in messages}
        group = self.options.group
        try:
            self._sink.apply(records, group, reached)
        except StoreError:
            reasons = [self._sink.refuses(record) for record in records]
            if not any(reasons):
                raise
            kept = [
                self._kept(message, why) if why else record
                for (message, record), why in zip(told, reasons, strict=True)
            ]
            self._sink.apply(kept, group, reached)
        offsets = [TopicPartition(*at, offset, metadata=OURS) for at, offset in reached.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Say where hands have moved the offset; the client goes on from it, whatever it is."""
        written: dict[str, dict[int, int]] = {}
        for found in committed_offsets(consumer, partitions, TIMEOUT):
            if found.topic not in written:
                written[found.topic] = self._sink.positions(self.options.group, found.topic)
            before = written[found.topic].get(found.partition)
            self._before[found.topic, found.partition] = before or 0
            now = max(found.offset, 0)
            if before is None or now == before or found.metadata == OURS:
                continue  # with our mark: an end between the rows and the offset, which is no news
            effect = "the records between are not written: set it back"
            if now < before:
                effect = "its records are read again: rows that were deleted come back, others stay"
            self._membership.say_moved(found.topic, found.partition, before, now, effect)

    def close(self, *, clean: bool) -> None:
        self._membership.close(self._consumer)
        self._sink.close()

    def _record(self, message: Message) -> Mapping[str, Any]:
        try:
            return record_of(message)
        except UnreadableError as e:
            return self._kept(message, str(e))

    def _merged(self, message: Message, record: Mapping[str, Any]) -> bool:
        """Whether this account was written before hands set us back, and is so old that `db maintain` may have merged it.

        Written again it would stand beside the row that it is part of.
        """
        before = self._before.get((message.topic() or "", message.partition() or 0), 0)
        again = record.get("kind") == "account" and (message.offset() or 0) < before
        return again and bool(record["written"] < surely_there_from(datetime.now(UTC)))

    def _kept(self, message: Message, reason: str) -> Mapping[str, Any]:
        """What stands for a record that nobody can store: it is kept, too."""
        self._log.warning("a record that cannot be stored", record=place(message), reason=reason)
        return {
            "kind": "dead_letter",
            "run": "",
            "topic": message.topic(),
            "partition": message.partition(),
            "offset": message.offset(),
            "line": 0,
            "reason": reason,
            "raw": (message.value() or b"").decode("utf-8", errors="replace")[:4096],
            "written": published(message),
        }
