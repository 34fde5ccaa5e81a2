"""One transaction after another, each bounded in time whatever the client does."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from log_guard.adapters.kafka.clients import TRANSACTION_TIMEOUT
from log_guard.errors import StreamError

REBALANCED = (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS)
PATIENCE = 2.0
"""Seconds beyond the timeout after which a call of the client is given up."""


def is_rebalance(error: BaseException | None) -> bool:
    """Whether it is what Kafka says to whoever commits while members come or go: nothing is wrong."""
    return isinstance(error, KafkaException) and error.args[0].code() in REBALANCED


class Transactions:
    """The producer of a session: what is produced, and the offsets it was made from, are one.

    Whoever gets an exception from here ends the session, or aborts the transaction; it is else ended by the
    next producer of this name, or by the broker.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def begin(self) -> None:
        self._producer.begin_transaction()

    def produce(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int = -1,
    ) -> None:
        """Produce; wait where the producer's queue is full, which is how it says "not so fast"."""
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=dict(headers or []))
                return
            except BufferError:
                self._producer.poll(0.1)

    def commit(self, consumer: Consumer | None, offsets: list[TopicPartition]) -> None:
        """Commit what was produced together with the offsets, if the consumer's group still knows us."""

        def work() -> None:
            if consumer is not None:
                group = consumer.consumer_group_metadata()
                self._producer.send_offsets_to_transaction(offsets, group, TRANSACTION_TIMEOUT)
            self._producer.commit_transaction(TRANSACTION_TIMEOUT)

        within(2 * TRANSACTION_TIMEOUT + PATIENCE, work)

    def abort(self) -> None:
        """Take back what was produced since :meth:`begin`."""
        timeout = TRANSACTION_TIMEOUT
        within(timeout + PATIENCE, lambda: self._producer.abort_transaction(timeout))


def within(seconds: float, work: Callable[[], None]) -> None:
    """Run a call of the client; StreamError if it does not come back in time.

    The client has been seen to hang in a call in spite of its timeout, after the process was stopped
    and woken again in the midst of it. The thread that hangs is left behind: it can do no harm, since
    the transaction that it hangs in is fenced by the next producer.
    """
    done = Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as e:  # noqa: BLE001  # raised again in the caller's thread
            failed.append(e)
        finally:
            done.set()

    Thread(target=run, daemon=True, name="transaction").start()
    if not done.wait(seconds):
        raise StreamError(f"Kafka's client has not come back for {seconds:g} s")
    if failed:
        raise failed[0]
