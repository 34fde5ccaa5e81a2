"""What Kafka says of a partition just after it was made."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from log_guard.adapters.kafka.reading import watermarks


class Reader:
    """Answers as a client does whose broker has not heard of the partition yet."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        if self.codes:
            raise KafkaException(KafkaError(self.codes.pop(0)))
        return 3, 7


def test_a_partition_that_not_all_have_heard_of_is_asked_for_again() -> None:
    reader = Reader(KafkaError._UNKNOWN_PARTITION, KafkaError.NOT_LEADER_FOR_PARTITION)
    assert watermarks(reader, TopicPartition("log-events", 5)) == (3, 7)  # type: ignore[arg-type]  # all that is asked of it


def test_any_other_error_is_told_at_once() -> None:
    reader = Reader(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException, match="authoriz"):
        watermarks(reader, TopicPartition("log-events", 5))  # type: ignore[arg-type]  # the same
