"""The bare client, in a process of its own: Python's garbage collector takes longer where more is loaded.

``python -m benchmarks.kafka_bare BROKERS TOPIC MESSAGES AT_A_TIME`` prints seconds of processor time.
"""

from __future__ import annotations

import sys
import time
import uuid

from confluent_kafka import Consumer, TopicPartition


def main() -> None:
    """Read a topic of four partitions by consume() and value()."""
    address, topic, messages, most = *sys.argv[1:3], int(sys.argv[3]), int(sys.argv[4])
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, p, 0) for p in range(4)])
    consumer.consume(1, 10)
    begin, seen = time.process_time(), 1
    while seen < messages:
        batch = consumer.consume(most, 0.25)
        for message in batch:
            message.value()
        seen += len(batch)
    print(time.process_time() - begin)
    consumer.close()


if __name__ == "__main__":
    main()
