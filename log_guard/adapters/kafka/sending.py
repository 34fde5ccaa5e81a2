"""Log events onto a topic: what the simulator does, and any shipper."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from confluent_kafka import KafkaError, KafkaException, Message

from log_guard.adapters.kafka.clients import Cluster, failure
from log_guard.errors import StreamError

FLUSH_SECONDS = 60.0


class Sender:
    """A context manager; on leaving it everything is acknowledged, or StreamError is raised."""

    def __init__(
        self, brokers: str, topic: str, properties: Mapping[str, str] | None = None
    ) -> None:
        self.brokers, self.topic = brokers, topic
        cluster = Cluster(brokers, properties=properties or {})
        cluster.topic(topic)
        self._producer = cluster.plain_producer()
        self._failed: KafkaError | None = None

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        left = self._producer.flush(FLUSH_SECONDS)
        if error is None:
            self._check()
            if left:
                raise StreamError(
                    f"{left:,} events were not acknowledged by Kafka at {self.brokers}"
                )

    def send(self, lines: bytes) -> None:
        """One message a line."""
        for line in lines.splitlines():
            self.send_message(line)

    def send_message(self, value: bytes) -> None:
        """One message; raises StreamError where an earlier one failed."""
        while True:
            try:
                self._producer.produce(self.topic, value, on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self._check()

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        self._failed = self._failed or error

    def _check(self) -> None:
        if self._failed is not None:
            raise failure(KafkaException(self._failed), self.brokers)
