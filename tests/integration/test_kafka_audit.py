"""The audit while more comes, and where it is told what is not as it should be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.records import (
    account_record,
    alert_record,
    balance_record,
    dead_letter_record,
    result_record,
)
from log_guard.adapters.store import Store
from log_guard.app.audit.auditing import audit
from log_guard.app.audit.findings import Audit
from log_guard.app.deployment import Deployment
from log_guard.core.events import DeadLetter
from log_guard.core.results import Alert, Result
from log_guard.core.stream.progress import Account, Balance
from log_guard.core.summarising.intake import LINE_BITS
from tests.integration.test_kafka_bounds import made
from tests.integration.test_kafka_operations import query
from tests.integration.test_kafka_pipeline import execute, reset
from tests.integration.test_store import alert, result
from tests.kafka import PARTITIONS, Pipeline


class Interrupted(Store):
    """A store with which something happens just before its rows are asked for."""

    before: Callable[[], None]

    def verdicts(
        self, run: str = "", start: int | None = None, end: int | None = None
    ) -> Iterator[Mapping[str, Any]]:
        self.before()
        return super().verdicts(run, start, end)


def audited(pipeline: Pipeline, before: Callable[[], None] = lambda: None) -> Audit:
    """An audit; ``before`` happens once the records are read and before the rows are."""

    class Between(Deployment):
        def own_store(self, cluster: Cluster) -> Store:
            store = Interrupted(self.database_url(), upgrade=False)
            store.before = before
            return store

    return audit(Between(pipeline.settings), recount=False)


def why(outcome: Audit) -> list[tuple[str, str]]:
    return [(finding.what, finding.why) for finding in outcome.findings]


def records(pipeline: Pipeline, *told: Result | Alert) -> list[tuple[bytes, bytes]]:
    topic = pipeline.settings.topic
    return [
        result_record(one, topic, "")
        if isinstance(one, Result)
        else alert_record(one, 7, topic, "")
        for one in told
    ]


def publish(pipeline: Pipeline, *told: Result | Alert) -> None:
    producer = Producer({"bootstrap.servers": pipeline.brokers})
    for key, value in records(pipeline, *told):
        producer.produce(pipeline.settings.output_topic, value, key=key)
    assert producer.flush(30) == 0


def write(pipeline: Pipeline, *told: Result | Alert) -> None:
    with pipeline.deployment.store() as store:
        store.apply([json.loads(value) for _, value in records(pipeline, *told)])


def test_rows_that_come_between_the_readings_are_no_findings(pipeline: Pipeline) -> None:
    first, raised = result(), alert()
    publish(pipeline, first, raised)
    write(pipeline, first, raised)
    assert why(audited(pipeline)) == []

    newer, another = replace(first, revision=9), result(window=1, service="db")
    other_verdict = replace(another, anomaly_score=another.anomaly_score + 1)
    more = newer, another, replace(raised, id=raised.id + 1)

    def come() -> None:
        publish(pipeline, *more)
        write(pipeline, *more)

    assert why(audited(pipeline, come)) == []

    def come_again() -> None:  # of the same revision, as a re-scoring under the same name does
        publish(pipeline, other_verdict)
        write(pipeline, other_verdict)

    assert why(audited(pipeline, come_again)) == []

    def come_twice() -> None:  # the second is not written yet
        publish(pipeline, replace(first, revision=10), replace(first, revision=11))
        write(pipeline, replace(first, revision=10))

    assert why(audited(pipeline, come_twice)) == []


def test_rows_that_are_forged_meanwhile_are_named(pipeline: Pipeline) -> None:
    first, raised = result(), alert()
    publish(pipeline, first, raised)
    write(pipeline, first, raised)
    true, forged = result(window=1, service="db"), result(window=2, service="db")
    score = true.anomaly_score + 1

    def come() -> None:
        publish(pipeline, true)
        write(
            pipeline,
            replace(true, anomaly_score=score),
            replace(first, revision=9),
            forged,
            replace(raised, id=raised.id + 1),
        )

    assert sorted(why(audited(pipeline, come))) == [
        ("wrong", "a row that was never published"),
        ("wrong", "a row that was never published"),
        ("wrong", "anomaly_score: not what was published"),
        ("wrong", "of revision 9, which was never published"),
    ]


def test_events_that_hands_have_passed_over_are_missing_and_not_in_flight(
    pipeline: Pipeline,
) -> None:
    settings = pipeline.settings
    roles = ("summarise", "detect", "write")
    lines = [made(int(time.time()) // 60 * 60 - 3_600, 1.0, 70) for _ in range(PARTITIONS)]
    pipeline.produce([mine[:50] for mine in lines])
    for role in roles:
        pipeline.start(role, role, idle_seconds=1.0)
    pipeline.wait("all", lambda: why(audited(pipeline)) == [])
    all_four = ", ".join(f"{settings.topic}-{partition}" for partition in range(PARTITIONS))
    assert audited(pipeline).asides == [f"quiet, so time goes on by the clock: {all_four}"]
    pipeline.stop()
    pipeline.produce([mine[50:60] for mine in lines])

    def found() -> list[tuple[str, str]]:
        told = [(f.what, f.where) for f in audited(pipeline).findings]
        return sorted((what, where.split("-")[-1]) for what, where in told if "log-events" in where)

    def each(what: str, span: str) -> list[tuple[str, str]]:
        return [(what, f"{partition} {span}") for partition in range(PARTITIONS)]

    assert found() == each("in flight", "[50, 60)")
    reset(pipeline, settings.processor_group, settings.topic, 55)
    assert found() == each("in flight", "[55, 60)") + each("missing", "[50, 55)")

    # The topic is quiet: with nothing to read, the roles still tell of what was passed over.
    reset(pipeline, settings.processor_group, settings.topic, 60)
    for role in roles:
        pipeline.start(role, role, idle_seconds=1.0)
    told = "SELECT count(*) AS n FROM accounts WHERE status = 'missing'"
    pipeline.wait("the accounts", lambda: query(pipeline, told) == [{"n": PARTITIONS}])
    # What comes after is read; and the rows are right, which do not hold what was passed over.
    pipeline.produce([mine[60:] for mine in lines])
    pipeline.wait("the rest", lambda: found() == each("missing", "[50, 60)"))
    pipeline.stop()
    recounted = audit(pipeline.deployment, recount=True)
    assert recounted.recounted == PARTITIONS * 60
    assert [str(f) for f in recounted.findings if "anomaly_results" in f.where] == []


def test_dead_letters_that_are_missing_or_forged_are_named(pipeline: Pipeline) -> None:
    settings = pipeline.settings
    letters = [
        dead_letter_record(DeadLetter("no timestamp", offset << LINE_BITS | 2, 1, b"?"), topic)
        for topic in (settings.topic, settings.summary_topic)
        for offset in (5, 6, 7)
    ]
    producer = Producer({"bootstrap.servers": pipeline.brokers})
    for key, value in letters[:2]:
        producer.produce(settings.dead_letter_topic, value, key=key, partition=0)
    assert producer.flush(30) == 0

    def keep(*which: tuple[bytes, bytes]) -> None:
        with pipeline.deployment.store() as store:
            store.apply([json.loads(value) for _, value in which])

    def found() -> list[str]:
        return [str(finding) for finding in audited(pipeline).findings]

    def line(what: str, offset: int, why: str) -> str:
        return f"{what}: dead_letters {settings.topic}-1@{offset}:2 ({why})"

    keep(letters[0])
    assert found() == [line("in flight", 6, "published, but no row")]
    reset(pipeline, settings.writer_group, settings.dead_letter_topic, 2, 1)
    assert found() == [line("missing", 6, "published, but no row")]
    keep(letters[1], *letters[3:])  # the writer keeps its own of the other topics
    assert found() == []
    keep(letters[2])
    assert found() == [line("wrong", 7, "a row that was never published")]


def test_what_was_dropped_or_merged_for_its_age_is_no_finding_and_comes_back_once(
    pipeline: Pipeline,
) -> None:
    """Records older than what the database keeps: a topic deletes whole segments, so it holds some for longer."""
    settings = pipeline.settings
    topic, results, dead = settings.topic, settings.output_topic, settings.dead_letter_topic

    def of_account(first: int, letters: int) -> tuple[bytes, bytes]:
        counts = {"consumed": 10, "summarised": 10 - letters, "dead_lettered": letters}
        return account_record(Account(1, first, first + 10, "accepted", first, **counts), topic, "")

    def letter(offset: int) -> tuple[bytes, bytes]:
        return dead_letter_record(DeadLetter("no timestamp", offset << LINE_BITS, 1, b"?"), topic)

    now = time.time()
    old = now - 31 * 86_400
    producer = Producer({"bootstrap.servers": pipeline.brokers})
    for to, at, (key, value) in (
        (results, old, of_account(0, 1)),
        (results, old, of_account(10, 0)),
        (results, old, alert_record(alert(id=1), 7, topic, "")),
        (dead, old, letter(5)),
        (results, now, of_account(20, 1)),
        (results, now, alert_record(alert(id=2), 8, topic, "")),
        (results, now, balance_record(Balance(30, 28, 28, 0, 0, None), "")),
        (dead, now, letter(25)),
    ):
        producer.produce(to, value, key=key, partition=0, timestamp=round(at * 1_000))
    assert producer.flush(30) == 0
    reset(pipeline, settings.processor_group, topic, 30)
    reset(pipeline, settings.detector_group, settings.summary_topic, 31, 1)

    def written() -> bool:
        """Whether the writer is through, and the audit finds nothing."""
        return query(pipeline, "SELECT id FROM alerts WHERE id = 2") != [] and (
            why(audited(pipeline)) == []
        )

    def accounts() -> list[int]:
        found = query(pipeline, "SELECT next_offset FROM accounts ORDER BY first_offset")
        return [row["next_offset"] for row in found]

    pipeline.start("write", "write")
    pipeline.wait("the rows", written)
    pipeline.stop()
    assert accounts() == [10, 20, 30]
    with pipeline.deployment.store() as store:
        assert [line.split()[1] for line in store.maintain(datetime.now(UTC))[-3:]] == list("111")
    assert accounts() == [20, 30]
    assert why(audited(pipeline)) == []

    # What is not so old is named.
    execute(pipeline, "DELETE FROM alerts")
    execute(pipeline, "DELETE FROM dead_letters")
    assert [str(f) for f in audited(pipeline).findings] == [
        "missing: alerts 2 (published, but no row)",
        f"missing: dead_letters {topic}-1@25:0 (published, but no row)",
    ]
    for one in (results, dead):
        reset(pipeline, settings.writer_group, one, 0)
    pipeline.start("write", "write")
    pipeline.wait("the rows", written)
    pipeline.stop()
    assert accounts() == [20, 30], "no account beside the one that it was merged to"
    assert len(query(pipeline, "SELECT id FROM alerts")) == 2, "until they are dropped again"
