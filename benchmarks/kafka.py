"""The pipeline on a real broker: what it adds to the client's own cost, and how soon results are there.

``make bench-kafka``. Ratios are of one run; the broker, of course, takes its share of the machine.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path
from threading import Event, Thread

os.environ["POLARS_MAX_THREADS"] = "1"

import numpy as np
from confluent_kafka import Consumer, TopicPartition

from benchmarks.measure import report
from log_guard.adapters.kafka.sending import Sender
from log_guard.adapters.kafka.topics import create
from log_guard.adapters.store import Store
from log_guard.app.deployment import Deployment
from log_guard.app.roles.summarise import SummariseSession
from log_guard.app.settings import Settings
from log_guard.app.simulate import SimulationSpec, simulate
from servers import DatabaseServer, KafkaServer
from tests.kafka import Pipeline

EVENTS = 500_000
LATENCY_RATE = 200_000 / 60
LATENCY_SECONDS = 60
WARM_SECONDS = 330


def main() -> int:
    """Start servers, measure, and stop them."""
    directory = Path(tempfile.mkdtemp(prefix="logguard-bench-", dir="/tmp"))
    directory.chmod(0o755)
    kafka, database = KafkaServer(directory / "kafka"), DatabaseServer(directory / "database")
    address, url = kafka.start(), database.start()
    try:
        good = throughput(address, 1, "one event a message", ">= 0.55 of bare")
        good &= throughput(address, 100, "100 events a message", ">= 0.8 M/s")
        good &= latency(address, url, directory)
    finally:
        kafka.stop()
        database.stop()
    return 0 if good else 1


def throughput(address: str, per_message: int, name: str, goal: str) -> bool:
    """CPU-seconds of this process: bare consume() + value(), then summaries committed."""
    settings = _settings(address)
    deployment = Deployment(settings)
    create(deployment.cluster(), deployment.topics(4), 1)
    spec = SimulationSpec(kinds=(), duration_s=EVENTS / 100)
    lines = b"".join(simulate(spec).batches()).splitlines()
    with Sender(address, settings.topic) as sender:
        for i in range(0, len(lines), per_message):
            sender.send_message(b"\n".join(lines[i : i + per_message]))
    messages = -(-len(lines) // per_message)
    bare = _bare(address, settings.topic, messages)
    begin = time.process_time()
    session = SummariseSession(deployment.cluster(), deployment.summarise_options())
    while session.consumed < len(lines):
        session.step()
    ours = time.process_time() - begin
    session.close(clean=True)
    rate = len(lines) / ours / 1e6
    print(f"{name}: bare {len(lines) / bare / 1e6:.2f} M/s, ours {rate:.2f} M/s a CPU-second")
    if per_message == 1:
        return report(
            f"Kafka → summaries, {name}", bare / ours, "of bare", goal, bare / ours >= 0.55
        )
    return report(f"Kafka → summaries, {name}", rate, "M/s", goal, rate >= 0.8)


def _bare(address: str, topic: str, messages: int) -> float:
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": uuid.uuid4().hex, "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(topic, p, 0) for p in range(4)])
    consumer.consume(1, 10)
    begin, seen = time.process_time(), 1
    while seen < messages:
        batch = consumer.consume(50_000, 0.25)
        for message in batch:
            message.value()
        seen += len(batch)
    spent = time.process_time() - begin
    consumer.close()
    return spent


def latency(address: str, url: str, directory: Path) -> bool:
    """From an event's timestamp to the row of the first window that holds it."""
    pipeline = Pipeline(address, url, f"bench-{uuid.uuid4().hex[:6]}", directory)
    for command in (("topics", "create"), ("db", "upgrade")):
        assert pipeline.run(*command).returncode == 0
    for role in ("summarise", "detect", "write"):
        pipeline.start(role, role)
    stop = Event()
    seen: dict[str, float] = {}
    early: list[float] = []
    watcher = Thread(target=_watch, args=(pipeline, url, seen, stop))
    watcher.start()
    hearing = Thread(target=_hear, args=(pipeline, early, stop))
    hearing.start()
    spec_start = time.time() - WARM_SECONDS
    with Sender(address, pipeline.settings.topic) as sender:
        at = spec_start
        odd = 0
        while at < spec_start + WARM_SECONDS + LATENCY_SECONDS:
            count = round(LATENCY_RATE / 10)
            stamps = at + np.arange(count) / LATENCY_RATE
            for i, stamp in enumerate(stamps.tolist()):
                sender.send_message(_event(stamp, f"service-{i % 20}", "INFO", f"served in {i} ms"))
            if at - spec_start > WARM_SECONDS + 10 and int(at) // 5 > odd:
                odd = int(at) // 5
                word = "".join(chr(97 + (odd >> k) % 26) for k in range(0, 20, 4))
                text = f"never seen {word} failure {time.time()}"
                sender.send_message(_event(time.time(), "service-1", "ERROR", text))
            at += 0.1
            time.sleep(max(0.0, at - time.time()))  # the rate is what is asked for
    time.sleep(10)  # the last windows close by themselves, and are part of what is measured
    stop.set()
    watcher.join()
    hearing.join()
    pipeline.stop()
    slide = pipeline.settings.slide_seconds
    live = [
        (float(end), when)
        for end, when in seen.items()
        if float(end) > spec_start + WARM_SECONDS + 10
    ]
    # Events are spread evenly over the slide that a window closes with: each waits from there on.
    delays = np.concatenate([when - end + np.linspace(0, slide, 50) for end, when in live])
    p50, p99 = np.quantile(delays, [0.5, 0.99])
    print(f"{len(live)} window ends, {len(early)} early verdicts at 200,000 events a minute")
    good = report("event → row, p50", float(p50), "s", "<= 6", bool(p50 <= 6))
    good &= report("event → row, p99", float(p99), "s", "<= 9", bool(p99 <= 9))
    p99_early = float(np.quantile(early, 0.99)) if early else float("inf")
    return good & report("early verdict, p99", p99_early, "s", "<= 2", p99_early <= 2)


def _event(at: float, service: str, level: str, message: str) -> bytes:
    body = {"timestamp": round(at, 6), "level": level, "service": service, "message": message}
    return json.dumps({**body, "trace": "0" * 80}).encode()


def _watch(pipeline: Pipeline, url: str, seen: dict[str, float], stop: Event) -> None:
    """When the row of each window end of one service was first in the database."""
    from sqlalchemy import create_engine, text

    with Store(url, upgrade=False):
        pass
    engine = create_engine(url)
    query = text(
        "SELECT DISTINCT extract(epoch FROM window_end) FROM anomaly_results WHERE final AND service = 'service-1'"
    )
    while not stop.is_set():
        with engine.connect() as connection:
            now = time.time()
            for (end,) in connection.execute(query):
                seen.setdefault(str(end), now)
        stop.wait(0.2)
    engine.dispose()


def _hear(pipeline: Pipeline, early: list[float], stop: Event) -> None:
    """How old an ERROR was when its early verdict came out on the results topic; it says when it was."""
    consumer = Consumer(
        {
            "bootstrap.servers": pipeline.brokers,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "latest",
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([pipeline.settings.output_topic])
    told: set[str] = set()
    while not stop.is_set():
        for message in consumer.consume(500, 0.05):
            body = json.loads(message.value() or b"{}")
            if body.get("kind") != "result" or body["final"] or body["service"] != "service-1":
                continue
            for part in body["evidence"]["samples"]:
                if "never seen" in part["message"] and part["message"] not in told:
                    told.add(part["message"])
                    early.append(time.time() - float(part["message"].split()[-1]))
    consumer.close()


def _settings(address: str) -> Settings:
    p = f"bench-{uuid.uuid4().hex[:6]}"
    return Settings(
        kafka_brokers=address,
        instance=p,
        topic=f"{p}-log-events",
        summary_topic=f"{p}-window-summaries",
        state_topic=f"{p}-detector-state",
        output_topic=f"{p}-anomaly-results",
        dead_letter_topic=f"{p}-dead-letters",
        processor_group=f"{p}-processor",
    )


if __name__ == "__main__":
    sys.exit(main())
