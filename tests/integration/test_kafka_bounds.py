"""What is held in memory is bounded: partitions are kept in step, and one record may give much."""

from __future__ import annotations

import json
import time
from functools import partial

from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from log_guard.adapters.kafka.reading import committed, held, read
from log_guard.adapters.kafka.records import commit_of
from log_guard.core.events import SECOND
from tests.integration.test_kafka_pipeline import audit
from tests.kafka import PARTITIONS, Lines, Pipeline


def made(start: int, every: float, seconds: int) -> list[bytes]:
    """An event every so many seconds."""
    return [
        json.dumps(
            {"timestamp": start + i * every, "level": "INFO", "service": "api", "message": "ok"}
        ).encode()
        for i in range(int(seconds / every))
    ]


def widest(pipeline: Pipeline) -> float:
    """Seconds by which two partitions' watermarks were apart, at most, over all commits."""
    latest: dict[int, int] = {}
    apart = 0
    slide = pipeline.deployment.window.slide
    for messages in read(pipeline.deployment.cluster("-test"), pipeline.settings.summary_topic):
        for message in messages:
            commit = commit_of(message.value() or b"", message.headers(), slide)  # type: ignore[arg-type]
            for progress in commit.progress:
                if progress.watermark is not None and not progress.idle:
                    latest[progress.partition] = progress.watermark
            if len(latest) == PARTITIONS and commit.progress:
                apart = max(apart, max(latest.values()) - min(latest.values()))
    return apart / SECOND


def test_a_partition_does_not_run_far_ahead_of_a_slow_one(pipeline: Pipeline) -> None:
    start = int(time.time()) // 60 * 60 - 7_200
    # A message of partition 0 is a fifth of a second, one of the others four seconds.
    lines: Lines = [made(start, 0.2, 1_800), *(made(start, 4.0, 1_800) for _ in range(3))]
    pipeline.produce(lines)
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role, idle_seconds=2.0, max_batch=50, max_skew_seconds=120.0)
    # While all run: silence goes on being told, and who is stopped first must not matter.
    pipeline.wait("all", lambda: audit(pipeline, "--recount") == 0)
    pipeline.stop()
    # The skew that is put up with, and what batches of the fast ones may add to it: two are let by.
    assert widest(pipeline) <= 120 + 3 * 50 * 4


def test_records_that_nobody_can_read_are_kept_and_passed_over(pipeline: Pipeline) -> None:
    settings = pipeline.settings
    producer = Producer({"bootstrap.servers": pipeline.brokers})
    for topic in (settings.summary_topic, settings.output_topic):
        for value in (b"nonsense", b"[1]", b'{"schema": 1, "kind": "result"}', None):
            producer.produce(topic, value)
    producer.flush(30)
    start = int(time.time()) - 3_600
    pipeline.produce([made(start, 1.0, 600) for _ in range(PARTITIONS)])
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role, idle_seconds=1.0)
    pipeline.wait("all", lambda: audit(pipeline) == 0)
    pipeline.stop()
    with pipeline.deployment.store() as store:
        assert store.count_dead_letters(settings.summary_topic) == 4
        assert store.count_dead_letters(settings.output_topic) == 4
        assert store.count_dead_letters(settings.topic) == 0


def test_a_record_of_a_newer_version_is_named_with_its_place(pipeline: Pipeline) -> None:
    settings = pipeline.settings
    producer = Producer({"bootstrap.servers": pipeline.brokers})
    headers: dict[str, str | bytes | None] = {"logguard": b'{"schema": 99}'}
    producer.produce(settings.summary_topic, b"?", headers=headers, partition=0)
    producer.flush(30)

    said = f"{settings.summary_topic}-0@0 is of schema 99, but this version knows 1: upgrade"
    pipeline.start("detect", "detect")
    pipeline.wait("detect to say it", lambda: said in pipeline.log("detect"))
    pipeline.stop()
    audited = pipeline.run("audit")
    assert audited.returncode == 1
    assert f"in flight: {settings.summary_topic}-0 [0, 1) ({said}" in audited.stdout

    producer.produce(settings.output_topic, b'{"schema": 99}', partition=2)
    producer.flush(30)
    said = f"{settings.output_topic}-2@0 is of schema 99, but this version knows 1: upgrade"
    pipeline.start("write", "write")
    pipeline.wait("write to say it", lambda: said in pipeline.log("write"))
    pipeline.stop()
    audited = pipeline.run("audit")
    assert (audited.returncode, audited.stderr[: len(said) + 10]) == (1, f"logguard: {said}")


def test_a_record_of_a_newer_version_can_be_removed_with_all_before_it(pipeline: Pipeline) -> None:
    """Kafka removes no single record: what precedes it is published, stored and written by then."""
    settings = pipeline.settings
    start = int(time.time()) - 3_600
    pipeline.produce([made(start, 1.0, 600) for _ in range(PARTITIONS)])
    pipeline.start("summarise", "summarise", idle_seconds=1.0, max_batch=50)
    cluster = pipeline.deployment.cluster("-test")

    def through() -> bool:
        done = committed(cluster, settings.processor_group, settings.topic)
        return all(done.get(p, 0) >= high for p, (_, high) in held(cluster, settings.topic).items())

    pipeline.wait("the summaries", through)
    pipeline.stop()

    def says(role: str, what: str) -> bool:
        return what in pipeline.log(role)

    remove = []
    for topic, role in ((settings.summary_topic, "detect"), (settings.output_topic, "write")):
        ends = {p: high for p, (_, high) in held(cluster, topic).items()}
        fullest = max(ends, key=ends.__getitem__)
        assert ends[fullest] > 20
        producer = Producer({"bootstrap.servers": pipeline.brokers})
        headers: dict[str, str | bytes | None] = {"logguard": b'{"schema": 99}'}
        producer.produce(topic, b'{"schema": 99}', headers=headers, partition=fullest)
        producer.flush(30)
        said = f"{topic}-{fullest}@{ends[fullest]} is of schema 99"
        pipeline.start(role, role)
        pipeline.wait(f"{role} to say it", partial(says, role, said))
        pipeline.stop()
        remove.append(TopicPartition(topic, fullest, ends[fullest] + 1))
    admin = AdminClient({"bootstrap.servers": pipeline.brokers})
    for future in admin.delete_records(remove).values():
        future.result()
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role, idle_seconds=1.0)
    pipeline.wait("all", lambda: audit(pipeline, "--recount") == 0)
    pipeline.stop()
