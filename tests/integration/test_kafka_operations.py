"""What an operator does: stop, restart one after another under load, look up lines, score again."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic  # type: ignore[attr-defined]  # public, though not listed
from sqlalchemy import create_engine, text

from log_guard.adapters.kafka.reading import committed
from log_guard.adapters.kafka.topics import differences
from log_guard.app.audit.auditing import audit as pipeline_audit
from log_guard.core.events import SECOND
from log_guard.core.iso import iso
from servers import KafkaServer
from tests.integration.test_kafka_bounds import made
from tests.integration.test_kafka_pipeline import audit, delete_half, prepared, run_to_end
from tests.kafka import PARTITIONS, Pipeline, made_stream, truth


def query(pipeline: Pipeline, statement: str, **values: Any) -> list[dict[str, Any]]:
    engine = create_engine(pipeline.url)
    with engine.connect() as connection:
        rows = [row._asdict() for row in connection.execute(text(statement), values)]
    engine.dispose()
    return rows


def wait_until_running(pipeline: Pipeline, name: str, times: int = 1) -> None:
    """Until a process has said so; in its log are also its earlier lives."""
    said = '"event": "running"'
    pipeline.wait(f"{name} to run", lambda: pipeline.log(name).count(said) >= times)


def test_many_events_in_a_message_keep_their_places(pipeline: Pipeline) -> None:
    """Positions, samples, dead letters, accounts, ``audit`` and ``lines``, where offsets are shared."""
    start = int(time.time()) // 60 * 60 - 3_600
    messages: list[list[list[str]]] = [[] for _ in range(PARTITIONS)]
    for second in range(0, 900, 3):
        lines = []
        for i in range(30):
            service = ("api", "db")[i % 2]
            burst = second == 780 and service == "db"
            body = {
                "timestamp": start + second + i / 10,
                "level": "ERROR" if burst else "INFO",
                "service": service,
                "message": f"replica {i} is \x9b31mlost"
                if burst
                else f"served request {i} in {second} ms",
            }
            lines.append(json.dumps(body, ensure_ascii=False))
        if second % 90 == 0:
            lines.insert(7, "not json")
        messages[second // 3 % PARTITIONS].append(lines)
    producer = Producer({"bootstrap.servers": pipeline.brokers})
    settings = pipeline.settings
    for partition, mine in enumerate(messages):
        for number, lines in enumerate(mine):
            end = "\n" if number % 2 else ""  # some shippers end the last line, too
            producer.produce(settings.topic, "\n".join(lines) + end, partition=partition)
    producer.flush(30)
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role, idle_seconds=1.0, max_batch=7)
    everything = sum(len(lines) for mine in messages for lines in mine)
    pipeline.wait("all", lambda: audit(pipeline, "--recount") == 0)
    said = f"all {everything:,} events accounted for"
    assert said in pipeline.run("audit", "--recount").stdout
    pipeline.stop()

    letters = query(pipeline, 'SELECT "partition", "offset", line, raw FROM dead_letters')
    assert len(letters) == 10
    for letter in letters:
        assert messages[letter["partition"]][letter["offset"]][letter["line"]] == "not json"
        assert bytes(letter["raw"]) == b"not json"

    rows = query(
        pipeline,
        "SELECT service, evidence FROM anomaly_results WHERE is_anomaly AND service = 'db'",
    )
    samples = [sample for row in rows for sample in row["evidence"]["samples"]]
    assert any("replica" in sample["message"] for sample in samples)
    for sample in samples:
        line = json.loads(messages[sample["partition"]][sample["offset"]][sample["line"]])
        assert line["message"].replace("\x9b", " ") == sample["message"]
        assert line["service"] == "db"

    begin = start + 780
    done = pipeline.run("lines", f"db@{iso(begin * SECOND)}")
    assert done.returncode == 0, done.stderr
    expected = {
        f"{settings.topic}-{p}@{offset}:{n}: {line}".replace("\x9b", "\\x9b")
        for p, mine in enumerate(messages)
        for offset, lines in enumerate(mine)
        for n, line in enumerate(lines)
        if line != "not json"
        and json.loads(line)["service"] == "db"
        and begin <= json.loads(line)["timestamp"] < begin + 30
    }
    assert len(expected) == 150
    assert set(done.stdout.splitlines()) == expected
    whole = pipeline.run("lines", f"*@{iso(begin * SECOND)}")
    assert len(whole.stdout.splitlines()) == 300

    delete_half(pipeline, settings.topic)
    half = f"db@{iso((start + 435) * SECOND)}"
    done = pipeline.run("lines", half)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 105, "what is left is printed"
    why = f"are not in {settings.topic} any more: retention has deleted them"
    assert done.stderr == f"logguard: 45 of the 150 events of {half} {why}\n"


def test_the_log_events_are_kept_for_those_who_ask(pipeline: Pipeline) -> None:
    lines, _ = prepared()
    lines = [mine[:500] for mine in lines]
    told = {"timestamp": "2026-01-31T12:00:00Z", "level": "INFO", "service": "api"}
    lines[0].append(json.dumps({**told, "message": "long " * 200}).encode())
    pipeline.produce(lines)
    pipeline.start("write", "write", db_log_events=True)
    readable = [
        json.loads(line) for mine in lines for line in mine if line.startswith(b'{"timestamp"')
    ]
    with pipeline.deployment.store() as store:
        topic = pipeline.settings.topic
        pipeline.wait("the events", lambda: len(store.log_events(topic)) == len(readable), 60)
        kept = store.log_events(topic)
    for row in kept:
        line = json.loads(lines[row["partition"]][row["offset"]])
        assert (row["service"], row["level"], row["line"]) == (line["service"], line["level"], 0)
        said = line["message"]
        assert row["message"] == (said if len(said) <= 512 else said[:511] + "…")
    pipeline.stop()


def test_lines_of_no_result_are_one_line_of_error(pipeline: Pipeline) -> None:
    for asked, code in (("api@2026-01-01T00:00:00Z", 1), ("api", 2), ("api@yesterday", 2)):
        done = pipeline.run("lines", asked)
        assert done.returncode == code
        assert len(done.stderr.splitlines()) == 1


def test_a_past_span_is_scored_again_beside_the_live_results(pipeline: Pipeline) -> None:
    lines, until = prepared(900)
    run_to_end(pipeline, lines, until)
    before = pipeline.table(until)
    first, last = until - 600 * SECOND, until - 300 * SECOND
    span = ("--from", iso(first), "--to", iso(last))
    done = pipeline.run("process", *span)
    assert done.returncode == 2
    assert "--run NAME" in done.stderr
    nothing = ("process", "--from", iso(until + 3_600 * SECOND), "--run", "again")
    done = pipeline.run(*nothing, "--log-level", "warning")
    assert (done.returncode, done.stdout) == (0, "published 0 results of run again\n")
    assert "no window starts in the span" in done.stderr
    done = pipeline.run("process", *span, "--run", "again")
    assert done.returncode == 0, done.stderr
    pipeline.start("write", "write")
    again = """SELECT window_start, service, is_anomaly, anomaly_score, log_count FROM anomaly_results
               WHERE run = :run AND window_start >= :first AND window_start < :last ORDER BY 1, 2"""
    limits = {"first": iso(first), "last": iso(last)}
    live = query(pipeline, again, run="", **limits)
    pipeline.wait("the rows", lambda: query(pipeline, again, run="again", **limits) == live, 60)
    pipeline.stop()
    done = pipeline.run("audit", "--run", "again", "--recount")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"run again: every row as it was published ({len(live):,} rows")
    done = pipeline.run("audit", "--run", "nosuch")
    assert done.returncode == 1
    assert done.stderr.startswith("logguard: no run nosuch: ")
    assert len(done.stderr.splitlines()) == 1
    outside = query(
        pipeline,
        "SELECT count(*) AS n FROM anomaly_results WHERE run = 'again' AND NOT (window_start >= :first "
        "AND window_start < :last)",
        **limits,
    )
    assert outside == [{"n": 0}]
    assert pipeline.table(until, run="") == before


def test_a_rolling_restart_under_load_keeps_the_table_right(pipeline: Pipeline) -> None:
    pipeline.heartbeat = None  # as often as in the product, it commits while members come and go
    seconds = 1_000
    start = int(time.time()) // 60 * 60 - 7_200
    until = (start + seconds) * SECOND
    lines = made_stream(13, 30_000, start, seconds)
    names = {"one": "summarise", "two": "summarise", "detect": "detect", "standby": "detect"}
    for name, role in {**names, "write": "write"}.items():
        pipeline.start(name, role)
    load = Thread(target=pipeline.produce, args=(lines, 16.0), daemon=True)
    load.start()
    for name, role in {**names, "write": "write"}.items():
        wait_until_running(pipeline, name)
        assert pipeline.stop([name]) == {name: 0}
        pipeline.start(name, role)
        wait_until_running(pipeline, name, 2)
    load.join()
    pipeline.wait("the table", lambda: pipeline.written_to(until))
    pipeline.stop(["one", "two"])
    pipeline.start("last", "summarise", idle_seconds=1.0)
    pipeline.wait("the last windows", lambda: audit(pipeline, "--recount") == 0)
    pipeline.stop()
    assert pipeline.table(until) == truth(pipeline, lines, until)


def test_who_stays_commits_on_while_others_come_and_go(pipeline: Pipeline) -> None:
    start = int(time.time()) // 60 * 60 - 7_200
    lines = made_stream(6, 20_000, start, 1_200)
    pipeline.start("stays", "summarise", idle_seconds=1.0, commit_milliseconds=20)
    wait_until_running(pipeline, "stays")
    load = Thread(target=pipeline.produce, args=(lines, 12.0), daemon=True)
    load.start()
    for turn in range(4):
        name = f"guest-{turn}"
        pipeline.start(name, "summarise", idle_seconds=1.0, commit_milliseconds=20)
        wait_until_running(pipeline, name)
        pipeline.stop([name])
    load.join()
    pipeline.start("detect", "detect")
    pipeline.start("write", "write")
    pipeline.wait("all", lambda: audit(pipeline, "--recount") == 0)
    pipeline.stop()
    told = (pipeline.directory / "stays.log").read_text()
    assert "gave up partitions" in told
    assert "starting again" not in told


@pytest.mark.parametrize("running", [True, False])
def test_a_topic_that_was_made_anew_is_not_read_on_from_where_the_old_one_ended(
    pipeline: Pipeline, running: bool
) -> None:
    topic, admin = pipeline.settings.topic, AdminClient({"bootstrap.servers": pipeline.brokers})
    start = int(time.time()) // 60 * 60 - 7_200
    pipeline.start("reads", "summarise", idle_seconds=1.0)
    few = made_stream(3, 400, start, 600)
    pipeline.produce(few)
    pipeline.start("detect", "detect")
    pipeline.start("write", "write")
    pipeline.wait("all of the old", lambda: audit(pipeline, "--recount") == 0)
    if not running:
        pipeline.stop(["reads"])
    admin.delete_topics([topic])[topic].result()

    def made_anew() -> bool:
        made = admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic]
        return made.exception() is None  # it takes a while until the old one is gone

    pipeline.wait("the new topic", made_anew)
    pipeline.produce(made_stream(4, 2_000, start, 600))
    if not running:
        pipeline.start("reads", "summarise", idle_seconds=1.0)
    said = f"topic {topic} was made anew since it was read: make all topics of the pipeline anew"
    pipeline.wait("the refusal", lambda: said in pipeline.log("reads"))


def test_events_that_are_deleted_before_a_running_process_reads_them_are_named(
    pipeline: Pipeline,
) -> None:
    topic, group = pipeline.settings.topic, pipeline.settings.processor_group
    cluster = pipeline.deployment.cluster("-test")
    start = int(time.time()) // 60 * 60 - 3_600
    lines = [made(start, 1.0, 300) for _ in range(PARTITIONS)]

    def read_to(offset: int) -> bool:
        return committed(cluster, group, topic) == dict.fromkeys(range(PARTITIONS), offset)

    # Its session is to outlast what happens: it must be this one that finds out.
    pipeline.start("reads", "summarise", idle_seconds=1.0, session_timeout_seconds=60.0)
    pipeline.produce([mine[:100] for mine in lines])
    pipeline.wait("the first", lambda: read_to(100))
    pipeline.signal("reads", signal.SIGSTOP)
    pipeline.produce([mine[100:] for mine in lines])
    gone = [TopicPartition(topic, partition, 150) for partition in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": pipeline.brokers})
    for deleted in admin.delete_records(gone).values():
        deleted.result()
    pipeline.signal("reads", signal.SIGCONT)
    pipeline.wait("the rest", lambda: read_to(300))
    pipeline.start("detect", "detect")
    pipeline.start("write", "write")
    missing = [f"{topic}-{partition} [100, 150)" for partition in range(PARTITIONS)]

    def named() -> bool:
        told = pipeline_audit(pipeline.deployment, recount=True).findings
        return sorted(f.where for f in told) == missing and {f.what for f in told} == {"missing"}

    pipeline.wait("what is missing", named)
    assert "events were deleted before they were read" in pipeline.log("reads")


@pytest.mark.parametrize(
    "command", [("summarise",), ("detect",), ("write",), ("process", "--write")]
)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_busy_process_with_exit_code_0(
    pipeline: Pipeline, command: tuple[str, ...], number: int
) -> None:
    pipeline.heartbeat = None  # what is stopped is the product, command line and all
    lines, _ = prepared()
    # What gives it something to do.
    others = {"detect": ("summarise",), "write": ("summarise", "detect")}.get(command[0], ())
    for role in others:
        pipeline.start(role, role)
    process = pipeline.start("tested", *command)
    pipeline.produce(lines)
    wait_until_running(pipeline, "tested")
    process.send_signal(number)
    assert process.wait(timeout=10) == 0
    del pipeline.processes["tested"]


@pytest.mark.skipif("LOGGUARD_TEST_KAFKA" in os.environ, reason="a broker of others is not frozen")
def test_a_broker_that_hangs_does_not_keep_a_process_and_a_second_signal_ends_it_at_once(
    pipeline: Pipeline, kafka_server: KafkaServer
) -> None:
    first, second = (
        pipeline.start(name, "process", "--write") for name in ("patient", "impatient")
    )
    for name in ("patient", "impatient"):
        wait_until_running(pipeline, name)
    kafka_server.pause()
    try:
        for process in (first, second):
            process.terminate()
        pipeline.wait("the first signal", lambda: "stopping" in pipeline.log("impatient"), 10)
        second.terminate()
        assert second.wait(timeout=2) == 128 + signal.SIGTERM
        assert first.wait(timeout=10) == 0
    finally:
        kafka_server.resume()
    pipeline.processes.clear()


def test_partitions_that_were_added_are_read_and_those_that_must_be_one_are_named(
    pipeline: Pipeline,
) -> None:
    pipeline.heartbeat = None  # as above
    # Fifteen seconds in the product, for which nothing happens.
    pipeline.changes["kafka_properties"] = {"topic.metadata.refresh.interval.ms": "1000"}
    settings, admin = pipeline.settings, AdminClient({"bootstrap.servers": pipeline.brokers})
    for name, role in {"one": "summarise", "two": "summarise", "detect": "detect"}.items():
        pipeline.start(name, role, idle_seconds=1.0)
    pipeline.start("write", "write")
    took = f'"partitions": "{settings.topic} '
    pipeline.wait("theirs", lambda: all(took in pipeline.log(name) for name in ("one", "two")))
    admin.create_partitions([NewPartitions(settings.topic, 6)])[settings.topic].result()
    start = int(time.time()) // 60 * 60 - 7_200
    lines = made_stream(5, 3_000, start, 600)
    pipeline.produce([*lines, [line for line in lines[0] if b"timestamp" in line]])
    pipeline.wait("all", lambda: audit(pipeline, "--recount") == 0)
    pipeline.signal("two", signal.SIGKILL)
    del pipeline.processes["two"]
    alone = f'"group": "{settings.processor_group}", "partitions": "{settings.topic} '
    pipeline.wait("the other", lambda: pipeline.log("one").count(alone) > 1)
    pipeline.stop()
    assert '"event": "gave up partitions"' in pipeline.log("one")
    assert pipeline.run("topics", "check").returncode == 0, "any number of these will do"
    assert "not 4" in pipeline.run("topics", "check", "--partitions", "4").stdout
    demanding = replace(pipeline.deployment.topics(None)[-1], least=1 << 30)
    assert differences(pipeline.deployment.cluster(), [demanding]) == [
        f"topic {settings.dead_letter_topic} has max.message.bytes=1048588, and records may have 1073741824"
    ]

    admin.create_partitions([NewPartitions(settings.summary_topic, 2)])[
        settings.summary_topic
    ].result()
    done = pipeline.run("topics", "check")
    assert done.returncode == 1
    assert done.stdout.startswith(
        f"topic {settings.summary_topic} has 2 partitions, not 1, and detection needs one: delete all"
    )
    pipeline.start("refused", "detect")
    pipeline.wait("the refusal", lambda: "detection needs one" in pipeline.log("refused"))
