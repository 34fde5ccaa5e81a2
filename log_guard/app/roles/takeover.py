"""How summarise takes over partitions: from the committed offset, with the clock that was committed with it.

That offset need not be where the last owner left it: hands can have moved it, retention can have deleted what
comes next, and the topic can have been made anew. The first two are said, the third is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from log_guard.adapters.kafka.clients import Cluster, committed_offsets
from log_guard.adapters.kafka.reading import held, newest, read, watermarks
from log_guard.adapters.kafka.records import made_of, progress_of, refuse_coarser, refuse_others
from log_guard.app.roles.membership import TIMEOUT, Membership
from log_guard.app.roles.partition import Partition
from log_guard.app.roles.same_topic import SameTopic
from log_guard.core.summarising.intake import Intake
from log_guard.errors import StreamError

LOOK_BACK = 10_000
"""Offsets of ``window-summaries`` among which our last word on a partition is looked for."""


@dataclass(frozen=True)
class Takeover:
    """Taking over partitions of a topic of events.

    summaries:   topic of what was told of them.
    group:       consumer group of those who read them.
    idle_after:  as :class:`Partition` takes it.
    new_intake:  makes the intake of a partition, with a fresh clock.
    """

    cluster: Cluster
    topic: SameTopic
    summaries: str
    group: str
    idle_after: float
    new_intake: Callable[[int], Intake]

    def refuse_mixing(self, slide: int) -> None:
        """Refuse to write beside coarser panes, or those of another topic: no detector could read both.

        slide:  of the panes to be written, µs.
        """
        last = newest(self.cluster, self.summaries)
        theirs = made_of(last.headers()) if last is not None else None  # type: ignore[arg-type]  # headers are typed wider than they come
        if theirs is not None:
            refuse_coarser(theirs.slide, slide)
            refuse_others(theirs.topic, self.topic.name, self.summaries)
            self.topic.look()
            self.topic.refuse_another(theirs.topic_id)

    def take(
        self, consumer: Consumer, partitions: list[TopicPartition], membership: Membership
    ) -> list[Partition]:
        """The partitions as they are to be gone on with; StreamError where that cannot be."""
        self.topic.look()
        found = committed_offsets(consumer, partitions, TIMEOUT)
        # Ours come with what the next owner has to know; those that a person set, or deleted, do not.
        told = {} if all(p.metadata for p in found) else self._told()
        return [self._one(consumer, p, told.get(p.partition), membership) for p in found]

    def _one(
        self,
        consumer: Consumer,
        committed: TopicPartition,
        before: int | None,
        membership: Membership,
    ) -> Partition:
        """The partition from its committed offset on; ``before``: up to where commits had come, if that was asked for."""
        low, high = watermarks(consumer, committed)
        start = committed.offset if committed.offset >= 0 else low
        if start > high:
            # Read on from the end, and what comes next is taken for what was read before.
            raise StreamError(
                f"{committed.topic}[{committed.partition}] ends at {high}, and group "
                f"{self.group} has committed {start}: if the topic was made anew, "
                "delete the group's offsets"
            )
        # What retention has deleted unread lies between two ranges, and the fold will name it.
        begin = max(start, low)
        if not committed.metadata:
            _say_moved(membership, committed, before, begin)
        elif begin > start:
            membership.say_deleted(committed.topic, committed.partition, start, begin)
        intake = self.new_intake(committed.partition)
        return Partition(intake, begin, committed.metadata, self.idle_after, before)

    def _told(self) -> dict[int, int]:
        """Partition → first offset that no commit has covered yet.

        Of the latest commits only; of a partition that somebody owns there is one a second.
        """
        topic, told = self.summaries, dict[int, int]()
        low, high = held(self.cluster, topic)[0]
        for messages in read(self.cluster, topic, {0: (max(low, high - LOOK_BACK), high)}):
            for message in messages:
                for progress in progress_of(message.headers()):  # type: ignore[arg-type]  # headers are typed wider than they come
                    told[progress.partition] = max(told.get(progress.partition, 0), progress.next)
        return told


def _say_moved(
    membership: Membership, partition: TopicPartition, before: int | None, now: int
) -> None:
    if before == now or (before is None and partition.offset < 0):
        return  # it is where we left it, or was never ours
    effect = "what was read before is read again, and kept out of the windows"
    if before is None:
        effect = f"{effect}; what is passed over is missing: audit names both"
    elif now > before:
        effect = "the events between are passed over: audit names them"
    membership.say_moved(partition.topic, partition.partition, before, now, effect)
