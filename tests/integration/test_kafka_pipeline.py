"""The pipeline on a real broker and a real database: the rows of the line in one process, the
accounts that prove it, and what becomes of both when somebody interferes."""

from __future__ import annotations

import json
import time
from functools import cache

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import create_engine, text

from log_guard.adapters.kafka.reading import committed, held
from log_guard.app.audit import auditing as accounts
from log_guard.core.events import SECOND
from log_guard.errors import LogGuardError
from tests.kafka import PARTITIONS, Lines, Pipeline, made_stream, truth


@cache
def prepared(seconds: int = 600) -> tuple[Lines, int]:
    """A stream, and the time up to which its windows are closed by its own events."""
    start = int(time.time()) // 60 * 60 - 7_200
    return made_stream(11, seconds * 13, start, seconds), (start + seconds) * SECOND


def run_to_end(pipeline: Pipeline, lines: Lines, until: int) -> None:
    """Let separate processes work on the stream, then let the partitions idle until all is scored."""
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role)
    pipeline.produce(lines)
    pipeline.wait("the table", lambda: pipeline.written_to(until))
    pipeline.stop(["summarise"])
    pipeline.start("last", "summarise", idle_seconds=1.0)
    pipeline.wait("the last windows", lambda: audit(pipeline) == 0)
    # While it idles, time goes on, and there are ever more windows: first that ends, then what writes them.
    codes = pipeline.stop(["last"])
    pipeline.wait("the last rows", lambda: audit(pipeline) == 0)
    codes |= pipeline.stop()
    assert codes == dict.fromkeys(codes, 0)


def audit(pipeline: Pipeline, *options: str) -> int:
    """The exit code of ``logguard audit``, asked for too often here to start a process each time."""
    try:
        outcome = accounts.audit(pipeline.deployment, recount="--recount" in options)
    except LogGuardError:
        return 1
    return 0 if outcome.complete else 1


def found(pipeline: Pipeline, *options: str) -> list[dict[str, str]]:
    """What the audit finds amiss; without a process, as above."""
    outcome = accounts.audit(pipeline.deployment, recount="--recount" in options)
    assert not outcome.complete
    return [{"what": f.what, "where": f.where, "why": f.why} for f in outcome.findings]


def execute(pipeline: Pipeline, statement: str) -> None:
    engine = create_engine(pipeline.url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_the_table_is_that_of_one_process_and_the_audit_proves_it(pipeline: Pipeline) -> None:
    lines, until = prepared(1_500)
    run_to_end(pipeline, lines, until)
    expected = truth(pipeline, lines, until)
    assert any(row["is_anomaly"] for row in expected.values())
    assert pipeline.table(until) == expected

    done = pipeline.run("audit", "--recount")
    total = sum(map(len, lines))
    assert f"all {total:,} events accounted for" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0

    # A row that somebody deletes, and one that somebody changes, are named.
    execute(
        pipeline,
        "DELETE FROM anomaly_results WHERE service = 'db' AND window_start = "
        "(SELECT max(window_start) FROM anomaly_results WHERE service = 'db')",
    )
    done = pipeline.run("audit", "--format", "json")
    assert done.returncode == 1, done.stdout + done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["what"] == "missing"
    assert " db" in finding["where"]
    execute(
        pipeline,
        "UPDATE anomaly_results SET log_count = log_count + 1 WHERE service = 'api' "
        "AND window_start = (SELECT min(window_start) FROM anomaly_results)",
    )
    assert {f["what"] for f in found(pipeline)} == {"missing", "wrong"}
    assert any("are in log-events" in f["why"] for f in found(pipeline, "--recount"))

    # So are an alert that somebody changes, or deletes.
    execute(pipeline, "UPDATE alerts SET peak_score = 99, service = 'nobody' WHERE id = 1")
    changed = [f for f in found(pipeline) if f["where"] == "alerts 1"]
    assert [f["why"] for f in changed] == ["service, peak_score: not what was published"]
    execute(pipeline, "UPDATE alerts SET revision = 1000000007 WHERE id = 1")
    why = [f["why"] for f in found(pipeline) if f["where"] == "alerts 1"]
    assert why == ["of revision 1000000007, which was never published"]
    execute(pipeline, "DELETE FROM alerts WHERE id = 1")
    assert {"what": "missing", "where": "alerts 1", "why": "published, but no row"} in found(
        pipeline
    )

    # Of an account that somebody deletes the offsets are named, and no rows: those are right.
    def counted_wrong() -> list[str]:
        return [f["where"] for f in found(pipeline, "--recount") if "log-events" in f["why"]]

    before, gone = counted_wrong(), f"{pipeline.settings.topic}-0 [0, {len(lines[0])})"
    execute(pipeline, "DELETE FROM accounts WHERE partition = 0")
    assert counted_wrong() == before
    lost = [f["where"] for f in found(pipeline) if "its account was published" in f["why"]]
    assert lost == [gone]

    # The writer reads the topic again from its beginning: every row is back.
    reset(pipeline, pipeline.settings.writer_group, pipeline.settings.output_topic, 0)
    pipeline.start("write", "write")
    pipeline.wait("the rows", lambda: audit(pipeline) == 0)
    pipeline.stop()
    assert pipeline.table(until) == expected


def test_offsets_moved_by_hand_are_named_and_double_nothing(pipeline: Pipeline) -> None:
    lines, until = prepared()
    run_to_end(pipeline, lines, until)
    before = pipeline.table(until)
    settings = pipeline.settings
    groups = {
        "summarise": (settings.processor_group, settings.topic, PARTITIONS),
        "detect": (settings.detector_group, settings.summary_topic, 1),
        "write": (settings.writer_group, settings.output_topic, PARTITIONS),
    }
    for group, topic, partitions in groups.values():
        reset(pipeline, group, topic, 0, partitions)
    told = found(pipeline)
    assert {f["what"] for f in told} == {"in flight"}
    for group, topic, _ in groups.values():
        mine = [f for f in told if f["where"].startswith(f"{topic}-")]
        assert mine
        assert all(f"group {group} was set back by hand" in f["why"] for f in mine)
    for role in groups:
        pipeline.start(role, role, idle_seconds=1.0)
    pipeline.wait("the end", lambda: {f["what"] for f in found(pipeline)} == {"doubled"})
    for role, (group, topic, _) in groups.items():
        lines_ = [json.loads(line) for line in pipeline.log(role).splitlines()]
        moved = [line for line in lines_ if line["event"] == "offset was moved by hand"]
        assert {line["partition"].split()[0] for line in moved} == {topic}
        assert all(line["group"] == group and line["before"] > line["now"] == 0 for line in moved)
    pipeline.stop()
    assert pipeline.table(until) == before
    assert {f["what"] for f in found(pipeline)} >= {"doubled"}
    where = [f["where"] for f in found(pipeline) if f["what"] == "doubled"]
    assert {w.split(" ")[0] for w in where} == {f"{settings.topic}-{p}" for p in range(PARTITIONS)}


def test_what_comes_after_offsets_were_set_back_is_not_lost(pipeline: Pipeline) -> None:
    """Old messages and new ones wait together: a commit of both would be kept out of the windows whole."""
    lines, until = prepared()
    settings, cluster = pipeline.settings, pipeline.deployment.cluster("-test")
    most = [len(mine) * 3 // 4 for mine in lines]
    pipeline.produce([mine[:n] for mine, n in zip(lines, most, strict=True)])

    def through() -> bool:
        done = committed(cluster, settings.processor_group, settings.topic)
        return [done.get(p) for p in range(PARTITIONS)] == most

    pipeline.start("before", "summarise")
    pipeline.wait("the first messages", through)
    pipeline.stop()
    reset(pipeline, settings.processor_group, settings.topic, min(most) - 100)
    pipeline.produce([mine[n:] for mine, n in zip(lines, most, strict=True)])
    for role in ("detect", "write"):
        pipeline.start(role, role)
    pipeline.start("summarise", "summarise", idle_seconds=1.0)
    pipeline.wait("the table", lambda: pipeline.written_to(until))
    pipeline.wait("the end", lambda: {f["what"] for f in found(pipeline)} == {"doubled"})
    doubled = [f["where"].partition(" ")[2] for f in found(pipeline)]
    assert sorted(doubled) == sorted(f"[{min(most) - 100}, {n})" for n in most)
    pipeline.stop()
    assert pipeline.table(until) == truth(pipeline, lines, until)


def reset(
    pipeline: Pipeline, group: str, topic: str, offset: int, partitions: int = PARTITIONS
) -> None:
    """What an operator does by hand, with no member in the group."""
    admin = AdminClient({"bootstrap.servers": pipeline.brokers})
    moved = [TopicPartition(topic, p, offset) for p in range(partitions)]
    request = [ConsumerGroupTopicPartitions(group, moved)]
    for future in admin.alter_consumer_group_offsets(request).values():
        future.result()


def delete_half(pipeline: Pipeline, topic: str) -> None:
    """What retention does in the end."""
    admin = AdminClient({"bootstrap.servers": pipeline.brokers})
    spans = held(pipeline.deployment.cluster("-test"), topic)
    half = [TopicPartition(topic, p, (low + high) // 2) for p, (low, high) in spans.items()]
    for future in admin.delete_records(half).values():
        future.result()


def test_what_retention_has_deleted_is_no_finding(pipeline: Pipeline) -> None:
    lines, until = prepared()
    run_to_end(pipeline, lines, until)
    for topic in (pipeline.settings.topic, pipeline.settings.output_topic):
        delete_half(pipeline, topic)
    done = pipeline.run("audit", "--recount")
    assert done.returncode == 0, done.stdout
    assert " older than their records, " in done.stdout
    assert " on, events before are deleted; NO row could be compared with that" in done.stdout
    execute(
        pipeline,
        "UPDATE anomaly_results SET log_count = log_count + 1 WHERE service = 'api' "
        "AND window_start = (SELECT max(window_start) FROM anomaly_results WHERE service = 'api')",
    )
    (finding,) = found(pipeline)
    assert finding["why"] == "log_count: not what was published"


def test_many_events_a_message_keys_and_tombstones(pipeline: Pipeline) -> None:
    start = int(time.time()) - 3_600
    settings = pipeline.settings
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role, idle_seconds=1.0)
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": pipeline.brokers, "compression.type": "zstd"})
    for second in range(0, 600, 5):
        body = [
            json.dumps(
                {
                    "timestamp": start + second + i / 10,
                    "level": "INFO",
                    "service": "api",
                    "message": "ok",
                }
            )
            for i in range(40)
        ]
        producer.produce(settings.topic, "\n".join(body) + "\n", key=b"api")
        producer.produce(settings.topic, None, key=b"api")
    producer.flush(30)
    pipeline.wait("all", lambda: audit(pipeline) == 0)
    # Silence goes on being told: first that ends, then what writes of it.
    pipeline.stop(["summarise"])
    pipeline.wait("the last rows", lambda: audit(pipeline) == 0)
    pipeline.stop()
    said = pipeline.run("audit", "--recount").stdout
    engine = create_engine(pipeline.url)
    with engine.connect() as connection:
        sums = connection.execute(
            text("SELECT sum(consumed), sum(summarised), sum(filtered) FROM accounts")
        ).one()
    engine.dispose()
    assert tuple(map(int, sums)) == (120 * 41, 120 * 40, 120)
    assert "all 4,920 events accounted for (" in said
    assert " rows, 120 messages without a value, 4,800 counted again)" in said


def test_open_windows_are_published_on_exit_if_asked(pipeline: Pipeline) -> None:
    start = int(time.time()) - 3_600
    lines: Lines = [
        [
            json.dumps(
                {"timestamp": start + s, "level": "INFO", "service": "api", "message": "ok"}
            ).encode()
            for s in range(100)
        ]
        for _ in range(PARTITIONS)
    ]
    process = pipeline.start("process", "process", flush_on_exit=True)
    pipeline.produce(lines)
    pipeline.start("write", "write")
    pipeline.wait("some rows", lambda: bool(pipeline.table(1 << 60)))
    process.terminate()
    assert process.wait(timeout=10) == 0
    del pipeline.processes["process"]
    pipeline.wait(
        "an open window", lambda: any(not row["final"] for row in pipeline.table(1 << 60).values())
    )


def test_a_second_consumer_of_the_results_sees_only_committed_ones(pipeline: Pipeline) -> None:
    """The records are public: JSON, a schema version in each, the service as key."""
    lines, until = prepared()
    run_to_end(pipeline, lines, until)
    consumer = Consumer(
        {
            "bootstrap.servers": pipeline.brokers,
            "group.id": f"{pipeline.prefix}-other",
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([pipeline.settings.output_topic])
    messages = consumer.consume(200, 30)
    consumer.close()
    assert len(messages) == 200
    for message in messages:
        body = json.loads(message.value() or b"")
        assert body["schema"] == 1
        if body["kind"] == "result":
            assert (message.key() or b"").decode() == body["service"]
