"""The audit's checks where one book was read a moment after another."""

from __future__ import annotations

from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from log_guard.app.audit.counted import Counted
from log_guard.app.audit.findings import Audit, Finding
from log_guard.app.audit.offsets import (
    Totals,
    Written,
    check_accounts,
    check_ends,
    check_letters,
    check_sums,
)
from log_guard.app.audit.recount import Known, Recount
from log_guard.app.audit.showing import show
from log_guard.app.deployment import Deployment
from log_guard.app.settings import Settings
from log_guard.core.events import SECOND

BALANCE = {"summary_offset": 15, "taken": 10, "scored": 10, "late": 0, "open": 0}


def account(first: int, summary_offset: int, written: int = 0, dead: int = 0) -> dict[str, Any]:
    counts = {"consumed": 10, "late": 0, "filtered": 0}
    place = {"partition": 0, "first_offset": first, "next_offset": first + 10, "written": written}
    return {
        **place,
        "summary_offset": summary_offset,
        "status": "accepted",
        **counts,
        "dead_lettered": dead,
        "summarised": 10 - dead,
    }


def added(balance: dict[str, Any] | None, *accounts: dict[str, Any]) -> Totals:
    totals = Totals(balance)
    assert list(check_accounts("log-events", {}, accounts, totals)) == []
    return totals


def test_accounts_that_are_newer_than_the_balance_are_not_held_against_it() -> None:
    totals = added(BALANCE, account(0, 15), account(10, 31))
    assert totals.consumed == 20
    assert list(check_sums(totals, written=True)) == []
    # Forged ones are, and those that are lacking.
    assert [
        f.what for f in check_sums(added(BALANCE, account(0, 14), account(10, 15)), written=True)
    ] == ["wrong"]
    assert [f.what for f in check_sums(added(BALANCE), written=True)] == ["wrong"]


def test_accounts_that_the_writer_had_not_come_to_are_in_flight() -> None:
    totals = added({**BALANCE, "taken": 20, "scored": 20}, account(0, 14))
    written = Written(totals)
    written.see(0, 100, {"kind": "balance", "summary_offset": 15})
    written.see(1, 200, {"kind": "account", "summary_offset": 15})
    written.see(1, 300, {"kind": "account", "summary_offset": 31})  # newer than the balance
    behind, through = {0: 101, 1: 200}, {0: 101, 1: 201}
    assert [f.what for f in check_sums(totals, written=written.books(behind))] == ["in flight"]
    assert [f.what for f in check_sums(totals, written=written.books(through))] == ["wrong"]


def test_dead_letters_are_counted_from_the_last_account_that_is_old() -> None:
    accounts = [
        account(0, 1, 5, 2),
        account(10, 2, 9, 3),
        account(20, 3, 10, 4),
        account(30, 4, 11),
    ]
    totals = Totals(None, oldest=10)
    assert list(check_accounts("log-events", {}, accounts, totals)) == []
    assert totals.whole_from == {0: 20}
    assert list(check_letters(totals, 4)) == []
    assert [f.what for f in check_letters(totals, 3)] == ["missing"]


def test_an_account_that_was_written_and_is_gone_is_missing_and_not_on_its_way() -> None:
    totals = added(None, account(10, 1))
    counted = Counted("log-events", "", totals, done={2: 50})

    def published(first: int, at: int, status: str = "accepted", **more: Any) -> None:
        place = {"kind": "account", "topic": "log-events", "partition": 0, "status": status}
        span = {"first_offset": first, "next_offset": first + 10}
        counted.see(2, at, {**place, **span, **more})

    published(0, 47)
    published(10, 48)
    published(20, 49, "missing")
    published(30, 49)
    published(40, 50)  # the writer had not come to it
    published(50, 49, run="again")
    published(60, 49, topic="others")
    published(70, 49, "doubled")
    assert counted.covered == {0: (0, 40)}
    totals.reached = {0: 20}
    held, moved = {0: (0, 60)}, {0: 55}
    assert [str(f) for f in check_ends("log-events", held, totals, moved, counted.covered)] == [
        "missing: log-events-0 [20, 40) (its account was published, and there is no row of it)",
        "missing: log-events-0 [40, 55) (never counted: passed over by hand, or deleted before they were read)",
        "in flight: log-events-0 [55, 60) (no account of it yet)",
    ]


def test_a_first_account_may_come_before_any_balance() -> None:
    totals = added(None, account(0, 15))
    written = Written(totals)
    written.see(0, 100, {"kind": "balance", "summary_offset": 15})
    assert list(check_sums(totals, written=written.books({}))) == []
    assert [f.what for f in check_sums(totals, written=written.books({0: 101}))] == ["missing"]


def recounted(revision: int, *, written: bool = True) -> list[Finding]:
    """Of a row that holds events which were not counted."""
    deployment = Deployment(Settings())
    row = {"final": True, "revision": revision, "log_count": 5}
    with closing(Recount(deployment.new_intake, deployment.window.slide)) as counter:
        rows = iter([(0, {"api": row})])
        return list(counter.check(rows, 30 * SECOND, Known(15, 0, (0, 0), written)))


def test_rows_that_are_newer_than_what_was_counted_are_not_held_against_it() -> None:
    assert recounted(16) == []
    assert [f.what for f in recounted(15)] == ["wrong"]
    assert [f.what for f in recounted(15, written=False)] == ["wrong"], "nothing gives it more"


def test_what_is_lost_is_shown_before_hundreds_of_doubled_ranges() -> None:
    outcome = Audit(events=900, rows=7)
    outcome.add(
        Finding("doubled", f"log-events-0 [{n}, {n + 1})", "read again") for n in range(300)
    )
    outcome.add([Finding("missing", "log-events-1 [4, 9)", "passed over")])
    console = Console(file=StringIO(), width=200)
    show(outcome, console, as_json=False)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "missing: log-events-1 [4, 9) (passed over)"
    assert lines[-2:] == [
        "... and 251 more (--format json shows more)",
        "900 events accounted for, 301 findings: 1 missing, 300 doubled (7 rows)",
    ]


def test_one_of_a_kind_is_one() -> None:
    outcome = Audit(events=1, rows=1, filtered=1, asides=["quiet: log-events-0"])
    outcome.add([Finding("missing", "log-events-0 [4, 9)", "passed over")])
    console = Console(file=StringIO(), width=200)
    show(outcome, console, as_json=False)
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue().splitlines()[1:] == [
        "1 event accounted for, 1 finding: 1 missing (1 row, 1 message without a value)",
        "quiet: log-events-0",
    ]


@pytest.mark.parametrize(("compared", "warned"), [(0, True), (2, False)])
def test_a_recount_that_could_be_held_against_no_row_says_so(compared: int, warned: bool) -> None:
    outcome = Audit(
        events=9, rows=3, recounted=9, compared=compared, recounted_from=1_700_000_000_000_000
    )
    console = Console(file=StringIO(), width=300)
    show(outcome, console, as_json=False)
    assert isinstance(console.file, StringIO)
    said = console.file.getvalue()
    assert "9 counted again from 2023-11-14T22:13:20Z on, events before are deleted" in said
    assert ("NO row could be compared with that" in said) is warned
