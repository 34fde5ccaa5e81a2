"""Kafka's messages: how many at once, and as raw lines."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from log_guard.adapters.kafka.records import pack
from log_guard.core.events import RawBatch

MAX_BYTES = 32_000_000
"""Of messages that are taken at once; one more chunk may come on top."""
CHUNK = 1_000
"""Messages after which their size is looked at."""


def gather(consumer: Consumer, most: int, seconds: float, *, fill: bool) -> list[Message]:
    """Messages and ends of partitions: at most ``most``, and not many more than MAX_BYTES.

    fill:  take what comes within so many seconds; else wait no longer once something has come.

    Raises KafkaException for an error that does not pass by itself.
    """
    deadline = time.monotonic() + seconds
    found = consumer.consume(1 if not fill else min(most, CHUNK), seconds)
    size = sum(map(len, found))
    some = found
    while some and len(found) < most and size < MAX_BYTES:
        left = max(deadline - time.monotonic(), 0.0) if fill else 0.0
        some = consumer.consume(min(most - len(found), CHUNK), left)
        found += some
        size += sum(map(len, some))
    for message in found:
        error = message.error()
        if (
            error is not None
            and error.code() != KafkaError._PARTITION_EOF
            and not error.retriable()
        ):
            raise KafkaException(error)
    return found


def raw_batch(messages: Sequence[Message], source: int) -> tuple[RawBatch, np.ndarray, int]:
    """The lines of consecutive messages of one partition, when each was appended (µs), (lines,), and
    how many messages held nothing (tombstones).

    A message is one line or many. A shipper may end it with a newline, which adds no empty line.
    """
    values = [message.value() for message in messages]
    bodies = [_body(value) for value in values if value is not None]
    kept = [m for m, value in zip(messages, values, strict=True) if value is not None]
    offsets = np.fromiter((offset_of(m) for m in kept), np.int64, len(kept))
    appended = np.fromiter((m.timestamp()[1] for m in kept), np.int64, len(kept)) * 1000
    data = b"\n".join(bodies)
    positions = pack(offsets)
    if bodies and data.count(b"\n") + 1 != len(bodies):
        lines = np.fromiter((body.count(b"\n") + 1 for body in bodies), np.int64, len(bodies))
        starts = np.cumsum(lines) - lines
        within = np.arange(int(lines.sum())) - np.repeat(starts, lines)
        positions = pack(np.repeat(offsets, lines), within)
        appended = np.repeat(appended, lines)
    # A last newline ends the last line; without it one empty line would be no line at all.
    data = data + b"\n" if bodies else b""
    return RawBatch(data, 0, source, positions=positions), appended, len(values) - len(kept)


def offset_of(message: Message) -> int:
    """The offset of a message that was consumed."""
    offset = message.offset()
    assert offset is not None
    return offset


def _body(value: bytes) -> bytes:
    return value[:-1] if value.endswith(b"\n") else value
