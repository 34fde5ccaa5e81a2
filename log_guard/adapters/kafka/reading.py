"""Reading spans of topics outside any group: for audits, for looking up raw lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_exponential

from log_guard.adapters.kafka.clients import Cluster, committed_offsets, error_of, failure
from log_guard.errors import StreamError

BATCH = 10_000
WAIT = 0.3
LOOK_BACK = 100
"""Offsets before the end among which the newest message is looked for: ends of transactions take some."""
TIMEOUT = 30.0


def held(cluster: Cluster, topic: str) -> dict[int, tuple[int, int]]:
    """Partition → offsets that the topic holds now, [low, high)."""
    reader = cluster.reader()
    try:
        return {
            partition: watermarks(reader, TopicPartition(topic, partition))
            for partition in cluster.topic(topic)
        }
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    finally:
        reader.close()


def committed(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    """Partition → offset that the group has committed; without those where it has none."""
    return {p.partition: p.offset for p in _committed(cluster, group, topic)}


def set_by_hand(cluster: Cluster, group: str, topic: str) -> dict[int, int]:
    """The same, but only what no process of ours has committed: with ours goes what the next owner must know."""
    found = _committed(cluster, group, topic)
    return {p.partition: p.offset for p in found if not p.metadata}


_MOVING = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
"""The broker that keeps the group's offsets is still to be found."""
_NEW = (
    KafkaError._UNKNOWN_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
)
"""A partition has just been made, and not all have heard of it."""


def watermarks(reader: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """The offsets that a partition holds now, [low, high)."""
    low, high = _patiently(_NEW)(reader.get_watermark_offsets, partition, TIMEOUT)
    return low, high


def _patiently(codes: Sequence[int] = _MOVING) -> Retrying:
    """Ask again while Kafka answers with one of these errors, which pass."""
    return Retrying(
        retry=retry_if_exception(
            lambda e: isinstance(e, KafkaException) and error_of(e).code() in codes
        ),
        wait=wait_exponential(multiplier=0.1, max=2.0),
        stop=stop_after_delay(TIMEOUT),
        reraise=True,
    )


def _committed(cluster: Cluster, group: str, topic: str) -> list[TopicPartition]:
    reader = cluster.consumer(group)
    try:
        partitions = [TopicPartition(topic, partition) for partition in cluster.topic(topic)]
        found = _patiently()(committed_offsets, reader, partitions, TIMEOUT)
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    finally:
        reader.close()
    return [p for p in found if p.offset >= 0]


def read(
    cluster: Cluster, topic: str, spans: Mapping[int, tuple[int, int]] | None = None
) -> Iterator[list[Message]]:
    """Committed messages of ``[first, after)`` of each partition, in batches; all that is held by default."""
    spans = held(cluster, topic) if spans is None else spans
    open_spans = {p: span for p, span in spans.items() if span[0] < span[1]}
    if not open_spans:
        return
    reader = cluster.reader()
    try:
        reader.assign([TopicPartition(topic, p, first) for p, (first, _) in open_spans.items()])
        quiet = 0.0
        while open_spans:
            messages = _some(reader, BATCH)
            batch: list[Message] = []
            for message in messages:
                error, partition = message.error(), message.partition() or 0
                offset = message.offset() or 0
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                if partition not in open_spans:
                    continue
                after = open_spans[partition][1]
                if error is None and offset < after:
                    batch.append(message)
                if offset + (error is None) >= after:
                    del open_spans[partition]
            if batch:
                yield batch
            quiet = 0.0 if messages else quiet + WAIT
            if quiet >= TIMEOUT:
                raise StreamError(f"topic {topic} could not be read to its end")
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    finally:
        reader.close()


def _some(reader: Consumer, most: int) -> list[Message]:
    """What comes within :data:`WAIT`, without waiting for more once something has come."""
    some = reader.consume(1, WAIT)
    return some + reader.consume(most - 1, 0.0) if some else some


def newest(cluster: Cluster, topic: str, partition: int = 0) -> Message | None:
    """The newest committed message of a partition; None if there is none among its last offsets."""
    found = tail(cluster, topic, partition)
    return found[-1] if found else None


def tail(cluster: Cluster, topic: str, partition: int = 0, back: int = LOOK_BACK) -> list[Message]:
    """The committed messages among the last offsets of a partition."""
    reader = cluster.reader()
    found: list[Message] = []
    try:
        low, high = watermarks(reader, TopicPartition(topic, partition))
        if low == high:
            return []
        reader.assign([TopicPartition(topic, partition, max(low, high - back))])
        quiet = 0.0
        while quiet < TIMEOUT:
            messages = _some(reader, back)
            quiet = 0.0 if messages else quiet + WAIT
            for message in messages:
                error = message.error()
                if error is None:
                    found.append(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    return found
                else:
                    raise KafkaException(error)
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    finally:
        reader.close()
    raise StreamError(f"topic {topic} could not be read to its end")


def since(cluster: Cluster, topic: str, time: int) -> dict[int, tuple[int, int]]:
    """Partition → [first offset appended at or after this time (µs), end)."""
    spans = held(cluster, topic)
    reader = cluster.reader()
    try:
        asked = [TopicPartition(topic, p, max(time // 1000, 0)) for p in spans]
        found = reader.offsets_for_times(asked, timeout=TIMEOUT)
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    finally:
        reader.close()
    first = {p.partition: p.offset for p in found}
    return {
        p: (first[p] if first[p] >= 0 else high, high) for p, (_, high) in sorted(spans.items())
    }
