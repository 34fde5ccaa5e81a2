"""The audit: reads the three books and compares them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console

from log_guard.adapters.kafka.reading import committed, held, read
from log_guard.adapters.kafka.records import json_of
from log_guard.app.audit.findings import Audit
from log_guard.app.audit.offsets import check_offsets, check_sums
from log_guard.app.audit.recount import Recount
from log_guard.app.audit.rows import Key, check_rows, latest
from log_guard.app.deployment import Deployment
from log_guard.app.times import time_of
from log_guard.core.results import iso
from log_guard.errors import StreamError

MOST_SHOWN = 50


def audit(
    deployment: Deployment, *, recount: bool, start: str | None = None, end: str | None = None
) -> Audit:
    """Compare offsets, accounts and rows; with ``recount`` the events themselves as well.

    start, end:  only rows of windows that start in ``[start, end)``, ISO 8601.
    """
    settings, cluster = deployment.settings, deployment.cluster("-audit")
    since, until = time_of(start, "--from"), time_of(end, "--to")
    outcome = Audit()
    with deployment.store() as store:
        accounts = [a for a in store.accounts(settings.run) if a["topic"] == settings.topic]
        accepted = [a for a in accounts if a["status"] == "accepted"]
        outcome.events = sum(a["consumed"] for a in accepted)
        outcome.findings += check_offsets(settings.topic, held(cluster, settings.topic), accounts)
        balance = store.balance(settings.run)
        dead = store.count_dead_letters(settings.topic)
        outcome.findings += check_sums(settings.topic, accounts, balance, dead)
        # The records first: a row that is written meanwhile is then newer, which is no fault.
        spans = held(cluster, settings.output_topic)
        published = latest(_records(deployment, spans), settings.run, _shown(since), _shown(until))
        done = committed(cluster, settings.writer_group, settings.output_topic)
        stored: dict[Key, Mapping[str, Any]] = {
            (iso(row["window_start"]), row["service"]): row
            for row in store.verdicts(settings.run, since, until)
        }
        outcome.rows = len(stored)
        outcome.findings += check_rows(published, stored, done)
    if recount:
        counter = Recount(deployment.new_intake, deployment.window.slide)
        covered = _covered(accepted)
        for messages in read(cluster, settings.topic, covered):
            counter.add(messages)
        outcome.recounted = counter.events
        given_up = balance["late"] if balance else 0
        outcome.findings += counter.check(stored, deployment.window.window, given_up)
    return outcome


def show(outcome: Audit, console: Console, *, as_json: bool) -> None:
    """Print the outcome."""
    if as_json:
        console.print(json.dumps(outcome.as_dict()), markup=False)
        return
    for finding in outcome.findings[:MOST_SHOWN]:
        console.print(str(finding), markup=False)
    more = len(outcome.findings) - MOST_SHOWN
    if more > 0:
        console.print(f"... and {more:,} more (--format json shows all)", markup=False)
    recounted = "" if outcome.recounted is None else f", {outcome.recounted:,} counted again"
    if outcome.complete:
        console.print(
            f"all {outcome.events:,} events accounted for ({outcome.rows:,} rows{recounted})"
        )
    else:
        console.print(
            f"{outcome.events:,} events accounted for, {len(outcome.findings):,} findings "
            f"({outcome.rows:,} rows{recounted})"
        )


def _records(
    deployment: Deployment, spans: dict[int, tuple[int, int]]
) -> Iterator[tuple[int, int, dict[str, Any]]]:
    cluster, topic = deployment.cluster("-audit"), deployment.settings.output_topic
    for messages in read(cluster, topic, spans):
        for message in messages:
            try:
                body = json_of(message.value())
            except StreamError:
                continue  # the writer has kept it as a dead letter
            yield message.partition() or 0, message.offset() or 0, body


def _covered(accepted: list[Mapping[str, Any]]) -> dict[int, tuple[int, int]]:
    spans: dict[int, tuple[int, int]] = {}
    for a in accepted:
        low, high = spans.get(a["partition"], (a["first_offset"], a["next_offset"]))
        spans[a["partition"]] = min(low, a["first_offset"]), max(high, a["next_offset"])
    return spans


def _shown(time: int | None) -> str | None:
    return None if time is None else iso(time)
