"""Kafka's offsets against the accounts: every offset is in exactly one accepted range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
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


@dataclass
class Totals:
    """What the accepted accounts come to, once they were checked.

    balance:     the latest that was written before the accounts were asked for; None: there was none.
    oldest:      when those dead letters were published (µs) that cannot have been dropped for their age.
    summarised:  of the accounts that the balance is of.
    reported:    last record of ``window-summaries`` that there is an account of.
    covered:     partition → the offsets from the first account to the last.
    reached:     partition → the offset after the last account of any kind; -1: there is none.
    passed:      partition → ranges between that were passed over.
    whole_from:  partition → from which offset on its dead letters are there: after the last old account.
    letters:     partition → how many there are by the accounts from there on.
    """

    balance: Row | None
    oldest: int = 0
    consumed: int = 0
    summarised: int = 0
    filtered: int = 0
    reported: int = -1
    covered: dict[int, tuple[int, int]] = field(default_factory=dict)
    reached: dict[int, int] = field(default_factory=dict)
    passed: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    whole_from: dict[int, int] = field(default_factory=dict)
    letters: Counter[int] = field(default_factory=Counter)

    @property
    def known(self) -> int:
        """The same, where all accounts that the balance is of are there: after the last one nothing came."""
        return max(self.reported, self.balance["summary_offset"] if self.balance else -1)

    def add(self, account: Row) -> None:
        self.consumed += account["consumed"]
        if self.balance is not None and account["summary_offset"] <= self.balance["summary_offset"]:
            self.summarised += account["summarised"]
        self.filtered += account["filtered"]
        self.reported = max(self.reported, account["summary_offset"])
        first, after = account["first_offset"], account["next_offset"]
        low, high = self.covered.get(account["partition"], (first, after))
        self.covered[account["partition"]] = min(low, first), max(high, after)
        self._add_letters(account["partition"], account)

    def _add_letters(self, partition: int, account: Row) -> None:
        """Old letters go when they and their account are old, which may be later: count in accounts, not in days."""
        first, after = account["first_offset"], account["next_offset"]
        if account["written"] < self.oldest:
            self.whole_from[partition] = max(self.whole_from.get(partition, after), after)
            self.letters[partition] = 0
        elif first >= self.whole_from.setdefault(partition, first):
            self.letters[partition] += account["dead_lettered"]


class Written:
    """Whether the writer had come to the records that the totals are of."""

    def __init__(self, totals: Totals) -> None:
        self._told = totals.balance["summary_offset"] if totals.balance else totals.reported
        self._known = totals.known
        self._books: dict[int, int] = {}
        self._windows: dict[int, int] = {}

    def see(self, partition: int, offset: int, record: Row) -> None:
        """Hear of a record of the run, in the order of its partition."""
        told = record.get("summary_offset")
        if isinstance(told, int) and told <= self._told:
            self._books[partition] = offset + 1
        revision = record.get("revision")
        if isinstance(revision, int) and revision <= self._known:
            self._windows[partition] = offset + 1

    def books(self, done: Mapping[int, int]) -> bool:
        """Whether all accounts and balances were written, where the writer had come so far."""
        return _through(self._books, done)

    def windows(self, done: Mapping[int, int]) -> bool:
        """The same of windows."""
        return _through(self._windows, done)


def _through(ends: Mapping[int, int], done: Mapping[int, int]) -> bool:
    return all(done.get(partition, 0) >= after for partition, after in ends.items())


def check_accounts(
    topic: str,
    held: Mapping[int, tuple[int, int]],
    accounts: Iterable[Row],
    totals: Totals,
) -> Iterator[Finding]:
    """Findings on each partition up to its last account; adds up the accounts on the way, holding none of them.

    held:      partition → the offsets that the topic holds now, [low, high).
    accounts:  rows of ``accounts``, by partition and first offset.
    """
    reached = totals.reached = dict.fromkeys(held, -1)
    for partition, mine in groupby(accounts, key=lambda account: int(account["partition"])):
        for account in mine:
            first, after = account["first_offset"], account["next_offset"]
            if account["status"] == "doubled":
                where = span(topic, partition, first, after)
                yield Finding(DOUBLED, where, "read a second time, and kept out of the windows")
                continue
            at = reached.get(partition, -1)
            if at < 0:
                at = min(held.get(partition, (first, after))[0], first)
            if account["status"] == "missing":
                totals.passed.setdefault(partition, []).append((first, after))
                if after > at:
                    yield _passed_over(topic, partition, at, after)
                reached[partition] = max(at, after)
                continue
            totals.add(account)
            yield from _balance(topic, account)
            if first > at:
                yield Finding(MISSING, span(topic, partition, at, first), "no account covers it")
            elif first < at:
                where = span(topic, partition, first, min(at, after))
                yield Finding(DOUBLED, where, "two accounts cover it")
            reached[partition] = max(at, after)


def check_ends(
    topic: str,
    held: Mapping[int, tuple[int, int]],
    totals: Totals,
    moved: Mapping[int, int],
    published: Mapping[int, tuple[int, int]],
) -> Iterator[Finding]:
    """Findings on what comes after the last account of each partition.

    moved:      partition → offset that hands have set the group to, and nothing was read from since.
    published:  partition → the offsets whose accounts had been written when the rows were asked for.
    """
    for partition, (low, high) in sorted(held.items()):
        at = max(totals.reached[partition], low)
        written = published.get(partition, (0, 0))[1]
        if written > at:
            why = "its account was published, and there is no row of it"
            yield Finding(MISSING, span(topic, partition, at, written), why)
            at = written
        passed = min(moved.get(partition, 0), high)
        if passed > at:
            yield _passed_over(topic, partition, at, passed)
            at = passed
        if at < high:
            yield Finding(IN_FLIGHT, span(topic, partition, at, high), "no account of it yet")


def _passed_over(topic: str, partition: int, first: int, after: int) -> Finding:
    why = "never counted: passed over by hand, or deleted before they were read"
    return Finding(MISSING, span(topic, partition, first, after), why)


def check_group(
    group: str, topic: str, done: Mapping[int, int], reached: Mapping[int, int], effect: str
) -> Iterator[Finding]:
    """Findings on partitions of which a group reads again what it was through with.

    done:     partition → offset that the group has committed; asked for after ``reached``.
    reached:  partition → how far it had come.
    """
    for partition, after in sorted(reached.items()):
        first = done.get(partition)
        if first is None:
            where = span(topic, partition, 0, after)
            yield Finding(IN_FLIGHT, where, f"group {group} has no offset any more: {effect}")
        elif first < after:
            where = span(topic, partition, first, after)
            yield Finding(IN_FLIGHT, where, f"group {group} was set back by hand: {effect}")


def _balance(topic: str, account: Row) -> Iterator[Finding]:
    """What was consumed went somewhere, and all of it."""
    known = sum(account[name] for name in ("summarised", "late", "dead_lettered", "filtered"))
    if account["consumed"] != known:
        where = span(topic, account["partition"], account["first_offset"], account["next_offset"])
        yield Finding(WRONG, where, f"{account['consumed']} consumed, {known} accounted for")


def check_sums(totals: Totals, *, written: bool, waits: str | None = None) -> Iterator[Finding]:
    """Findings on the sums: the windows hold what the accounts gave them.

    written:  whether all that the balance is of had been written when the accounts were read.
    waits:    what open windows wait for, if not for all partitions alike.
    """
    balance = totals.balance
    if balance is None:
        if totals.covered and written:
            yield Finding(MISSING, "balances", "accounts without a balance of the windows")
        return
    if totals.summarised != balance["taken"]:
        why = f"the accounts hold {totals.summarised} events, the windows took {balance['taken']}"
        yield Finding(WRONG if written else IN_FLIGHT, "accounts", why)
    placed = balance["scored"] + balance["late"] + balance["open"]
    if balance["taken"] != placed:
        why = f"{balance['taken']} taken, {placed} scored, late or open"
        yield Finding(WRONG, "windows", why)
    if balance["open"]:
        many = f"{balance['open']} event{'' if balance['open'] == 1 else 's'} in windows still open"
        yield Finding(IN_FLIGHT, "windows", f"{many}; they wait for {waits}" if waits else many)


def check_letters(totals: Totals, dead_letters: int) -> Iterator[Finding]:
    """Findings on how many dead letters there are from ``whole_from`` on, where each that was published has its row."""
    told = totals.letters.total()
    if dead_letters < told:
        yield Finding(
            MISSING, "dead_letters", f"the accounts hold {told}, {dead_letters} are there"
        )
