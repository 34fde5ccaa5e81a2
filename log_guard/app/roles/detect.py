"""The detect role: the fold over ``window-summaries``, restored from where it was left."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from log_guard.adapters.kafka.clients import Callbacks, Cluster, committed_offsets
from log_guard.adapters.kafka.records import (
    account_record,
    alert_record,
    balance_record,
    commit_of,
    result_record,
)
from log_guard.adapters.kafka.state import StateTopic, StoredState
from log_guard.adapters.kafka.transactions import Transactions
from log_guard.app.roles.guidance import Guidance, Sources
from log_guard.app.roles.summarise import TIMEOUT
from log_guard.core.detect import DetectOptions
from log_guard.core.fold import KINDS, Emitted, Fold
from log_guard.core.model import Model
from log_guard.core.snapshot import freeze, thaw
from log_guard.core.windows import WindowSpec
from log_guard.errors import StateError

STATE_EVERY = 30.0
"""Seconds between two writings of the state, or 20 times what a writing took, if that is more."""
RECORDS = 200
"""Records a step takes at most: what is computed before it is made durable."""


@dataclass(frozen=True)
class DetectRoleOptions:
    """Topics, group, and how to judge.

    model:    judge by this one from the beginning on.
    sources:  where to look for the current model, and for feedback, while it runs.
    """

    window: WindowSpec = field(default_factory=WindowSpec)
    detect: DetectOptions = field(default_factory=DetectOptions)
    model: Model | None = None
    sources: Sources = field(default_factory=Sources)
    events: str = "log-events"
    summaries: str = "window-summaries"
    state: str = "detector-state"
    results: str = "anomaly-results"
    group: str = "logguard-detector"
    poll: float = 0.1
    flush_on_exit: bool = False
    run: str = ""

    def fold(self) -> Fold:
        return Fold(self.window, self.detect, self.model)

    def settings(self) -> dict[str, Any]:
        """What a stored state has to agree with."""
        version = self.model.version if self.model else None
        return {"window": asdict(self.window), "detector": self.detect.detector, "model": version}


class Detect:
    """Role: one process detects, others in the group stand by to take over."""

    name = "detect"

    def __init__(self, cluster: Cluster, options: DetectRoleOptions) -> None:
        self.cluster = cluster
        self.options = options

    def open(self) -> DetectSession:
        return DetectSession(self.cluster, self.options)


class DetectSession:
    """Folds records and publishes until closed."""

    def __init__(self, cluster: Cluster, options: DetectRoleOptions) -> None:
        self.cluster = cluster
        self.options = options
        self._log = structlog.get_logger().bind(role="detect")
        self._fold: Fold | None = None
        self._frontier = -1
        self._position = 0  # next record to take
        self._state = StateTopic(cluster, options.state)
        self._kept: dict[str, object] = {}  # parts as they were stored, to know which are the same
        self._state_due = 0.0
        self._guidance = Guidance(options.sources, options.window)
        for topic in (options.summaries, options.state, options.results):
            cluster.topic(topic)
        self._transactions = Transactions(cluster.producer("detect"))
        self._consumer: Consumer = cluster.consumer(options.group)
        self._callbacks = Callbacks(self._assigned, self._gone)
        self._callbacks.subscribe(self._consumer, [options.summaries])

    def step(self) -> None:
        messages = self._consumer.consume(RECORDS, self.options.poll)
        self._callbacks.check()
        fold = self._fold
        if fold is not None:
            self._heed(fold)
        emitted: list[tuple[int, Emitted]] = []
        taken = False
        for message in messages:
            error = message.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF and not error.retriable():
                    raise KafkaException(error)
                continue
            offset = message.offset()
            assert offset is not None
            if fold is None or offset < self._position:
                continue
            emitted.append((offset, self._take(fold, message, offset)))
            self._position = offset + 1
            taken = True
        if taken and fold is not None:
            self._publish(fold, [(o, e) for o, e in emitted if o > self._frontier])

    def close(self, *, clean: bool) -> None:
        if clean and self.options.flush_on_exit and self._fold is not None:
            self._flush(self._fold)
        self._callbacks.close(self._consumer)

    def _heed(self, fold: Fold) -> None:
        """Take up what people have changed, and make that durable before anything is judged by it.

        Not while results come that were published before: those were judged by what held then.
        """
        if 0 < self._position <= self._frontier or not self._guidance.apply(fold):
            return
        self._transactions.begin()
        self._save(fold)
        self._state.frontier(self._frontier, self._to_state)
        read = max(self._position, self._frontier + 1)
        offsets = [TopicPartition(self.options.summaries, 0, read)]
        self._transactions.commit(self._consumer, offsets)

    def _take(self, fold: Fold, message: Message, offset: int) -> Emitted:
        commit = commit_of(message.value() or b"", message.headers(), self.options.window.slide)  # type: ignore[arg-type]
        return fold.take(commit, offset)

    def _publish(self, fold: Fold, emitted: list[tuple[int, Emitted]]) -> None:
        """Results, state and offsets, or none of them."""
        if self._position - 1 <= self._frontier:
            return  # this was all published before; only the state in memory has caught up
        options = self.options
        self._transactions.begin()
        for offset, out in emitted:
            self._produce(out, offset)
        now = time.monotonic()
        if now >= self._state_due:
            self._save(fold)
            self._state_due = time.monotonic() + max(STATE_EVERY, 20 * (time.monotonic() - now))
        self._state.frontier(self._position - 1, self._to_state)
        offsets = [TopicPartition(options.summaries, 0, self._position)]
        self._transactions.commit(self._consumer, offsets)
        self._frontier = self._position - 1

    def _produce(self, out: Emitted, offset: int) -> None:
        options = self.options
        records = [result_record(r, options.events, options.run) for r in out.results]
        records += [alert_record(a, offset, options.events, options.run) for a in out.alerts]
        records += [account_record(a, options.events, options.run) for a in out.accounts]
        if out.balance is not None:
            records.append(balance_record(out.balance, options.run))
        for key, value in records:
            self._transactions.produce(options.results, value, key=key)

    def _flush(self, fold: Fold) -> None:
        """Publish the open windows as they stand; the next detector will publish them whole."""
        results = fold.open_windows(self._position - 1)
        if not results:
            return
        self._transactions.begin()
        self._produce(Emitted(results), self._position - 1)
        offsets = [TopicPartition(self.options.summaries, 0, self._position)]
        self._transactions.commit(self._consumer, offsets)

    def _save(self, fold: Fold) -> None:
        """Write the state; parts that are the very same objects as last time are as they were."""
        parts = fold.state()
        frozen: dict[str, bytes | None] = {}
        for name, part in parts.items():
            fixed = isinstance(part, pl.DataFrame | Model)
            same = fixed and self._kept.get(name) is part and self._state.has(name)
            frozen[name] = None if same else freeze(part, KINDS)
        about = {"offset": self._position, "settings": self.options.settings()}
        self._state.save(frozen, about, self._to_state)
        self._kept = parts

    def _to_state(self, key: str, value: bytes | None) -> None:
        self._transactions.produce(self.options.state, value, key=key.encode(), partition=0)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Take over: restore the state, and read on from where it was taken."""
        # What another detector may still write is in a transaction that holds our group's offset
        # (a later one is refused: its generation is over). Asking for the offset waits for that
        # one's end, and reading the state to its own end for the end's marker.
        committed = self._committed()
        stored = self._load(committed)
        self._frontier = stored.frontier
        self._position = 0
        fold = self.options.fold()
        if stored.parts:
            fold.restore({name: thaw(data, KINDS) for name, data in stored.parts.items()})
            self._position = stored.manifest["offset"]
        self._fold = fold
        self._kept = {}
        self._state_due = time.monotonic() + STATE_EVERY
        self._log.info("took over", state_offset=self._position, frontier=self._frontier)
        consumer.incremental_assign(
            [TopicPartition(p.topic, p.partition, self._position) for p in partitions]
        )

    def _load(self, committed: int) -> StoredState:
        """The stored state; without its parts where it cannot be used: then all is folded again."""
        try:
            stored = self._state.load()
        except StateError as e:
            self._log.warning("reading the summaries again from their beginning", reason=str(e))
            stored = StoredState(frontier=committed)
        if stored.parts and stored.manifest.get("settings") != self.options.settings():
            self._log.warning(
                "reading the summaries again from their beginning",
                reason="the stored state was made with other settings",
            )
            stored.parts = {}
        return stored

    def _committed(self) -> int:
        partition = TopicPartition(self.options.summaries, 0)
        return max(committed_offsets(self._consumer, [partition], TIMEOUT)[0].offset, 0) - 1

    def _gone(self, partitions: list[TopicPartition]) -> None:
        if partitions:
            self._fold = None
