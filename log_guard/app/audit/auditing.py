"""The audit: reads the three books and compares them."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress

from confluent_kafka import Message
from rich.console import Console

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.reading import committed, held, read, set_by_hand
from log_guard.adapters.kafka.records import UnreadableError, json_of
from log_guard.adapters.store import Store
from log_guard.app.audit.alerts import alert_rows, published_alert
from log_guard.app.audit.comparing import Oldest, Row, by_time
from log_guard.app.audit.findings import Audit, Finding
from log_guard.app.audit.offsets import Totals, check_accounts, check_group, check_sums
from log_guard.app.audit.recount import NEVER, Recount
from log_guard.app.audit.rows import published_row, window_rows
from log_guard.app.deployment import Deployment
from log_guard.app.times import time_of
from log_guard.core.events import SECOND
from log_guard.core.iso import iso
from log_guard.errors import InputError

MOST_SHOWN = 50

Span = tuple[int | None, int | None]
"""Starts of windows, µs: from and before; None: no bound."""

Spans = Mapping[int, tuple[int, int]]
"""Partition → offsets, [first, after)."""


def audit(
    deployment: Deployment, *, recount: bool, start: str | None = None, end: str | None = None
) -> Audit:
    """Compare offsets, accounts and rows; with ``recount`` the events themselves as well.

    Everything is read in order and compared as it comes; what has to be sorted goes to a temporary file.

    start, end:  only rows of windows that start in ``[start, end)``, ISO 8601.
    """
    settings, cluster = deployment.settings, deployment.cluster("-audit")
    span = time_of(start, "--from"), time_of(end, "--to")
    outcome, totals = Audit(run=settings.run), Totals()
    with deployment.own_store(cluster) as store:
        rescored = bool(settings.run) and store.balance(settings.run) is None
        # A run over a past span has rows only: what it read was accounted for by the live one.
        live = "" if rescored else settings.run
        outcome.accounted = not rescored
        accounts = store.accounts(settings.topic, live)
        there = held(cluster, settings.topic)
        balance = store.balance(live)
        moved = set_by_hand(cluster, settings.processor_group, settings.topic)
        offsets = check_accounts(settings.topic, there, accounts, totals, moved)
        if rescored:
            deque(offsets, 0)  # for the totals; what is amiss with them is told of the live run
        else:
            outcome.add(offsets)
            outcome.events, outcome.filtered = totals.consumed, totals.filtered
            outcome.add(_set_back(deployment, cluster, store, totals, balance))
            outcome.add(check_sums(totals, balance, store.count_dead_letters(settings.topic)))
        oldest = Oldest()
        outcome.add(_compare_rows(deployment, store, span, oldest))
        outcome.older = oldest.beyond
        outcome.rows, final = store.span_of_results(settings.run, *span)
        if rescored and not oldest.seen and not store.span_of_results(settings.run)[0]:
            raise InputError(
                f"no run {settings.run}: neither a row nor a record of {settings.output_topic} is of it; "
                "`logguard process --from TIME --to TIME --run NAME` makes one"
            )
        if recount:
            gone = {
                p for p, (low, _) in there.items() if low > totals.covered.get(p, (low, low))[0]
            }
            ahead = round(settings.max_future_seconds * SECOND)
            counting = Recount(deployment.new_intake, deployment.window.slide, gone, ahead)
            with closing(counting) as counter:
                for messages in read(cluster, settings.topic, totals.covered):
                    counter.add(messages)
                outcome.recounted, outcome.recounted_from = counter.events, counter.complete_from
                given_up = balance["late"] if balance else 0
                stored = by_time(store.verdicts(settings.run, *span))
                outcome.add(counter.check(stored, deployment.window.window, given_up, final))
    return outcome


def _set_back(
    deployment: Deployment, cluster: Cluster, store: Store, totals: Totals, balance: Row | None
) -> Iterator[Finding]:
    """Groups whose offsets are behind what is known of them; what is known is asked for first."""
    s = deployment.settings
    written = {t: store.positions(s.writer_group, t) for t in (s.output_topic, s.dead_letter_topic)}
    if not s.run:
        reached = {p: after for p, (_, after) in totals.covered.items()}
        done = committed(cluster, s.processor_group, s.topic)
        effect = "its events are read again, and kept out of the windows"
        yield from check_group(s.processor_group, s.topic, done, reached, effect)
        reached = {0: balance["summary_offset"] + 1} if balance else {}
        done = committed(cluster, s.detector_group, s.summary_topic)
        effect = "without effect, its state says where to go on"
        yield from check_group(s.detector_group, s.summary_topic, done, reached, effect)
    for topic, reached in written.items():
        done = committed(cluster, s.writer_group, topic)
        effect = "its records are written again, which brings back rows that were deleted"
        yield from check_group(s.writer_group, topic, done, reached, effect)


def _compare_rows(
    deployment: Deployment, store: Store, span: Span, oldest: Oldest
) -> Iterator[Finding]:
    """The records of the topic against the rows, of windows and (of all time only) of alerts."""
    settings, cluster = deployment.settings, deployment.cluster("-audit")
    topic, run = settings.output_topic, settings.run
    with window_rows() as windows, alert_rows() as alerts:

        def take(spans: Spans) -> None:
            for messages in read(cluster, topic, spans):
                records = list(_records(messages))
                for partition, _, record in records:
                    oldest.see(partition, record, run)
                rows = (published_row(*record, run, *span) for record in records)
                windows.add(row for row in rows if row is not None)
                rows = (published_alert(*record, run) for record in records)
                alerts.add(row for row in rows if row is not None)

        first = held(cluster, topic)
        take(first)
        oldest.deleted({p: low for p, (low, _) in held(cluster, topic).items()})
        done = committed(cluster, settings.writer_group, topic)
        yield from windows.check(by_time(store.verdicts(run, *span)), done, oldest)
        if span == (None, None):
            heads = ((row["id"], {"": row}) for row in store.alert_heads(run))
            yield from alerts.check(heads, done, oldest)
        if windows.doubts or alerts.doubts:
            ends = held(cluster, topic)
            take({p: (first.get(p, (low, low))[1], high) for p, (low, high) in ends.items()})
            yield from windows.settle()
            yield from alerts.settle()


def _records(messages: list[Message]) -> Iterator[tuple[int, int, Row]]:
    """Partition, offset and content of those that can be read; the others are dead letters of the writer."""
    for message in messages:
        with suppress(UnreadableError):
            yield message.partition() or 0, message.offset() or 0, json_of(message.value())


def show(outcome: Audit, console: Console, *, as_json: bool) -> None:
    """Print the outcome."""
    if as_json:
        console.print(json.dumps(outcome.as_dict()), markup=False)
        return
    for finding in outcome.findings[:MOST_SHOWN]:
        console.print(str(finding), markup=False)
    more = outcome.more + max(len(outcome.findings) - MOST_SHOWN, 0)
    if more > 0:
        console.print(f"... and {more:,} more (--format json shows more)", markup=False)
    about = f"{outcome.rows:,} rows"
    if outcome.filtered:
        about += f", {outcome.filtered:,} messages without a value"
    if outcome.older:
        about += f", {outcome.older:,} older than their records"
    if outcome.recounted is not None:
        about += f", {outcome.recounted:,} counted again"
    if outcome.recounted_from:
        since = iso(outcome.recounted_from) if outcome.recounted_from < NEVER else "now"
        about += f" from {since} on, events before are deleted"
    found = len(outcome.findings) + outcome.more
    if not outcome.accounted:
        said = f"{found:,} findings" if found else "every row as it was published"
        note = "it scored what the live run accounts for: no accounts of its own"
        console.print(f"run {outcome.run}: {said} ({about}; {note})", markup=False)
    elif outcome.complete:
        console.print(f"all {outcome.events:,} events accounted for ({about})")
    else:
        console.print(f"{outcome.events:,} events accounted for, {found:,} findings ({about})")
