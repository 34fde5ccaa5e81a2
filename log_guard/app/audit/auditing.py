"""The audit: reads the three books and compares them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.reading import committed, held, read, set_by_hand
from log_guard.adapters.store import Store
from log_guard.adapters.store.retention import surely_there_from
from log_guard.app.audit.alerts import alert_rows
from log_guard.app.audit.comparing import Oldest, Row, by_time
from log_guard.app.audit.counted import Counted
from log_guard.app.audit.findings import Audit, Finding
from log_guard.app.audit.letters import letter_rows
from log_guard.app.audit.newer import check_summaries
from log_guard.app.audit.offsets import (
    Totals,
    Written,
    check_accounts,
    check_ends,
    check_group,
    check_letters,
    check_sums,
)
from log_guard.app.audit.pace import asides, paces, waited_for
from log_guard.app.audit.recount import NEVER, Known, Recount
from log_guard.app.audit.rows import window_rows
from log_guard.app.audit.topics import held_against
from log_guard.app.deployment import Deployment
from log_guard.app.times import time_of
from log_guard.core.events import SECOND
from log_guard.errors import InputError

Span = tuple[int | None, int | None]
"""Starts of windows, µs: from and before; None: no bound."""


def audit(
    deployment: Deployment, *, recount: bool, start: str | None = None, end: str | None = None
) -> Audit:
    """Compare offsets, accounts and rows; with ``recount`` the events themselves as well.

    Everything is read in order and compared as it comes; what has to be sorted goes to a temporary file.

    start, end:  only rows of windows that start in ``[start, end)``, ISO 8601.
    """
    settings, cluster = deployment.settings, deployment.cluster("-audit")
    span = time_of(start, "--from"), time_of(end, "--to")
    outcome, run = Audit(run=settings.run), settings.run
    oldest = surely_there_from(datetime.now(UTC))
    with deployment.own_store(cluster) as store:
        outcome.accounted = not run or store.balance(run) is not None
        # A run over a past span has rows only: what it read was accounted for by the live one.
        live = run if outcome.accounted else ""
        done = committed(cluster, settings.writer_group, settings.output_topic)
        # The balance before the accounts: all that it is of are then there, if the writer had come so far.
        totals = Totals(store.balance(live), oldest)
        there = held(cluster, settings.topic)
        moved = set_by_hand(cluster, settings.processor_group, settings.topic)
        accounts = store.accounts(settings.topic, live)
        offsets = check_accounts(settings.topic, there, accounts, totals)
        if outcome.accounted:
            outcome.add(offsets)
            outcome.events, outcome.filtered = totals.consumed, totals.filtered
            outcome.add(_set_back(deployment, cluster, store, totals))
        else:
            deque(offsets, 0)  # for the totals; what is amiss with them is told of the live run
        written = Written(totals)
        counted = Counted(settings.topic, live, totals, done)

        def ends() -> Iterator[Finding]:
            if outcome.accounted:
                yield from check_ends(settings.topic, there, totals, moved, counted.covered)

        def see(partition: int, offset: int, record: Row) -> None:
            counted.see(partition, offset, record)
            if record.get("run", "") == run:
                written.see(partition, offset, record)

        outcome.add(_compare_rows(deployment, cluster, store, span, see, ends, outcome, oldest))
        if outcome.accounted:
            told, now = paces(cluster, settings.summary_topic), time.time()
            unread = [p for p, (_, high) in there.items() if totals.reached[p] < high]
            waits = waited_for(settings.topic, there, told, now)
            outcome.asides = asides(settings.topic, told, unread, now)
            outcome.add(check_sums(totals, written=written.books(done), waits=waits))
            outcome.add(_compare_letters(deployment, cluster, store, totals))
        outcome.rows, final = store.span_of_results(run, *span)
        if recount:
            gone = {
                p for p, (low, _) in there.items() if low > counted.covered.get(p, (low, low))[0]
            }
            ahead = round(settings.max_future_seconds * SECOND)
            counting = Recount(deployment.new_intake, deployment.window.slide, gone, ahead)
            with closing(counting) as counter:
                for messages in read(cluster, settings.topic, counted.covered):
                    counter.add(counted.of(messages))
                outcome.recounted, outcome.recounted_from = counter.events, counter.complete_from
                known = totals.known if written.books(done) else totals.reported
                done = committed(cluster, settings.writer_group, settings.output_topic)
                late = (store.balance(live) or {"late": 0})["late"]
                about = Known(known, late, final, written.windows(done))
                rows = by_time(store.verdicts(run, *span))
                outcome.add(counter.check(rows, deployment.window.window, about))
                outcome.compared = counter.compared
    return outcome


def _set_back(
    deployment: Deployment, cluster: Cluster, store: Store, totals: Totals
) -> Iterator[Finding]:
    """Groups whose offsets are behind what is known of them, or cannot go on; what is known is asked for first."""
    s = deployment.settings
    written = {t: store.positions(s.writer_group, t) for t in (s.output_topic, s.dead_letter_topic)}
    if not s.run:
        reached = {p: after for p, (_, after) in totals.covered.items()}
        done = committed(cluster, s.processor_group, s.topic)
        effect = "its events are read again, and kept out of the windows"
        yield from check_group(s.processor_group, s.topic, done, reached, effect)
        reached = {0: totals.balance["summary_offset"] + 1} if totals.balance else {}
        done = committed(cluster, s.detector_group, s.summary_topic)
        effect = "without effect, its state says where to go on"
        yield from check_group(s.detector_group, s.summary_topic, done, reached, effect)
        slide = deployment.window.slide
        yield from check_summaries(cluster, s.summary_topic, s.detector_group, slide)
    for topic, reached in written.items():
        done = committed(cluster, s.writer_group, topic)
        # Its rows are there a moment before its offsets; of those that it has set itself there is nothing to say.
        hands = set_by_hand(cluster, s.writer_group, topic)
        reached = {p: after for p, after in reached.items() if p in hands or p not in done}
        effect = "its records are written again, which brings back rows that were deleted"
        yield from check_group(s.writer_group, topic, done, reached, effect)


def _compare_rows(
    deployment: Deployment,
    cluster: Cluster,
    store: Store,
    span: Span,
    hear: Callable[[int, int, Row], None],
    heard: Callable[[], Iterator[Finding]],
    outcome: Audit,
    there_from: int,
) -> Iterator[Finding]:
    """The results against the rows, of windows and (of all time only) of alerts; before these what was heard of."""
    settings, oldest = deployment.settings, Oldest()
    run, topic = settings.run, settings.output_topic
    # Retention drops the oldest: of a log of long ago, read today, no row may lack that has an older one.
    first = store.span_of_results(run)[1]
    windows_from = min(there_from, first[0]) if first else 0

    def see(partition: int, offset: int, record: Row) -> None:
        if record.get("run", "") == run:
            oldest.see(partition, record)
        hear(partition, offset, record)

    with (
        window_rows(
            run, *span, lambda: by_time(store.verdicts(run, *span)), windows_from
        ) as windows,
        alert_rows(run, lambda: store.alert_heads(run), there_from) as alerts,
    ):
        tables = [windows, alerts] if span == (None, None) else [windows]
        yield from held_against(cluster, topic, settings.writer_group, tables, oldest, see, heard)
    outcome.older = oldest.beyond
    if not outcome.accounted and not oldest.seen and not store.span_of_results(run)[0]:
        raise InputError(
            f"no run {run}: neither a row nor a record of {topic} is of it; "
            "`logguard process --from TIME --to TIME --run NAME` makes one"
        )


def _compare_letters(
    deployment: Deployment, cluster: Cluster, store: Store, totals: Totals
) -> Iterator[Finding]:
    """The dead letters against the rows, then against the accounts: a letter is published before its account."""
    s = deployment.settings
    there = 0

    def places() -> Iterator[Row]:
        nonlocal there
        for row in store.dead_letter_places(s.topic):
            there += row["offset"] >= totals.whole_from.get(row["partition"], NEVER)
            yield row

    with letter_rows(s.topic, places, totals.oldest) as letters:
        group, topic = s.writer_group, s.dead_letter_topic
        yield from held_against(cluster, topic, group, [letters], Oldest(), lambda *_: None)
        if not letters.lacking:
            yield from check_letters(totals, there)
