"""Kafka's messages: how many at once, and as raw lines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import compress
from operator import itemgetter

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from log_guard.adapters.kafka.records import pack
from log_guard.core.events import RawBatch

MAX_BYTES = 32_000_000
"""Of messages that are taken at once; one more chunk may come on top."""
CHUNK = 1_000
"""Messages after which their size is looked at."""


def gather(
    consumer: Consumer, most: int, seconds: float, *, fill: bool
) -> tuple[list[Message], list[Message]]:
    """Messages, and ends of partitions that were reached: at most ``most``, of little over MAX_BYTES.

    fill:  take what comes within so many seconds; else wait no longer once something has come.

    Raises KafkaException for an error that does not pass by itself.
    """
    deadline = time.monotonic() + seconds
    found = consumer.consume(min(most, CHUNK) if fill else 1, seconds)
    size = sum(map(len, found))
    some = found
    while some and len(found) < most and size < MAX_BYTES:
        left = max(deadline - time.monotonic(), 0.0) if fill else 0.0
        some = consumer.consume(min(most - len(found), CHUNK), left)
        found += some
        size += sum(map(len, some))
    errors = list(map(Message.error, found))
    if not any(errors):
        return found, []
    ends = []
    for message, error in zip(found, errors, strict=True):
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            ends.append(message)
        elif error is not None and not error.retriable():
            raise KafkaException(error)
    return [m for m, error in zip(found, errors, strict=True) if error is None], ends


def by_partition(messages: Sequence[Message]) -> dict[int, list[Message]]:
    """Messages of one topic by partition, each in their order.

    What is done for each message here and in :func:`raw_batch` is what the pipeline costs above the
    bare client: no Python code a message, only methods of the client in C.
    """
    numbers = np.fromiter(map(Message.partition, messages), np.int64, len(messages))
    found = np.unique(numbers).tolist()
    if len(found) == 1:
        return {found[0]: list(messages)}
    return {p: list(compress(messages, (numbers == p).tolist())) for p in found}


def offsets_of(messages: Sequence[Message]) -> np.ndarray:
    """The offsets of messages, (messages,)."""
    return np.fromiter(map(Message.offset, messages), np.int64, len(messages))


def raw_batch(messages: Sequence[Message], source: int) -> tuple[RawBatch, np.ndarray, int]:
    """The lines of consecutive messages of one partition, when each was appended (µs), (lines,), and
    how many messages held nothing (tombstones).

    A message is one line or many. A shipper may end it with a newline, which adds no empty line.
    """
    values = list(map(Message.value, messages))
    kept = messages
    if None in values:
        kept = [m for m, value in zip(messages, values, strict=True) if value is not None]
    bodies = [value for value in values if value is not None] if kept is not messages else values
    offsets = offsets_of(kept)
    stamps = map(itemgetter(1), map(Message.timestamp, kept))
    appended = np.fromiter(stamps, np.int64, len(kept)) * 1000
    data = b"\n".join(bodies)  # type: ignore[arg-type]  # those that are None are out
    positions = pack(offsets)
    if bodies and data.count(b"\n") + 1 != len(bodies):
        texts = [body.removesuffix(b"\n") for body in bodies]  # type: ignore[union-attr]  # likewise
        data = b"\n".join(texts)
        lines = np.fromiter((text.count(b"\n") + 1 for text in texts), np.int64, len(texts))
        starts = np.cumsum(lines) - lines
        within = np.arange(int(lines.sum())) - np.repeat(starts, lines)
        positions = pack(np.repeat(offsets, lines), within)
        appended = np.repeat(appended, lines)
    # A last newline ends the last line; without it one empty line would be no line at all.
    data = data + b"\n" if bodies else b""
    return RawBatch(data, 0, source, positions=positions), appended, len(values) - len(kept)
