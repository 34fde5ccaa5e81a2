"""Kafka's messages as raw lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from confluent_kafka import Message

from log_guard.adapters.kafka.records import pack
from log_guard.core.events import RawBatch


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
