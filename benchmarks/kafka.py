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
from pathlib import Path
from statistics import median

os.environ["POLARS_MAX_THREADS"] = "1"

from benchmarks.kafka_latency import latency
from benchmarks.kafka_outages import outages
from benchmarks.measure import report
from log_guard.adapters.kafka.sending import Sender
from log_guard.adapters.kafka.topics import create
from log_guard.app.deployment import Deployment
from log_guard.app.roles.summarise import SummariseSession
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
    topic = f"bench-{uuid.uuid4().hex[:6]}-log-events"
    # Topics of its own for each turn: what stands in them of an earlier one is not summarised again.
    deployments = [_deployment(address, topic) for _ in range(TURNS)]
    options = deployments[0].summarise_options()
    spec = SimulationSpec(kinds=(), duration_s=EVENTS / 100)
    lines = b"".join(simulate(spec).batches()).splitlines()
    with Sender(address, options.events) as sender:
        for i in range(0, len(lines), per_message):
            sender.send_message(b"\n".join(lines[i : i + per_message]))
    events, messages = len(lines), -(-len(lines) // per_message)
    del lines
    ratios, rates = [], []
    for deployment in deployments:
        # As many messages at a time as a step of ours; and as few as the client is quickest with.
        bare = _bare(address, options.events, messages, options.max_batch)
        quickest = _bare(address, options.events, messages, 500)
        ours = _ours(deployment, events)
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


def _deployment(address: str, topic: str) -> Deployment:
    """A pipeline that reads this topic, with all the others of its own."""
    deployment = Deployment(_settings(address, topic))
    create(deployment.cluster(), deployment.topics(4), 1)
    return deployment


def _ours(deployment: Deployment, events: int) -> float:
    begin = time.process_time()
    session = SummariseSession(deployment.cluster(), deployment.summarise_options())
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


def _settings(address: str, topic: str) -> Settings:
    p = f"bench-{uuid.uuid4().hex[:6]}"
    return Settings(
        kafka_brokers=address,
        instance=p,
        topic=topic,
        summary_topic=f"{p}-window-summaries",
        state_topic=f"{p}-detector-state",
        output_topic=f"{p}-anomaly-results",
        dead_letter_topic=f"{p}-dead-letters",
        processor_group=f"{p}-processor",
    )


if __name__ == "__main__":
    sys.exit(main())
