"""Compiled code on a real broker: a backlog is read by it from the first batch on, and gives the same."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

import polars as pl
import pytest

from log_guard.adapters.kafka.reading import held, read
from log_guard.adapters.kafka.records import commit_of
from log_guard.app.roles.summarise import SummariseSession
from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.events import RawBatch
from log_guard.core.stream.progress import Progress
from log_guard.core.summarising.summaries import KEY, add
from tests.kafka import PARTITIONS, Lines, Pipeline

MESSAGES = 6_000
ODD = (b"not json", b"[1]", b"{}", b"", b'{"timestamp": 1, "message": "a \\" quote"}')


def made(start: int) -> Lines:
    """Usual lines, of which some come several a message or with a newline, and a few odd ones."""
    random = Random(5)
    lines: Lines = [[] for _ in range(PARTITIONS)]
    for i in range(MESSAGES):
        at = datetime.fromtimestamp(start + i / 10 - random.random() * 5, UTC)
        body = {
            "timestamp": at.isoformat(),
            "level": random.choice(("INFO", "WARN", "ERROR")),
            "service": random.choice(("api", "db")),
            "message": random.choice(("served in {} ms", "é {}", "key {:x}f missed")).format(i),
        }
        line = json.dumps(body, ensure_ascii=False).encode()
        if i % 50 == 7:
            line = line + b"\n" + line + b"\n" * (i % 3)
        mine = lines[random.randrange(PARTITIONS)]
        mine.append(line)
        if i % 100 == 0:
            mine.append(random.choice(ODD))
    return lines


@dataclass(frozen=True)
class Watched(Decoder):
    """A decoder that remembers how many lines came to it, and not to compiled code."""

    seen: list[int] | None = None

    def decode(self, batch: RawBatch) -> Decoded:
        decoded = super().decode(batch)
        if self.seen is not None:
            self.seen.append(decoded.records)
        return decoded


def summarised(
    pipeline: Pipeline, group: str, messages: int, compiled_after: int | None
) -> tuple[pl.DataFrame, dict[int, list[int]], int]:
    """The summary of the topic, the counts of each partition, and how many lines were read uncompiled."""
    pytest.importorskip("numba")
    deployment = pipeline.deployment
    cluster, topic = deployment.cluster(f"-{group}"), pipeline.settings.summary_topic
    options = deployment.summarise_options()
    seen: list[int] = []
    decoder = Watched(options.decoder.format, seen=seen)
    before = held(cluster, topic)[0][1]
    # Small steps: what is known at the first of them is that much more waits.
    session = SummariseSession(
        cluster,
        replace(
            options, decoder=decoder, group=group, max_batch=500, compiled_after=compiled_after
        ),
    )
    told: list[Progress] = []
    summaries: list[pl.DataFrame] = []
    try:
        pipeline.wait("the summaries", lambda: not session.step() and covered(session) == messages)
    finally:
        session.close(clean=True)
    for some in read(cluster, topic, {0: (before, held(cluster, topic)[0][1])}):
        for message in some:
            commit = commit_of(
                message.value() or b"",
                message.headers(),  # type: ignore[arg-type]
                deployment.window.slide,
            )
            told += commit.progress
            summaries.append(commit.summary)
    counts = {p: [0] * 5 for p in range(PARTITIONS)}
    for one in told:
        mine = (one.consumed, one.summarised, one.late, one.dead_lettered, one.filtered)
        counts[one.partition] = [a + b for a, b in zip(counts[one.partition], mine, strict=True)]
    return add(*summaries).sort(KEY), counts, sum(seen)


def covered(session: SummariseSession) -> int:
    """Messages that are covered by commits."""
    return sum(ours.next for ours in session._partitions.values())


def test_what_compiled_code_makes_of_a_topic_is_what_plain_code_makes(pipeline: Pipeline) -> None:
    lines = made(int(time.time()) - 3_600)
    pipeline.produce(lines)
    messages, size = sum(map(len, lines)), sum(len(line) for mine in lines for line in mine)
    plain, counts, read_plain = summarised(pipeline, f"{pipeline.prefix}-plain", messages, None)
    # A sixteenth of it all has not been read when the first batch is to be decoded, but waits.
    group = f"{pipeline.prefix}-compiled"
    compiled, same, left = summarised(pipeline, group, messages, size // 16)
    assert sum(count[0] for count in counts.values()) == read_plain > MESSAGES
    assert left < 200
    assert same == counts
    assert compiled.equals(plain)
