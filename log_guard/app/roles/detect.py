"""The detect role: the fold over ``window-summaries``, restored from where it was left."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from log_guard.adapters.kafka.clients import Cluster, committed_offsets
from log_guard.adapters.kafka.records import (
    NewerError,
    UnreadableError,
    account_record,
    alert_record,
    balance_record,
    commit_of,
    dead_letter_record,
    made_of,
    place,
    refuse_others,
    result_record,
)
from log_guard.adapters.kafka.state import StoredState
from log_guard.adapters.kafka.topics import refuse_many
from log_guard.adapters.kafka.transactions import Transactions
from log_guard.app.promised import departed
from log_guard.app.roles.guidance import Guidance, Sources
from log_guard.app.roles.membership import TIMEOUT, Membership
from log_guard.app.roles.messages import gather
from log_guard.app.roles.news import News
from log_guard.app.roles.stored_fold import StoredFold
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import DEAD_LETTER_BYTES, DeadLetter
from log_guard.core.learning.model import Model
from log_guard.core.stream.fold import Emitted, Fold
from log_guard.core.summarising.intake import LINE_BITS
from log_guard.core.windows import WindowSpec
from log_guard.errors import StreamError

FAULTS = 10
"""Kinds of fault of ours that are said."""
RECORDS = 200
"""Records that a step takes at most."""
PUBLISH = 2_000
"""Results and other records after which a step publishes, and goes on: a bound on what it holds."""


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
    dead_letters: str = "dead-letters"
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
        self._news = News(role="detect")
        self._fold: Fold | None = None
        self._frontier = -1  # last record whose results are out
        self._slices = 0  # so many slices of the next one are, too
        self._position = 0  # next record to take
        self._waiting: list[tuple[str, bytes, bytes]] = []  # topic, key and value to be published
        self._stored = StoredFold(
            cluster, options.state, options.fold, options.settings(), self._news
        )
        self._faults: set[str] = set()
        self._guidance = Guidance(options.sources, options.window)
        # With more, two of the group would detect side by side, each believing to be the only one.
        refuse_many(cluster, (options.summaries, options.state))
        for topic in (options.results, options.dead_letters):
            cluster.topic(topic)
        self._transactions = Transactions(cluster.producer("detect"))
        # Between two polls it may restore a large state, or learn from a long history.
        self._consumer: Consumer = cluster.consumer(
            options.group, **{"max.poll.interval.ms": 300_000}
        )
        self._membership = Membership("detect", options.group, self._assigned, self._gone)
        self._membership.subscribe(self._consumer, [options.summaries])

    def step(self) -> bool:
        messages = gather(self._consumer, RECORDS, self.options.poll, fill=False)
        self._membership.check()
        fold = self._fold
        if fold is None:
            return False
        self._heed(fold)
        before = self._position
        try:
            for message in messages:
                offset = message.offset()
                if offset is not None and offset >= self._position:
                    self._take(fold, message, offset)
        except NewerError:
            # Whoever removes it has to remove what is before it as well: no one may need that any more.
            self._publish(fold)
            if self._stored.position < self._position:
                self._store(fold)
            raise
        self._publish(fold)
        return self._position > before

    def close(self, *, clean: bool) -> None:
        if clean and self.options.flush_on_exit and self._fold is not None:
            self._flush(self._fold)
        self._membership.close(self._consumer)

    def _heed(self, fold: Fold) -> None:
        """Take up what people have changed, and make that durable before anything is judged by it.

        Not while results come that were published before: those were judged by what held then.
        """
        catching_up = self._slices > 0 or 0 < self._position <= self._frontier
        if catching_up or not self._guidance.apply(fold):
            return
        self._store(fold)

    def _store(self, fold: Fold) -> None:
        """Write the state alone."""
        self._transactions.begin()
        self._stored.save(fold, self._position, self._to_state)
        self._stored.save_frontier(self._frontier, self._slices, self._to_state)
        read = max(self._position, self._frontier + 1)
        offsets = [TopicPartition(self.options.summaries, 0, read)]
        self._transactions.commit(self._consumer, offsets)

    def _take(self, fold: Fold, message: Message, offset: int) -> None:
        """Fold a record; what it gives waits to be published, if it was not before."""
        options, value = self.options, message.value() or b""
        try:
            commit = commit_of(value, message.headers(), options.window.slide, place(message))  # type: ignore[arg-type]  # headers are typed wider than they come
        except UnreadableError as e:
            self._log.warning("a record that cannot be read", record=place(message), reason=str(e))
            letter = DeadLetter(str(e), offset << LINE_BITS, 0, value[:DEAD_LETTER_BYTES])
            if offset > self._frontier:
                self._waiting.append(
                    (options.dead_letters, *dead_letter_record(letter, options.summaries))
                )
            self._position = offset + 1
            return
        made = made_of(message.headers())  # type: ignore[arg-type]  # as above
        if made is not None:
            refuse_others(made.topic, options.events, options.summaries)
        for number, out in enumerate(fold.slices(commit, offset)):
            if (offset, number) >= (self._frontier + 1, self._slices):
                self._waiting += self._records(out, offset)
                self._say_failed(out)
                if out.departure is not None:
                    self._log.warning("more alerts than promised", **departed(out.departure))
            if len(self._waiting) >= PUBLISH:
                self._publish(fold, number + 1)
        self._position = offset + 1

    def _say_failed(self, out: Emitted) -> None:
        """Say of each fault of ours once that windows were not judged, or alarms not explained; results say which."""
        for error in sorted({r.error for r in out.results if r.error is not None} - self._faults):
            if len(self._faults) < FAULTS:
                self._faults.add(error)
                self._log.error("a window could not be judged or explained", error=error)

    def _publish(self, fold: Fold, slices: int = 0) -> None:
        """Results, state and offsets, or none of them: up to our position and so many slices beyond."""
        if (self._position, slices) <= (self._frontier + 1, self._slices):
            return  # this was all published before; only the state in memory has caught up
        self._transactions.begin()
        for topic, key, value in self._waiting:
            self._transactions.produce(topic, value, key=key)
        if slices == 0 and self._stored.is_due():
            self._stored.save(fold, self._position, self._to_state)
        self._stored.save_frontier(self._position - 1, slices, self._to_state)
        offsets = [TopicPartition(self.options.summaries, 0, self._position)]
        self._transactions.commit(self._consumer, offsets)
        self._frontier, self._slices = self._position - 1, slices
        self._waiting = []

    def _records(self, out: Emitted, offset: int) -> list[tuple[str, bytes, bytes]]:
        """Topic, key and value of what a slice gave."""
        o = self.options
        records = [result_record(r, o.events, o.run) for r in out.results]
        records += [alert_record(a, offset, o.events, o.run) for a in out.alerts]
        records += [account_record(a, o.events, o.run) for a in out.accounts]
        if out.balance is not None:
            records.append(balance_record(out.balance, o.run))
        return [(o.results, *record) for record in records]

    def _flush(self, fold: Fold) -> None:
        """Publish the open windows as they stand; the next detector will publish them whole."""
        results = fold.open_windows(self._position - 1)
        if not results:
            return
        self._transactions.begin()
        for topic, key, value in self._records(Emitted(results), self._position - 1):
            self._transactions.produce(topic, value, key=key)
        offsets = [TopicPartition(self.options.summaries, 0, self._position)]
        self._transactions.commit(self._consumer, offsets)

    def _to_state(self, key: str, value: bytes | None) -> None:
        self._transactions.produce(self.options.state, value, key=key.encode(), partition=0)

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Take over: restore the state, and read on from where it was taken."""
        # What another detector may still write is in a transaction that holds our group's offset
        # (a later one is refused: its generation is over). Asking for the offset waits for that
        # one's end, and reading the state to its own end for the end's marker.
        committed = self._committed()
        self._fold, stored = self._stored.restore(committed)
        self._frontier, self._slices = stored.frontier, stored.slices
        self._position = self._stored.position
        self._waiting = []
        self._held_still(consumer)
        self._say_moved(committed + 1, stored)
        self._news.info("took over", state_offset=self._position, frontier=self._frontier)
        consumer.incremental_assign(
            [TopicPartition(p.topic, p.partition, self._position) for p in partitions]
        )

    def _say_moved(self, committed: int, stored: StoredState) -> None:
        before = stored.frontier + 1
        if before == committed:
            return
        if not stored.parts and before == 0:
            self._news.warning(
                "the state is gone: reading the summaries again from their beginning",
                topic=self.options.state,
            )
            return
        effect = "none: what was read and published is known from the state"
        self._membership.say_moved(self.options.summaries, 0, before, committed, effect)

    def _held_still(self, consumer: Consumer) -> None:
        """Refuse a topic that ends before what the state has read; name what was deleted unread."""
        topic, next_ = self.options.summaries, max(self._position, self._frontier + 1)
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=TIMEOUT)
        if next_ > high:
            raise StreamError(
                f"{topic} ends at {high}, and {self.options.state} has read it up to {next_}: if it was "
                "made anew, make all topics of the pipeline anew, and delete its groups' offsets"
            )
        if low > self._position and next_ > 0:
            self._membership.say_deleted(topic, 0, self._position, low)

    def _committed(self) -> int:
        partition = TopicPartition(self.options.summaries, 0)
        return max(committed_offsets(self._consumer, [partition], TIMEOUT)[0].offset, 0) - 1

    def _gone(self, partitions: list[TopicPartition]) -> None:
        if partitions:
            self._fold = None
