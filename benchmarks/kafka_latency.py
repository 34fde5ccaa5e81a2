"""How soon results are there, at 200,000 events a minute with all roles and the database beside it."""

from __future__ import annotations

import json
import time
import uuid
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event, Thread

import numpy as np
from confluent_kafka import Consumer
from sqlalchemy import create_engine, text

from benchmarks.kafka_outages import RATE, events, new_pipeline
from benchmarks.measure import report
from log_guard.adapters.kafka.reading import read
from log_guard.adapters.kafka.records import commit_of
from log_guard.adapters.kafka.sending import Sender
from log_guard.core.events import SECOND
from tests.kafka import Pipeline, running

SERVICES = 20
WARM_SECONDS = 1_200
"""A detector that began with nothing is careful with single new errors in its first quarter of an hour."""
LIVE_SECONDS = 60
TICK = 0.02
"""Seconds of events that are sent at once. A producer puts what comes at once in one partition, and
windows wait for all partitions: longer ticks would measure the sender."""


def latency(address: str, url: str, directory: Path) -> bool:
    """From an event's timestamp to the row of the first window that holds it, and to an early verdict."""
    pipeline = new_pipeline(address, url, directory)
    with running(pipeline):
        for role in ("summarise", "detect", "write"):
            pipeline.start(role, role)
        with Sender(address, pipeline.settings.topic) as sender:
            # A past to learn from; that it is being read must not be measured.
            start = time.time() - WARM_SECONDS
            reached = time.time()
            for line in events(start, WARM_SECONDS, RATE, SERVICES):
                sender.send_message(line)
            while time.time() - reached > 0.2:  # and what came due meanwhile
                now = time.time()
                for line in events(reached, now - reached, RATE, SERVICES):
                    sender.send_message(line)
                reached = now
            return _live(pipeline, url, sender, reached)


def _live(pipeline: Pipeline, url: str, sender: Sender, at: float) -> bool:
    stop = Event()
    seen: dict[float, float] = {}
    early: list[float] = []
    threads = [
        Thread(target=_watch, args=(url, seen, stop)),
        Thread(target=_hear, args=(pipeline, early, stop)),
    ]
    for thread in threads:
        thread.start()
    lag, odd, measured = 0.0, 0, 0.0
    end = at + 30 + LIVE_SECONDS  # the backlog of the past is worked off in the first part
    while at < end:
        for line in events(at, TICK, RATE, SERVICES):
            sender.send_message(line)
        if not measured and at > end - LIVE_SECONDS:
            past = round((at - 15) * SECOND)
            pipeline.wait("the past", partial(pipeline.written_to, past))
            measured = time.time()
        if measured and int(at) // 5 > odd:
            odd = int(at) // 5
            word = "".join(chr(97 + (odd >> k) % 26) for k in range(0, 20, 4))
            message = f"never seen {word} failure {time.time()}"
            # Each from another service: evidence shows no more than three lines of a window.
            service = f"service-{odd % SERVICES}"
            body = {"timestamp": time.time(), "level": "ERROR", "service": service}
            sender.send_message(json.dumps({**body, "message": message}).encode())
        at += TICK
        lag = max(lag, time.time() - at) if measured else 0.0
        time.sleep(max(0.0, at - time.time()))  # the rate is what is asked for
    time.sleep(5)  # until the last windows are there that the stream itself closes
    stop.set()
    for thread in threads:
        thread.join()
    pipeline.stop()
    slide = pipeline.settings.slide_seconds
    # When a stream ends, its last windows wait for idle_seconds; that is no delay of the pipeline.
    closed = end - pipeline.settings.lateness_seconds - 1.0
    live = [(ends, when) for ends, when in seen.items() if measured + slide < ends < closed]
    # Events are spread evenly over the slide that a window closes with: each waits from there on.
    delays = np.concatenate([when - ends + np.linspace(0, slide, 50) for ends, when in live])
    after = np.array([when - ends for ends, when in live])
    p50, p99 = np.quantile(delays, [0.5, 0.99])
    print(
        f"{len(live)} window ends (rows {after.min():.2f} to {after.max():.2f} s after), {len(early)} "
        f"early verdicts; the sender was at most {lag:.2f} s behind"
    )
    _stages(pipeline, dict(live))
    good = report("event → row, p50", float(p50), "s", "<= 6", bool(p50 <= 6))
    good &= report("event → row, p99", float(p99), "s", "<= 9", bool(p99 <= 9))
    p99_early = float(np.quantile(early, 0.99)) if early else float("inf")
    return good & report("early verdict, p99", p99_early, "s", "<= 2", p99_early <= 2)


def _stages(pipeline: Pipeline, rows: dict[float, float]) -> None:
    """Where the time goes after the end of a window: median and worst of each stage so far."""
    cluster, settings = pipeline.deployment.cluster("-bench"), pipeline.settings
    closed: dict[float, float] = {}
    marks: dict[int, int] = {}
    for messages in read(cluster, settings.summary_topic):
        for message in messages:
            commit = commit_of(message.value() or b"", message.headers(), int(5 * SECOND))  # type: ignore[arg-type]  # headers are typed wider than they come
            marks |= {p.partition: p.watermark for p in commit.progress if p.watermark is not None}
            if len(marks) == commit.partitions:
                for end in rows:
                    if min(marks.values()) >= end * SECOND and end not in closed:
                        closed[end] = message.timestamp()[1] / 1000
    judged: dict[float, float] = {}
    for messages in read(cluster, settings.output_topic):
        for message in messages:
            body = json.loads(message.value() or b"{}")
            if body.get("service") == "service-1" and body.get("final"):
                end = datetime.fromisoformat(body["window_end"]).timestamp()
                judged.setdefault(end, message.timestamp()[1] / 1000)
    for name, seen in (("summaries", closed), ("results", judged), ("rows", rows)):
        after = np.array([seen[end] - end for end in rows if end in seen])
        print(f"window end → {name}: median {np.median(after):.2f} s, worst {after.max():.2f} s")


def _watch(url: str, seen: dict[float, float], stop: Event) -> None:
    """When the row of each window end of one service was first in the database."""
    engine = create_engine(url)
    query = text(
        "SELECT extract(epoch FROM window_end) FROM anomaly_results WHERE final "
        "AND service = 'service-1' AND window_start > now() - INTERVAL '3 minutes'"
    )
    while not stop.is_set():
        with engine.connect() as connection:
            found = connection.execute(query).all()
        now = time.time()
        for (end,) in found:
            seen.setdefault(float(end), now)
        stop.wait(0.1)
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
            if body.get("kind") != "result" or body["final"] or body["service"] == "*":
                continue
            for part in body["evidence"]["samples"]:
                if "never seen" in part["message"] and part["message"] not in told:
                    told.add(part["message"])
                    early.append(time.time() - float(part["message"].split()[-1]))
    consumer.close()
