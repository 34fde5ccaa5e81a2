"""Kafka's clients as LogGuard uses them: read committed records, write in transactions.

The settings that the promise rests on are set here and cannot be overridden; everything else that
librdkafka knows (SASL, TLS, buffers) passes through.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from log_guard.errors import OptionError, StreamError

_Client = TypeVar("_Client")

TRANSACTION_TIMEOUT = 10.0
"""Seconds after which the broker ends the transaction of a process that died in it."""


@dataclass(frozen=True)
class Cluster:
    """Where Kafka is and who we are.

    properties:       any librdkafka settings (SASL, TLS, ...); secrets among them, so not shown.
    instance:         unique among the running processes; stable over the restarts of one.
    session_timeout:  seconds after which a process that is not heard of loses its partitions.
    """

    brokers: str
    instance: str = "0"
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    session_timeout: float = 10.0

    def _common(self, client: str) -> dict[str, Any]:
        return {
            "bootstrap.servers": self.brokers,
            "client.id": client,
            "logger": _logger,
            # A client that cannot reach its broker says so here many times a second.
            "log.connection.close": False,
            "reconnect.backoff.max.ms": 2_000,
            **self.properties,
        }

    def consumer(self, group: str, **settings: Any) -> Consumer:
        """A member of a consumer group; the offsets are the caller's to commit."""
        return _made(
            Consumer,
            {
                "fetch.wait.max.ms": 100,
                # So long it waits, where its queue was full, before it fetches more: by default a second.
                "fetch.queue.backoff.ms": 10,
                # So soon partitions that were added are heard of: by default after five minutes.
                "topic.metadata.refresh.interval.ms": 15_000,
                # So long a group waits at most for a member that is counted but does not join: by default
                # five minutes, in which nobody reads.
                "max.poll.interval.ms": 60_000,
                **self._common(f"{group}-{self.instance}"),
                "session.timeout.ms": int(self.session_timeout * 1000),
                "heartbeat.interval.ms": int(self.session_timeout * 1000 / 5),
                "partition.assignment.strategy": "cooperative-sticky",
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                **settings,
                "group.id": group,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "enable.partition.eof": True,
            },
        )

    def reader(self) -> Consumer:
        """A reader outside all groups, for what is assigned by hand."""
        return self.consumer("logguard-reader", **{"session.timeout.ms": 45_000})

    def end(self, topic: str, partition: int, timeout: float = 10.0) -> int:
        """End of a partition, what open transactions have written there included."""
        reader = self.consumer("logguard-reader", **{"isolation.level": "read_uncommitted"})
        try:
            return int(reader.get_watermark_offsets(TopicPartition(topic, partition), timeout)[1])
        finally:
            reader.close()

    def producer(self, role: str) -> Producer:
        """A producer that writes in transactions."""
        producer = _made(
            Producer,
            {
                **self._common(f"{role}-{self.instance}"),
                "compression.type": "lz4",
                "linger.ms": 5,
                "transactional.id": f"{role}-{self.instance}",
                "transaction.timeout.ms": int(TRANSACTION_TIMEOUT * 1000),
                "enable.idempotence": True,
                "acks": "all",
            },
        )
        producer.init_transactions(TRANSACTION_TIMEOUT)
        return producer

    def plain_producer(self) -> Producer:
        """A producer of log events: idempotent, acknowledged by all replicas."""
        return _made(
            Producer,
            {
                **self._common(f"logguard-{self.instance}"),
                "compression.type": "lz4",
                "linger.ms": 20,
                "enable.idempotence": True,
                "acks": "all",
            },
        )

    def admin(self) -> AdminClient:
        return _made(AdminClient, self._common(f"logguard-admin-{self.instance}"))

    def partitions(self, topic: str, timeout: float = 10.0) -> int:
        """How many partitions a topic has; StreamError if it is not there."""
        return len(self.topic(topic, timeout))

    def topic(self, topic: str, timeout: float = 10.0) -> list[int]:
        """The partitions of a topic; StreamError if it is not there."""
        try:
            found = self.admin().list_topics(topic, timeout).topics[topic]
        except KafkaException as e:
            raise failure(e, self.brokers) from e
        if found.error is not None or not found.partitions:
            raise StreamError(
                f"Kafka at {self.brokers} has no topic {topic}: create it with `logguard topics create`"
            )
        return sorted(found.partitions)


def _made(client: Callable[[dict[str, Any]], _Client], settings: dict[str, Any]) -> _Client:
    """Make a client; OptionError for settings that librdkafka does not know, or cannot use."""
    try:
        return client(settings)
    except KafkaException as e:
        raise OptionError(
            f"--kafka-property: {error_of(e).str()} (the settings that there are: librdkafka's CONFIGURATION.md)"
        ) from e


def committed_offsets(
    consumer: Consumer, partitions: list[TopicPartition], timeout: float
) -> list[TopicPartition]:
    """What the consumer's group has committed; KafkaException where that is not known of each of them.

    A partition's own error (its coordinator is still loading, a transaction is pending) comes with an
    offset that looks like "nothing committed yet".
    """
    found = consumer.committed(partitions, timeout=timeout)
    for partition in found:
        if partition.error is not None:
            raise KafkaException(partition.error)
    return found


# Kafka's client repeats itself many times a second; what matters of it ends a session and is said
# there. Whoever wants to hear it all gives this logger a handler.
_logger = logging.getLogger("log_guard.kafka")
_logger.addHandler(logging.NullHandler())


def error_of(failed: KafkaException) -> KafkaError:
    """The error inside Kafka's exception."""
    error = failed.args[0]
    assert isinstance(error, KafkaError)
    return error


def failure(failed: KafkaException, brokers: str) -> StreamError:
    """One line that names the repair."""
    error = error_of(failed)
    if error.code() in (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT):
        return StreamError(
            f"no Kafka answers at {brokers}: start it, or name it with --kafka-brokers"
        )
    return StreamError(f"Kafka at {brokers}: {error.str()}")


class Callbacks:
    """Rebalance callbacks whose failures surface where they can be caught.

    What a callback raises comes out of Kafka's client as something that is no exception and that no
    ``except`` clause names. So a failure is kept, and :meth:`check` raises it after the call.

    assigned:  hears of partitions that came; of none, where a rebalance brought none.
    gone:      hears of partitions that went, and whether they were lost: given to others without asking.
    """

    def __init__(
        self,
        assigned: Callable[[Consumer, list[TopicPartition]], None],
        gone: Callable[[list[TopicPartition], bool], None],
    ) -> None:
        self._assigned, self._gone = assigned, gone
        self._failed: Exception | None = None
        self._closing = False

    def subscribe(self, consumer: Consumer, topics: list[str]) -> None:
        consumer.subscribe(
            topics, on_assign=self._on_assign, on_revoke=self._on_gone, on_lost=self._on_lost
        )

    def check(self) -> None:
        """Raise what a callback has failed with since."""
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def close(self, consumer: Consumer) -> None:
        """Leave the group; partitions that are still being handed over are not taken any more."""
        self._closing = True
        with suppress(KafkaException):
            consumer.close()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing or self._failed is not None:
            return
        try:
            self._assigned(consumer, partitions)
        except Exception as e:  # noqa: BLE001  # raised again by check(), whatever it is
            self._failed = e

    def _on_gone(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._gone(partitions, False)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._gone(partitions, True)
