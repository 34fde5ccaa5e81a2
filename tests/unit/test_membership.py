"""Who waits for partitions says so, once, and again now and then."""

from __future__ import annotations

from confluent_kafka import Consumer, TopicPartition
from structlog.testing import capture_logs

from log_guard.app.roles.membership import PATIENCE, Membership
from log_guard.app.roles.news import REMIND_EVERY

HELD = [TopicPartition("log-events", 0)]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_waiting_for_partitions_is_said_once_each_time_and_every_five_minutes() -> None:
    clock = Clock()
    with capture_logs() as said:
        member = Membership("write", "logguard-writer", clock=clock)
        consumer = Consumer({"group.id": "g", "bootstrap.servers": "127.0.0.1:1"})
        member.check()
        clock.now = PATIENCE + 1
        member.check()
        member.check()
        assert [entry["event"].split(":")[0] for entry in said] == ["waiting for partitions"]
        assert said[0]["seconds"] == 21
        clock.now += REMIND_EVERY - 1
        member.check()
        assert len(said) == 1
        clock.now += 2
        member.check()
        member.check()
        assert [entry["seconds"] for entry in said] == [21, 322]
        # The client calls these.
        member._on_assigned(consumer, HELD)
        clock.now += 1_000
        member.check()
        member._on_gone(HELD, True)
        clock.now += PATIENCE - 1
        member.check()
        assert len(said) == 4  # took over, lost
        clock.now += 2
        member.check()
        assert said[-1]["event"].startswith("waiting for partitions")
        consumer.close()


def test_who_stands_by_does_not_wait() -> None:
    clock = Clock()
    with capture_logs() as said:
        member = Membership("write", "logguard-writer", clock=clock)
        consumer = Consumer({"group.id": "g", "bootstrap.servers": "127.0.0.1:1"})
        member._on_assigned(consumer, [])
        clock.now = 1_000.0
        member.check()
        assert [entry["event"].split(":")[0] for entry in said] == ["standing by"]
        consumer.close()
