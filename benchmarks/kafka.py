"""The pipeline on a real broker: what it adds to the client's own cost, how soon results are there, and
how it comes back after an outage.

``make bench-kafka``, or some of it: ``make bench-kafka ARGS="latency outages"``. Ratios are of one run; the broker, of course, takes its share of the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from statistics import median

os.environ["POLARS_MAX_THREADS"] = "1"

from benchmarks.kafka_latency import latency
from benchmarks.kafka_outages import outages
from benchmarks.measure import report
from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.sending import Sender
from log_guard.adapters.kafka.topics import create
from log_guard.app.deployment import Deployment
from log_guard.app.roles.summarise import SummariseOptions, SummariseSession
from log_guard.app.settings import Settings
from log_guard.app.simulate import SimulationSpec, simulate
from servers import DatabaseServer, KafkaServer

EVENTS = 2_000_000
TURNS = 3
PARTS = ("throughput", "latency", "outages")


def main() -> int:
    """Start servers, measure what is asked for (all by default), and stop them."""
    parts = sys.argv[1:] or PARTS
    directory = Path(tempfile.mkdtemp(prefix="logguard-bench-", dir="/tmp"))
    directory.chmod(0o755)
    kafka, database = (
        KafkaServer(directory / "kafka", fast=True),
        DatabaseServer(directory / "database"),
    )
    address, url = kafka.start(), database.start()
    try:
        good = True
        if "throughput" in parts:
            good &= throughput(address, 1, "one event a message", ">= 0.55 of bare")
            good &= throughput(address, 100, "100 events a message", ">= 0.8 M/s")
        if "latency" in parts:
            good &= latency(address, url, directory)
        if "outages" in parts:
            good &= outages(address, database, directory)
    finally:
        kafka.stop()
        database.stop()
    return 0 if good else 1


def throughput(address: str, per_message: int, name: str, goal: str) -> bool:
    """CPU-seconds of this process: bare consume() + value(), then summaries committed, in turn.

    In the first turn compiled code is loaded on the way. Of what the turns give the median counts.
    """
    deployment = Deployment(_settings(address))
    options = deployment.summarise_options()
    create(deployment.cluster(), deployment.topics(4), 1)
    spec = SimulationSpec(kinds=(), duration_s=EVENTS / 100)
    lines = b"".join(simulate(spec).batches()).splitlines()
    with Sender(address, options.events) as sender:
        for i in range(0, len(lines), per_message):
            sender.send_message(b"\n".join(lines[i : i + per_message]))
    events, messages = len(lines), -(-len(lines) // per_message)
    del lines
    ratios, rates = [], []
    for _ in range(TURNS):
        # As many messages at a time as a step of ours; and as few as the client is quickest with.
        bare = _bare(address, options.events, messages, options.max_batch)
        quickest = _bare(address, options.events, messages, 500)
        ours = _ours(deployment.cluster(), replace(options, group=uuid.uuid4().hex), events)
        ratios.append(bare / ours)
        rates.append(events / ours / 1e6)
        print(
            f"{name}, M/s a CPU-second: bare {events / bare / 1e6:.2f} "
            f"(500 at a time {events / quickest / 1e6:.2f}), ours {rates[-1]:.2f}",
            flush=True,
        )
    ratio, rate = median(ratios), median(rates)
    if per_message == 1:
        return report(f"Kafka → summaries, {name}", ratio, "of bare", goal, ratio >= 0.55)
    return report(f"Kafka → summaries, {name}", rate, "M/s", goal, rate >= 0.8)


def _ours(cluster: Cluster, options: SummariseOptions, events: int) -> float:
    begin = time.process_time()
    session = SummariseSession(cluster, options)
    while session.consumed < events:
        session.step()
    spent = time.process_time() - begin
    session.close(clean=True)
    return spent


def _bare(address: str, topic: str, messages: int, most: int) -> float:
    """CPU-seconds of the bare client, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.kafka_bare", address, topic, str(messages)]
    done = subprocess.run([*command, str(most)], capture_output=True, text=True, check=True)
    return float(done.stdout)


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
