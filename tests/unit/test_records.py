"""Summaries as records of the topic: none is too large for a broker, together they are the summary."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import polars as pl

from log_guard.adapters.kafka.records import (
    MAX_RECORD_BYTES,
    MAX_SERVICES,
    alert_record,
    commit_of,
    commit_records,
)
from log_guard.core.course import Course
from log_guard.core.events import SECOND
from log_guard.core.stream.progress import Commit, Progress
from log_guard.core.summarising.summaries import SUMMARY_SCHEMA
from tests.integration.test_store import alert

SLIDE = 5 * SECOND


def summary(samples: list[str]) -> pl.DataFrame:
    rows = [
        (0, "api", 2, f"did <num> {n}", False, 1, n, 0, n, text) for n, text in enumerate(samples)
    ]
    return pl.DataFrame(rows, schema=SUMMARY_SCHEMA, orient="row")


def test_a_commit_whose_rows_differ_in_size_is_cut_into_records_that_a_broker_takes() -> None:
    random = Random(1)
    texts = ["ok"] * 9_000
    texts += ["".join(random.choices("abcdefghijklmnop+/0123456789", k=512)) for _ in range(4_500)]
    whole, progress = summary(texts), Progress(0, 3, 13_503, 7, False, consumed=13_500)
    records = list(commit_records(Commit(whole, (progress,), 1, "one"), SLIDE, "log-events"))
    assert len(records) > 2
    assert max(len(value) for value, _ in records) <= MAX_RECORD_BYTES
    commits = [commit_of(value, headers, SLIDE) for value, headers in records]
    assert pl.concat([commit.summary for commit in commits]).equals(whole)
    assert {commit.id for commit in commits} == {"one"}
    assert [commit.last for commit in commits] == [False] * (len(commits) - 1) + [True]
    assert [commit.progress for commit in commits] == [()] * (len(commits) - 1) + [(progress,)]


def test_a_commit_of_nothing_is_one_record() -> None:
    ((value, headers),) = commit_records(Commit(summary([]), (), 1, "none"), SLIDE, "log-events")
    assert commit_of(value, headers, SLIDE).last


def test_an_alert_of_all_services_there_can_be_is_a_record_that_a_broker_takes() -> None:
    names = tuple(f"{number:0128}" for number in range(20_000))
    everywhere = replace(alert(), services=names, course=Course(joined=names))
    _, value = alert_record(everywhere, 7, "log-events", "")
    assert len(value) <= MAX_RECORD_BYTES
    body = json.loads(value)
    for told in (body["services"], body["course"]["joined"]):
        assert told == [*names[:MAX_SERVICES], "<19,000 more services>"]
    few = replace(alert(), services=names[:MAX_SERVICES])
    assert json.loads(alert_record(few, 7, "log-events", "")[1])["services"] == list(few.services)
