"""A past span scored again, from the summaries that are kept, beside the live results."""

from __future__ import annotations

import time

import structlog
from confluent_kafka import KafkaException

from log_guard.adapters.kafka.clients import failure
from log_guard.adapters.kafka.reading import read
from log_guard.adapters.kafka.records import UnreadableError, commit_of, place, result_record
from log_guard.adapters.kafka.transactions import Transactions
from log_guard.app.deployment import Deployment
from log_guard.app.roles.guidance import Guidance
from log_guard.app.times import time_of
from log_guard.core.iso import iso
from log_guard.errors import OptionError

COMMIT_RESULTS = 2_000
SAY_EVERY = 10.0
"""Seconds after which it is said again how far it has come."""
_NEVER = 1 << 62


def rescore(deployment: Deployment, start: str | None, end: str | None) -> int:
    """Fold all summaries that are held with the settings of now; how many results were published.

    Published are the windows that start in ``[start, end)``, under the name of the run. What lies
    before the span is folded as well, since it is what a detector learns from.
    """
    settings, cluster = deployment.settings, deployment.cluster("-rescore")
    since, until = time_of(start, "--from"), time_of(end, "--to")
    if not settings.run:
        raise OptionError("--from and --to need --run NAME, to keep apart from the live results")
    if since is not None and until is not None and since >= until:
        raise OptionError(f"--from {start} is not before --to {end}")
    try:
        return _rescored(deployment, since, until)
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e


def _rescored(deployment: Deployment, since: int | None, until: int | None) -> int:
    settings, cluster = deployment.settings, deployment.cluster("-rescore")
    detect = deployment.detect_options()
    fold = detect.fold()
    Guidance(detect.sources, detect.window).apply(fold)
    transactions = Transactions(cluster.producer("rescore"))
    log = structlog.get_logger().bind(role="rescore")
    published, first, last = 0, _NEVER, -_NEVER
    waiting: list[tuple[bytes, bytes]] = []
    # Later records can revise no window of the span.
    enough = _NEVER if until is None else until + detect.window.max_lateness
    said = time.monotonic()
    for messages in read(cluster, detect.summaries):
        if last > enough:
            break
        for message in messages:
            if last > enough:
                break
            if time.monotonic() - said > SAY_EVERY:
                said = time.monotonic()
                reached = iso(last) if last >= first else "nothing judged yet"
                log.info("scoring again", reached=reached, published=published + len(waiting))
            offset, value = message.offset() or 0, message.value() or b""
            try:
                commit = commit_of(value, message.headers(), detect.window.slide, place(message))  # type: ignore[arg-type]  # headers are typed wider than they come
            except UnreadableError:
                continue  # the live detector has kept it as a dead letter
            for out in fold.slices(commit, offset):
                starts = [result.window_start for result in out.results]
                first, last = min([first, *starts]), max([last, *starts])
                waiting += [
                    result_record(result, detect.events, settings.run)
                    for result in out.results
                    if (since is None or result.window_start >= since)
                    and (until is None or result.window_start < until)
                ]
                if len(waiting) >= COMMIT_RESULTS:
                    published += _publish(transactions, detect.results, waiting)
                    waiting = []
    published += _publish(transactions, detect.results, waiting)
    if not published:
        there = f"from {iso(first)} to {iso(last)}" if first <= last else "none at all"
        log.warning(
            "no window starts in the span: nothing was published",
            windows=there,
            topic=detect.summaries,
        )
    return published


def _publish(transactions: Transactions, topic: str, records: list[tuple[bytes, bytes]]) -> int:
    """All of them in one transaction, which is open for no longer than that takes; how many."""
    transactions.begin()
    for key, value in records:
        transactions.produce(topic, value, key=key)
    transactions.commit(None, [])
    return len(records)
