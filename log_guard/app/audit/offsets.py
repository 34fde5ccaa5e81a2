"""Kafka's offsets against the accounts: every offset is in exactly one accepted range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from log_guard.app.audit.findings import (
    DOUBLED,
    IN_FLIGHT,
    MISSING,
    WRONG,
    Finding,
    span,
)

Row = Mapping[str, Any]


def check_offsets(
    topic: str, held: Mapping[int, tuple[int, int]], accounts: Sequence[Row]
) -> Iterator[Finding]:
    """Findings on each partition.

    held:      partition → the offsets that the topic holds now, [low, high).
    accounts:  rows of ``accounts``.
    """
    for partition, (low, high) in sorted(held.items()):
        mine = [a for a in accounts if a["partition"] == partition]
        accepted = sorted(
            (a["first_offset"], a["next_offset"]) for a in mine if a["status"] == "accepted"
        )
        at = min([low, *(first for first, _ in accepted)]) if accepted else low
        for first, after in accepted:
            if first > at:
                yield Finding(MISSING, span(topic, partition, at, first), "no account covers it")
            elif first < at:
                where = span(topic, partition, first, min(at, after))
                yield Finding(DOUBLED, where, "two accounts cover it")
            at = max(at, after)
        if at < high:
            yield Finding(IN_FLIGHT, span(topic, partition, at, high), "not summarised yet")
        for account in mine:
            if account["status"] == "doubled":
                where = span(topic, partition, account["first_offset"], account["next_offset"])
                yield Finding(DOUBLED, where, "read a second time, and kept out of the windows")


def check_sums(
    topic: str, accounts: Sequence[Row], balance: Row | None, dead_letters: int
) -> Iterator[Finding]:
    """Findings on the accounts themselves: what was consumed went somewhere, and all of it."""
    accepted = [a for a in accounts if a["status"] == "accepted"]
    for a in accepted:
        known = a["summarised"] + a["late"] + a["dead_lettered"] + a["filtered"]
        if a["consumed"] != known:
            where = span(topic, a["partition"], a["first_offset"], a["next_offset"])
            why = f"{a['consumed']} consumed, {known} accounted for"
            yield Finding(WRONG, where, why)
    dead = sum(a["dead_lettered"] for a in accepted)
    if dead_letters < dead:
        yield Finding(MISSING, "dead_letters", f"{dead} were written, {dead_letters} are there")
    if balance is None:
        if accepted:
            yield Finding(MISSING, "balances", "accounts without a balance of the windows")
        return
    taken = sum(a["summarised"] for a in accepted)
    if taken != balance["taken"]:
        why = f"the accounts hold {taken} events, the windows took {balance['taken']}"
        yield Finding(WRONG, "accounts", why)
    placed = balance["scored"] + balance["late"] + balance["open"]
    if balance["taken"] != placed:
        why = f"{balance['taken']} taken, {placed} scored, late or open"
        yield Finding(WRONG, "windows", why)
    if balance["open"]:
        yield Finding(IN_FLIGHT, "windows", f"{balance['open']} events in windows still open")
