"""A database and topics that hold what is of another pipeline: nobody mixes the two."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient

from log_guard.adapters.kafka.reading import newest
from log_guard.adapters.kafka.topics import create
from tests.integration.test_kafka_pipeline import execute
from tests.kafka import PARTITIONS, Lines, Pipeline, running


@pytest.fixture
def other(pipeline: Pipeline) -> Iterator[Pipeline]:
    """Another pipeline, which was given the same database."""
    two = replace(pipeline, prefix=f"other-{uuid.uuid4().hex[:8]}", processes={})
    with running(two):
        create(two.deployment.cluster(), two.deployment.topics(PARTITIONS), 1)
        yield two


def some_lines() -> Lines:
    start = int(time.time()) - 3_600
    told = {"level": "INFO", "service": "api", "message": "ok"}
    return [
        [json.dumps({"timestamp": start + s, **told}).encode() for s in range(100)]
        for _ in range(PARTITIONS)
    ]


def refused(pipeline: Pipeline, said: str, *command: str) -> None:
    """A process ends at once, with one line for a person."""
    process = pipeline.start("refused", *command)
    assert process.wait(60) == 2, pipeline.log("refused")
    del pipeline.processes["refused"]
    (line,) = [x for x in pipeline.log("refused").splitlines() if x.startswith("logguard: ")]
    assert said in line
    (pipeline.directory / "refused.log").unlink()


def test_a_database_of_another_pipeline_is_refused(pipeline: Pipeline, other: Pipeline) -> None:
    pipeline.start("write", "write")
    with pipeline.deployment.store() as store:
        pipeline.wait("the first writer", lambda: store._database.pipeline() is not None)
    pipeline.stop()
    said = f"holds rows of {pipeline.settings.topic} and"
    refused(other, said, "write")
    refused(other, said, "process", "--write")
    for command in (("audit",), ("lines", "api@2026-01-01T00:00:00Z")):
        done = other.run(*command)
        assert done.returncode == 2
        assert said in done.stderr

    # A topic that is made anew is another topic.
    admin = AdminClient({"bootstrap.servers": pipeline.brokers})
    admin.delete_topics([pipeline.settings.topic])[pipeline.settings.topic].result()
    deployment = pipeline.deployment
    pipeline.wait(
        "a new topic", lambda: bool(create(deployment.cluster(), deployment.topics(4), 1))
    )
    refused(pipeline, "which was made anew since", "write")
    execute(pipeline, "DELETE FROM pipeline")
    pipeline.start("write", "write")
    with deployment.store() as store:
        pipeline.wait("the next writer", lambda: store._database.pipeline() is not None)


def test_summaries_that_were_made_anew_under_the_state_are_refused(pipeline: Pipeline) -> None:
    settings, deployment = pipeline.settings, pipeline.deployment
    pipeline.produce(some_lines())
    for role in ("summarise", "detect"):
        pipeline.start(role, role, idle_seconds=1.0)
    there = deployment.cluster("-test"), settings.output_topic
    pipeline.wait("a result", lambda: any(newest(*there, p) for p in range(PARTITIONS)))
    pipeline.stop()
    admin = AdminClient({"bootstrap.servers": pipeline.brokers})
    admin.delete_topics([settings.summary_topic])[settings.summary_topic].result()
    pipeline.wait(
        "a new topic", lambda: bool(create(deployment.cluster(), deployment.topics(4), 1))
    )
    pipeline.start("refused", "detect")
    said = f"{settings.summary_topic} ends at 0, and {settings.state_topic} has read it up to "
    pipeline.wait("the refusal", lambda: said in pipeline.log("refused"))
    assert "took over" not in pipeline.log("refused"), "it would be said again and again"


def test_summaries_of_two_topics_are_not_mixed(pipeline: Pipeline, other: Pipeline) -> None:
    pipeline.produce(some_lines())
    pipeline.start("summarise", "summarise")
    there = pipeline.deployment.cluster("-test"), pipeline.settings.summary_topic
    pipeline.wait("a commit", lambda: newest(*there) is not None)
    pipeline.stop()
    other.changes = {**other.changes, "summary_topic": pipeline.settings.summary_topic}
    said = f"holds summaries of topic {pipeline.settings.topic}, not of {other.settings.topic}"
    refused(other, said, "summarise")
    refused(other, said, "detect")
