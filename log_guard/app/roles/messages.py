"""Kafka's messages: how many at once, and as raw lines."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import itemgetter

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from log_guard.adapters.kafka.records import pack
from log_guard.core.events import RawBatch

MAX_BYTES = 32_000_000
"""Of messages that are taken at once; one more chunk may come on top."""
CHUNK = 500
"""Messages that are taken from the client at a time. They are still in the processor's cache when their
lines are taken out, and fewer than the new objects (700) at which Python looks for garbage: with 50,000 at
a time the client alone takes three times as long."""

BATCH_BYTES = 4 << 20
"""Lines that are decoded at a time: as much as from a file."""


def chunks(
    consumer: Consumer, most: int, seconds: float, *, fill: bool
) -> Iterator[tuple[list[Message], list[Message]]]:
    """Messages, and ends of partitions that were reached: in all at most ``most``, of little over MAX_BYTES.

    fill:  take what comes within so many seconds; else wait no longer once something has come.

    Raises KafkaException for an error that does not pass by itself.
    """
    deadline = time.monotonic() + seconds
    some = consumer.consume(min(most, CHUNK) if fill else 1, seconds)
    taken, size = len(some), sum(map(len, some))
    while some:
        yield _apart(some)
        if taken >= most or size >= MAX_BYTES:
            return
        left = max(deadline - time.monotonic(), 0.0) if fill else 0.0
        some = consumer.consume(min(most - taken, CHUNK), left)
        taken += len(some)
        size += sum(map(len, some))


def gather(consumer: Consumer, most: int, seconds: float, *, fill: bool) -> list[Message]:
    """The messages of :func:`chunks`, together."""
    return [m for some, _ in chunks(consumer, most, seconds, fill=fill) for m in some]


def _apart(found: list[Message]) -> tuple[list[Message], list[Message]]:
    """Messages, and ends that were reached."""
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
    numbers = list(map(Message.partition, messages))
    found = set(numbers)
    if len(found) == 1:
        return {numbers[0] or 0: list(messages)}
    return {p or 0: list(compress(messages, [n == p for n in numbers])) for p in found}


def offsets_of(messages: Sequence[Message]) -> np.ndarray:
    """The offsets of messages, (messages,)."""
    return np.fromiter(map(Message.offset, messages), np.int64, len(messages))


def raw_batch(messages: Sequence[Message], source: int) -> tuple[RawBatch, np.ndarray, int]:
    """The lines of consecutive messages of one partition, when each was appended (µs), (lines,), and
    how many messages held nothing (tombstones).

    A message is one line or many. A shipper may end it with a newline, which adds no empty line.
    """
    values = list(map(Message.value, messages))
    bodies = [value for value in values if value is not None] if None in values else values
    if len(bodies) < len(values):
        messages = [m for m, value in zip(messages, values, strict=True) if value is not None]
    filtered = len(values) - len(bodies)
    offsets = offsets_of(messages)
    stamps = map(itemgetter(1), map(Message.timestamp, messages))
    appended = np.fromiter(stamps, np.int64, len(bodies)) * 1000
    # A last newline ends the last line; without it one empty line would be no line at all.
    data = b"\n".join([*bodies, b""])
    newlines = _newlines(data)
    if len(newlines) == len(bodies):
        return RawBatch(data, 0, source, positions=pack(offsets)), appended, filtered
    texts = [body.removesuffix(b"\n") for body in bodies]  # type: ignore[union-attr]  # those that are None are out
    if sum(map(len, texts)) + len(texts) < len(data):
        data = b"\n".join([*texts, b""])
        newlines = _newlines(data)
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    after = np.searchsorted(newlines, ends)  # how many lines end with this message or before
    lines = np.diff(after, prepend=0)
    within = np.arange(len(newlines)) - np.repeat(after - lines, lines)
    positions = pack(np.repeat(offsets, lines), within)
    return RawBatch(data, 0, source, positions=positions), np.repeat(appended, lines), filtered


def _newlines(data: bytes) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))


@dataclass
class Pending:
    """What was read of one partition and is still to be summarised: lines, no messages any more.

    next:      offset after the last message.
    appended:  when that was appended, seconds since 1970.
    filtered:  messages that held nothing.
    messages:  how many messages it was, in all.
    size:      bytes of lines.
    """

    source: int
    next: int
    appended: float = 0.0
    filtered: int = 0
    messages: int = 0
    size: int = 0
    _data: list[bytes] = field(default_factory=list)
    _positions: list[np.ndarray] = field(default_factory=list)
    _appended: list[np.ndarray] = field(default_factory=list)

    def add(self, messages: Sequence[Message]) -> None:
        """Add messages, in their order; what lies before ``next`` is there already, or not ours to read."""
        if (messages[0].offset() or 0) < self.next:
            messages = messages[int(np.searchsorted(offsets_of(messages), self.next)) :]
            if not messages:
                return
        batch, appended, filtered = raw_batch(messages, self.source)
        assert batch.positions is not None
        self._data.append(batch.data)
        self._positions.append(batch.positions)
        self._appended.append(appended)
        self.messages += len(messages)
        self.filtered += filtered
        self.size += len(batch.data)
        self.next = (messages[-1].offset() or 0) + 1
        self.appended = messages[-1].timestamp()[1] / 1000

    def batches(self) -> Iterator[tuple[RawBatch, np.ndarray]]:
        """The lines, in batches, and when each line was appended, µs, (lines,)."""
        first = size = 0
        for last, data in enumerate(self._data, 1):
            size += len(data)
            if size >= BATCH_BYTES or last == len(self._data):
                some = slice(first, last)
                positions = np.concatenate(self._positions[some])
                batch = RawBatch(b"".join(self._data[some]), 0, self.source, positions=positions)
                yield batch, np.concatenate(self._appended[some])
                first, size = last, 0
