"""A detector's state on a compacted topic: written with what it led to, in one transaction.

A state is a set of named parts. A part is compressed, cut into chunks (key ``name/3``) and written
only when it has changed. The record ``manifest`` says which parts make up the state and at which
offset of ``window-summaries`` it was taken; ``frontier`` is the last offset whose results are out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import zstandard
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.records import SCHEMA, known
from log_guard.errors import StateError, StreamError

CHUNK_BYTES = 500_000
MANIFEST, FRONTIER = "manifest", "frontier"
READ_TIMEOUT = 60.0

Produce = Callable[[str, bytes | None], None]
"""Write key and value (None: delete) to the topic, in the transaction that is open."""


@dataclass
class StoredState:
    """What was found on the topic.

    parts:     name → bytes; empty if no state was stored yet.
    manifest:  what the detector wrote beside it (``offset`` and its settings).
    frontier:  last offset of ``window-summaries`` whose results are published; -1 if none is.
    slices:    how many slices of the record after that are published, too.
    """

    parts: dict[str, bytes] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    frontier: int = -1
    slices: int = 0


class StateTopic:
    """Reads the state once, then writes what changes."""

    def __init__(self, cluster: Cluster, topic: str) -> None:
        self.cluster = cluster
        self.topic = topic
        self._written: dict[str, tuple[str, int]] = {}  # part → digest, chunks

    def load(self) -> StoredState:
        """Read all of it; StateError if the parts do not fit the manifest."""
        records = self._read()
        stored = StoredState()
        if FRONTIER in records:
            told = json.loads(records[FRONTIER])
            stored.frontier, stored.slices = int(told["offset"]), int(told.get("slices", 0))
        if MANIFEST not in records:
            return stored
        manifest = json.loads(records[MANIFEST])
        known(manifest, f"the state on {self.topic}")
        unpacker = zstandard.ZstdDecompressor()
        for name, (digest, chunks) in manifest["parts"].items():
            body = b"".join(records.get(f"{name}/{i}", b"") for i in range(chunks))
            if hashlib.sha256(body).hexdigest() != digest:
                raise StateError(f"the stored state lacks its part {name}")
            stored.parts[name] = unpacker.decompress(body)
            self._written[name] = digest, chunks
        stored.manifest = manifest
        return stored

    def save(
        self, parts: Mapping[str, bytes | None], about: dict[str, Any], produce: Produce
    ) -> int:
        """Write the parts that changed (None: as it was), and forget those that are gone; bytes written."""
        packer = zstandard.ZstdCompressor(level=1)
        now: dict[str, tuple[str, int]] = {}
        size = 0
        for name, part in parts.items():
            if part is None:
                now[name] = self._written[name]
                continue
            body = packer.compress(part)
            digest = hashlib.sha256(body).hexdigest()
            chunks = [body[i : i + CHUNK_BYTES] for i in range(0, len(body), CHUNK_BYTES)]
            if self._written.get(name) != (digest, len(chunks)):
                for i, chunk in enumerate(chunks):
                    produce(f"{name}/{i}", chunk)
                size += len(body)
            now[name] = digest, len(chunks)
        for name, (_, before) in self._written.items():
            for i in range(now.get(name, ("", 0))[1], before):
                produce(f"{name}/{i}", None)
        manifest = {"schema": SCHEMA, "parts": now, **about}
        produce(MANIFEST, json.dumps(manifest).encode())
        self._written = now
        return size

    def has(self, name: str) -> bool:
        """Whether the part is stored, so that it need not be made again if it has not changed."""
        return name in self._written

    @staticmethod
    def frontier(offset: int, slices: int, produce: Produce) -> None:
        """Write how far results are out: up to a record, and so many slices of the next."""
        told = {"schema": SCHEMA, "offset": offset, "slices": slices}
        produce(FRONTIER, json.dumps(told).encode())

    def _read(self) -> dict[str, bytes]:
        """The latest value of each key, once no transaction that may still add to it is open."""
        reader = self.cluster.reader()
        records: dict[str, bytes] = {}
        try:
            partition = TopicPartition(self.topic, 0, 0)
            # A reader of what is committed stops before an open transaction; this end counts it in.
            end = self.cluster.end(self.topic, 0)
            reader.assign([partition])
            while True:
                message = reader.poll(READ_TIMEOUT)
                if message is None:
                    raise StreamError(f"topic {self.topic} could not be read to its end")
                error = message.error()
                if error is None:
                    _enter(records, message)
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                elif (message.offset() or 0) >= end:
                    break
        finally:
            reader.close()
        return records


def _enter(records: dict[str, bytes], message: Message) -> None:
    key, value = (message.key() or b"").decode(), message.value()
    if value is None:
        records.pop(key, None)
    else:
        records[key] = value
