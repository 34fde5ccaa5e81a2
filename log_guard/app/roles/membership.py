"""What an operator is told of a member of a group: one line each time partitions come or go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import structlog
from confluent_kafka import Consumer, TopicPartition

from log_guard.adapters.kafka.clients import Callbacks
from log_guard.app.roles.news import REMIND_EVERY, News

Place = tuple[str, int]

TIMEOUT = 10.0
"""Seconds to wait for Kafka's answers before the session is given up."""
PATIENCE = 20.0
"""Seconds in which a group has mostly found out who reads what."""


class Membership:
    """A consumer's part in its group.

    assigned:  takes over partitions; what it raises is raised by :meth:`check`.
    gone:      forgets them.
    clock:     seconds.
    """

    def __init__(
        self,
        role: str,
        group: str,
        assigned: Callable[[Consumer, list[TopicPartition]], None] = lambda *_: None,
        gone: Callable[[list[TopicPartition]], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = structlog.get_logger().bind(role=role, group=group)
        self._news = News(role=role, group=group)
        self._assigned, self._gone = assigned, gone
        self._held: set[Place] = set()
        self._clock = clock
        self._waiting_since: float | None = clock()
        self._patience = PATIENCE  # so long it is waited before that is said
        self._callbacks = Callbacks(self._on_assigned, self._on_gone)

    def subscribe(self, consumer: Consumer, topics: list[str]) -> None:
        self._callbacks.subscribe(consumer, topics)

    def check(self) -> None:
        """Raise what a takeover has failed with since; say, now and then, that the group gives us nothing to do."""
        self._callbacks.check()
        since, now = self._waiting_since, self._clock()
        if since is not None and now - since > self._patience:
            self._patience = now - since + REMIND_EVERY
            self._log.warning(
                "waiting for partitions: the group's coordinator is away, or waits for a member that does not answer",
                seconds=round(now - since),
            )

    def close(self, consumer: Consumer) -> None:
        """Leave the group."""
        self._callbacks.close(consumer)

    def say_moved(
        self, topic: str, partition: int, before: int | None, now: int, effect: str
    ) -> None:
        """Say that hands have moved the group's offset of a partition, and what comes of it."""
        self._news.warning(
            "offset was moved by hand",
            partition=f"{topic} {partition}",
            before=before,
            now=now,
            effect=effect,
        )

    def say_deleted(self, topic: str, partition: int, first: int, after: int) -> None:
        """Say that the topic's retention was quicker than we."""
        self._news.warning(
            "events were deleted before they were read: lengthen retention.ms, or add processes",
            partition=f"{topic} {partition}",
            first=first,
            after=after,
        )

    def _on_assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._waiting_since = None
        if partitions:
            self._assigned(consumer, partitions)
            # Only now: where a takeover fails, it fails again and again.
            self._held |= _places(partitions)
            self._news.info("took over partitions", partitions=named(_places(partitions)))
        elif not self._held:
            self._news.info("standing by: other members hold all partitions")

    def _on_gone(self, partitions: list[TopicPartition], lost: bool) -> None:
        gone = _places(partitions) & self._held
        self._held -= gone
        if not self._held:
            self._waiting_since, self._patience = self._clock(), PATIENCE
        if lost and gone:
            self._log.warning(
                "lost partitions: the group's broker is gone, or has not heard of this member for so long that it put it out",
                partitions=named(gone),
            )
        elif gone:
            self._news.info("gave up partitions", partitions=named(gone))
        self._gone(partitions)


def _places(partitions: Iterable[TopicPartition]) -> set[Place]:
    return {(p.topic, p.partition) for p in partitions}


def named(places: Iterable[Place]) -> str:
    """``log-events 0, 2, 3; dead-letters 1``."""
    by_topic: dict[str, list[str]] = {}
    for topic, partition in sorted(places):
        by_topic.setdefault(topic, []).append(str(partition))
    return "; ".join(f"{topic} {', '.join(numbers)}" for topic, numbers in by_topic.items())
