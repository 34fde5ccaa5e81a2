"""The summarise role: log events → summaries, one transaction a commit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

import polars as pl
from confluent_kafka import Consumer, Message, TopicPartition
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from log_guard.adapters.kafka.clients import Cluster, committed_offsets
from log_guard.adapters.kafka.reading import held, newest, read, watermarks
from log_guard.adapters.kafka.records import (
    commit_records,
    dead_letter_record,
    made_of,
    progress_of,
    refuse_coarser,
    refuse_others,
)
from log_guard.adapters.kafka.transactions import Transactions, is_rebalance
from log_guard.app.roles.backlog import Backlog
from log_guard.app.roles.membership import Membership
from log_guard.app.roles.messages import CHUNK, by_partition, chunks
from log_guard.app.roles.partition import Partition
from log_guard.app.roles.same_topic import SameTopic
from log_guard.core.decoding.decode import Decoder
from log_guard.core.events import SECOND
from log_guard.core.stream.progress import Commit, Progress
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import COMPILED_AFTER, Intake, IntakeOptions, Taken
from log_guard.core.summarising.summaries import Summarizer, empty
from log_guard.errors import StreamError

TIMEOUT = 10.0
"""Seconds to wait for Kafka's answers before the session is given up."""
LOOK_BACK = 10_000
"""Offsets of ``window-summaries`` among which our last word on a partition is looked for."""
SETTLING = 0.1
"""Seconds between two tries to commit while a group shares out its partitions."""
_LATEST = 1 << 62


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


class Summarise:
    """Role: any number of processes share the partitions of the input."""

    name = "summarise"

    def __init__(self, cluster: Cluster, options: SummariseOptions) -> None:
        self.cluster = cluster
        self.options = options

    def open(self) -> SummariseSession:
        return SummariseSession(self.cluster, self.options)


def _refuse_mixing(cluster: Cluster, options: SummariseOptions, events: SameTopic) -> None:
    """Refuse to write beside coarser panes, or those of another topic: no detector could read both."""
    last = newest(cluster, options.summaries)
    theirs = made_of(last.headers()) if last is not None else None  # type: ignore[arg-type]  # headers are typed wider than they come
    if theirs is not None:
        refuse_coarser(theirs.slide, options.rules.slide)
        refuse_others(theirs.topic, options.events, options.summaries)
        events.look()
        events.refuse_another(theirs.topic_id)


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
        _refuse_mixing(cluster, options, self._topic)
        self._total = cluster.partitions(options.events)
        self._transactions = Transactions(cluster.producer(self.name))
        self._consumer: Consumer = cluster.consumer(options.group)
        self._membership = Membership(self.name, options.group, self._assigned, self._gone)
        self._membership.subscribe(self._consumer, [options.events])
        self._backlog = Backlog(self.name)

    name = "summarise"

    def step(self) -> bool:
        self._topic.look_again()
        some = self._read_on(self.options.max_batch, self.options.commit_every)
        self._commit(self._clock())
        self._hold_back()
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
                here = TopicPartition(self.options.events, ours.intake.source, ours.next)
                self._consumer.seek(here)
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
            shares[:] = [s for s in shares if held.get(s.ours.intake.source) is s.ours]

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

    def _hold_back(self) -> None:
        """Pause partitions that are far ahead, in event time, of one that has more to be read.

        Windows close when all partitions have passed them: what is ahead would pile up downstream. Two
        steps' worth of messages may: a producer fills partitions in runs of some ten thousand messages,
        the client brings them in such, and it forgets what it has fetched of a partition that is paused.
        """
        skew = self.options.max_skew * SECOND
        behind = {number for number, ours in self._partitions.items() if self._is_behind(ours)}
        # One whose first event is still to come is behind all others.
        highs = [self._partitions[number].intake.clock.high or 0 for number in behind]
        slowest = min(highs, default=_LATEST)
        for number, ours in self._partitions.items():
            ahead = (ours.intake.clock.high or 0) - slowest
            here = TopicPartition(self.options.events, number, ours.next)
            if ahead <= skew:
                ours.in_step = ours.next
            is_far = ahead > skew and ours.next - ours.in_step > 2 * self.options.max_batch
            if not ours.paused and number in behind and is_far:
                self._consumer.pause([here])
                ours.paused, ours.at_end_since = True, None
            elif ours.paused and ahead <= skew / 2:
                # What was fetched and not taken is gone from the client: it starts again from here.
                self._consumer.seek(here)
                self._consumer.resume([here])
                ours.paused = False

    def _is_behind(self, ours: Partition) -> bool:
        """Whether more has been appended than we have read, as far as the client knows."""
        return self._held(ours) > max(ours.next, ours.seen)

    def _held(self, ours: Partition) -> int:
        """End of the partition as of the last fetch; negative before the first."""
        here = TopicPartition(self.options.events, ours.intake.source)
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
        """Take over: from the committed offset, with the clock that was committed with it."""
        # A rebalance is also how members hear of partitions that were added.
        self._total = self._cluster.partitions(self.options.events)
        starts = []
        self._topic.look()
        found = committed_offsets(consumer, partitions, TIMEOUT)
        # Ours come with what the next owner has to know; those that a person set, or deleted, do not.
        told = {} if all(p.metadata for p in found) else self._told()
        for partition in found:
            low, high = watermarks(consumer, partition)
            start = partition.offset if partition.offset >= 0 else low
            if start > high:
                # Read on from the end, and what comes next is taken for what was read before.
                raise StreamError(
                    f"{partition.topic}[{partition.partition}] ends at {high}, and group "
                    f"{self.options.group} has committed {start}: if the topic was made anew, "
                    "delete the group's offsets"
                )
            intake = Intake(
                self.options.decoder,
                self.options.rules,
                self.options.summarizer,
                self.options.intake,
                partition.partition,
            )
            # What retention has deleted unread lies between two ranges, and the fold will name it.
            begin = max(start, low)
            before = told.get(partition.partition)
            if not partition.metadata:
                self._say_moved(partition, before, begin)
            elif begin > start:
                self._membership.say_deleted(partition.topic, partition.partition, start, begin)
            self._partitions[partition.partition] = Partition(
                intake, begin, partition.metadata, self.options.idle_after, before
            )
            starts.append(TopicPartition(partition.topic, partition.partition, begin))
        consumer.incremental_assign(starts)
        consumer.resume(starts)  # an earlier assignment may have ended while it was paused

    def _told(self) -> dict[int, int]:
        """Partition → first offset that no commit has covered yet.

        Of the latest commits only; of a partition that somebody owns there is one a second.
        """
        topic, told = self.options.summaries, dict[int, int]()
        low, high = held(self._cluster, topic)[0]
        for messages in read(self._cluster, topic, {0: (max(low, high - LOOK_BACK), high)}):
            for message in messages:
                for progress in progress_of(message.headers()):  # type: ignore[arg-type]  # headers are typed wider than they come
                    told[progress.partition] = max(told.get(progress.partition, 0), progress.next)
        return told

    def _say_moved(self, partition: TopicPartition, before: int | None, now: int) -> None:
        if before == now or (before is None and partition.offset < 0):
            return  # it is where we left it, or was never ours
        effect = "what was read before is read again, and kept out of the windows"
        if before is None:
            effect = f"{effect}; what is passed over is missing: audit names both"
        elif now > before:
            effect = "the events between are passed over: audit names them"
        self._membership.say_moved(partition.topic, partition.partition, before, now, effect)

    def _gone(self, partitions: list[TopicPartition]) -> None:
        """Forget what is no longer ours; whatever of it was read and not committed is read again."""
        for partition in partitions:
            self._partitions.pop(partition.partition, None)
