"""The summarise role: log events → summaries, one transaction a commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import polars as pl
from confluent_kafka import Consumer, Message, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.records import commit_records, dead_letter_record
from log_guard.adapters.kafka.transactions import Transactions, is_rebalance
from log_guard.app.roles.backlog import Backlog
from log_guard.app.roles.membership import TIMEOUT, Membership
from log_guard.app.roles.messages import CHUNK, by_partition, chunks
from log_guard.app.roles.partition import Partition
from log_guard.app.roles.same_topic import SameTopic
from log_guard.app.roles.skew import Skew
from log_guard.app.roles.takeover import Takeover
from log_guard.core.decoding.decode import Decoder
from log_guard.core.stream.progress import Commit, Progress
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import COMPILED_AFTER, Intake, IntakeOptions, Taken
from log_guard.core.summarising.summaries import Summarizer, empty

SETTLING = 0.1
"""Seconds between two tries to commit while a group shares out its partitions."""


@dataclass(frozen=True)
class SummariseOptions:
    """Topics, group and rules. Times in seconds where the name says nothing else."""

    decoder: Decoder
    rules: TimeRules  # µs; no max_jump: an event is held against its record's own time
    summarizer: Summarizer
    intake: IntakeOptions = field(default_factory=IntakeOptions)
    events: str = "log-events"
    summaries: str = "window-summaries"
    dead_letters: str = "dead-letters"
    group: str = "logguard-processor"
    idle_after: float = 5.0
    commit_every: float = 0.25
    max_batch: int = 50_000
    max_skew: float = 60.0
    compiled_after: int | None = COMPILED_AFTER  # bytes, read or waiting; None: never

    def new_intake(self, partition: int) -> Intake:
        """An intake with a fresh clock."""
        return Intake(self.decoder, self.rules, self.summarizer, self.intake, partition)


class Summarise:
    """Role: any number of processes share the partitions of the input."""

    name = "summarise"

    def __init__(self, cluster: Cluster, options: SummariseOptions) -> None:
        self.cluster = cluster
        self.options = options

    def open(self) -> SummariseSession:
        return SummariseSession(self.cluster, self.options)


@dataclass(frozen=True)
class _Share:
    """What a commit holds of one partition: what was taken of it, what is told of it, and where to go on."""

    ours: Partition
    taken: list[Taken]
    told: Progress
    offset: TopicPartition


class SummariseSession:
    """Consumes, summarises and commits until closed."""

    def __init__(
        self,
        cluster: Cluster,
        options: SummariseOptions,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.options = options
        self._cluster = cluster
        self._clock, self._wall = clock, wall
        self.consumed = 0  # records of this session
        self._partitions: dict[int, Partition] = {}
        self._read = self._read_messages = 0  # bytes, messages
        cluster.topic(options.summaries)
        self._topic = SameTopic(cluster, options.events, clock)
        self._takeover = Takeover(
            cluster,
            self._topic,
            options.summaries,
            options.group,
            options.idle_after,
            options.new_intake,
        )
        self._takeover.refuse_mixing(options.rules.slide)
        self._total = cluster.partitions(options.events)
        self._transactions = Transactions(cluster.producer(self.name))
        # What is deleted before it is read must not be passed over in silence: the next session finds it out.
        self._consumer: Consumer = cluster.consumer(options.group, **{"auto.offset.reset": "error"})
        self._membership = Membership(self.name, options.group, self._assigned, self._gone)
        self._membership.subscribe(self._consumer, [options.events])
        self._backlog = Backlog(self.name)
        self._skew = Skew(options.events, options.max_skew, 2 * options.max_batch)

    name = "summarise"

    def step(self) -> bool:
        self._topic.look_again()
        some = self._read_on(self.options.max_batch, self.options.commit_every)
        self._commit(self._clock())
        self._skew.hold_back(self._consumer, self._in_order(), self._is_behind)
        return some

    def _read_on(self, most: int, seconds: float) -> bool:
        """Read what comes within so many seconds, and hear what the group shares out; whether there was any."""
        some = False
        for messages, ends in chunks(self._consumer, most, seconds, fill=True):
            some = some or bool(messages)
            for number, mine in by_partition(messages).items():
                if number in self._partitions:
                    self._partitions[number].add(mine)
            for reached in ends:
                self._at_end(reached)
        self._membership.check()
        return some

    def _at_end(self, reached: Message) -> None:
        ours = self._partitions.get(reached.partition() or 0)
        if ours is not None:
            ours.reach_end(reached.offset() or 0, self._held(ours), self._clock())

    def close(self, *, clean: bool) -> None:
        """Leave the group. Every step has committed what it read, so nothing is in hand."""
        self._membership.close(self._consumer)

    def _commit(self, now: float) -> None:
        """Summarise and make durable what was read, and what quiet partitions have to say."""
        wall = self._wall()
        shares: list[_Share] = []
        self._compile()
        for ours in self._in_order():
            if self._is_behind(ours):
                ours.at_end_since = None  # there is more, and we have not come to it
            if not (ours.pending.messages or ours.is_due(now)):
                continue
            first, filtered = ours.next, ours.pending.filtered
            taken = ours.take(now)
            if ours.go_on(now):
                self._consumer.seek(ours.place(self.options.events))
            told = ours.progress(first, taken, filtered, now, wall)
            # Also where nothing came: with the offsets goes the question whether it is still ours.
            shares.append(_Share(ours, taken, told, ours.mark(self.options.events)))
        if shares:
            self._deliver(shares)
            self._say_backlog(wall)

    def _deliver(self, shares: list[_Share]) -> None:
        """Commit; where members come or go meanwhile, again, without the partitions that went to others.

        To leave the group and join it anew would make the others do the same.
        """

        def settle(seconds: float) -> None:
            self._transactions.abort()
            self._read_on(CHUNK, seconds)
            held = self._partitions
            shares[:] = [s for s in shares if held.get(s.ours.number) is s.ours]

        again = Retrying(
            retry=retry_if_exception(is_rebalance),
            wait=wait_fixed(SETTLING),
            stop=stop_after_delay(TIMEOUT),
            sleep=settle,
            reraise=True,
        )
        again(self._write, shares)
        self.consumed += sum(t.consumed for share in shares for t in share.taken)

    def _say_backlog(self, wall: float) -> None:
        behind = [ours for ours in self._partitions.values() if self._is_behind(ours)]
        ages = [wall - ours.appended for ours in behind if ours.appended is not None]
        waiting = sum(self._held(ours) - ours.next for ours in behind)
        self._backlog.see(max(ages, default=0.0), waiting)

    def _in_order(self) -> list[Partition]:
        return [self._partitions[number] for number in sorted(self._partitions)]

    def _compile(self) -> None:
        """Have lines read by compiled code, where there are enough of them for the time it takes to load."""
        partitions, after = self._partitions.values(), self.options.compiled_after
        self._read += sum(ours.pending.size for ours in partitions)
        self._read_messages += sum(ours.pending.messages for ours in partitions)
        waiting = sum(max(self._held(ours) - ours.pending.next, 0) for ours in partitions)
        known = self._read * (1 + waiting / max(self._read_messages, 1))
        if after is not None and known > after:
            for ours in partitions:
                ours.intake.compiled_after = 0

    def _is_behind(self, ours: Partition) -> bool:
        """Whether more has been appended than we have read, as far as the client knows."""
        return self._held(ours) > max(ours.next, ours.seen)

    def _held(self, ours: Partition) -> int:
        """End of the partition as of the last fetch; negative before the first."""
        here = ours.place(self.options.events)
        return int(self._consumer.get_watermark_offsets(here, cached=True)[1])

    def _write(self, shares: list[_Share]) -> None:
        if not shares:
            return
        options, transactions = self.options, self._transactions
        taken = [t for share in shares for t in share.taken]
        summary = pl.concat([empty(), *(t.summary for t in taken)])
        commit = Commit(summary, tuple(s.told for s in shares), self._total, uuid4().hex)
        transactions.begin()
        for value, headers in commit_records(
            commit, options.rules.slide, options.events, self._topic.id
        ):
            transactions.produce(options.summaries, value, headers=headers, partition=0)
        for letter in (letter for t in taken for letter in t.dead):
            key, value = dead_letter_record(letter, options.events)
            transactions.produce(options.dead_letters, value, key=key)
        transactions.commit(self._consumer, [share.offset for share in shares])

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # A rebalance is also how members hear of partitions that were added.
        self._total = self._cluster.partitions(self.options.events)
        taken = self._takeover.take(consumer, partitions, self._membership)
        self._partitions |= {ours.number: ours for ours in taken}
        starts = [ours.place(self.options.events) for ours in taken]
        consumer.incremental_assign(starts)
        consumer.resume(starts)  # an earlier assignment may have ended while it was paused

    def _gone(self, partitions: list[TopicPartition]) -> None:
        """Forget what is no longer ours; whatever of it was read and not committed is read again."""
        for partition in partitions:
            self._partitions.pop(partition.partition, None)
