"""The keep role: the log events themselves → the table ``log_events``, if somebody wants them there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.topics import origin
from log_guard.app.roles.membership import Membership
from log_guard.app.roles.messages import by_partition, gather, raw_batch
from log_guard.core.decoding.decode import Decoder
from log_guard.core.masking import redact
from log_guard.core.stream.origin import Origin


class Shelf(Protocol):
    """Where events go: one that is there already is the same one."""

    def keep(self, topic: str, partition: int, events: pl.DataFrame) -> None:
        """Write events (``EVENT_SCHEMA``) in one transaction."""
        ...

    def claim(self, origin: Origin) -> None:
        """Take rows of this pipeline and of no other; OptionError where those there are another's."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class KeepOptions:
    """Topic, group, how to read events, and how many messages at once.

    max_future:  µs that an event may be ahead of its record; what is beyond is a dead letter elsewhere.
    """

    decoder: Decoder
    events: str = "log-events"
    results: str = "anomaly-results"
    group: str = "logguard-writer-events"
    batch: int = 5_000
    poll: float = 0.1
    max_future: int = 600_000_000


class Keep:
    """Role: any number of processes share the partitions of the events."""

    name = "keep"

    def __init__(
        self, cluster: Cluster, options: KeepOptions, open_shelf: Callable[[], Shelf]
    ) -> None:
        self.cluster = cluster
        self.options = options
        self.open_shelf = open_shelf

    def open(self) -> KeepSession:
        return KeepSession(self.cluster, self.options, self.open_shelf())


class KeepSession:
    """Writes and then commits, until closed: at least once, which the key makes exactly once."""

    def __init__(self, cluster: Cluster, options: KeepOptions, shelf: Shelf) -> None:
        self.options = options
        self._shelf = shelf
        cluster.topic(options.events)
        shelf.claim(origin(cluster, options.events, options.results))
        self._consumer = cluster.consumer(options.group)
        self._membership = Membership("keep", options.group)
        self._membership.subscribe(self._consumer, [options.events])

    def step(self) -> bool:
        options = self.options
        messages = gather(self._consumer, options.batch, options.poll, fill=False)
        self._membership.check()
        for partition, mine in by_partition(messages).items():
            batch, appended, _ = raw_batch(mine, partition)
            events = options.decoder.decode(batch).events
            if not events.is_empty():
                real = events.filter(pl.col("time") <= int(appended.max()) + options.max_future)
                shown = real.with_columns(message=redact(real["message"]))
                self._shelf.keep(options.events, partition, shown)
        for message in messages:
            self._consumer.store_offsets(message)
        if messages:
            self._consumer.commit(asynchronous=False)
        return bool(messages)

    def close(self, *, clean: bool) -> None:
        self._membership.close(self._consumer)
        self._shelf.close()
