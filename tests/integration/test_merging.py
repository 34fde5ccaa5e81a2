"""Old accounts are merged, and the audit comes to what it came to before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.adapters.store import Store, merging
from log_guard.adapters.store.retention import dropped_before, surely_there_from
from log_guard.adapters.store.schema import ACCOUNTS, BALANCES
from log_guard.app.audit.findings import Finding
from log_guard.app.audit.offsets import Totals, check_accounts, check_ends

NOW = datetime(2026, 3, 1, 12, 34, tzinfo=UTC)
OLD, NEW = (round((NOW - timedelta(days=d)).timestamp() * 1e6) for d in (31, 2))
TOPIC = "log-events"
Row = dict[str, Any]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches end anywhere, also within what is to be one row."""
    monkeypatch.setattr(merging, "BATCH", 3)
    monkeypatch.setattr(merging, "PAUSE", 0)


def account(first: int, after: int, offset: int, **changes: Any) -> Row:
    counts = {"consumed": after - first, "summarised": after - first}
    nothing = {"late": 0, "dead_lettered": 0, "filtered": 0}
    place = {"run": "", "topic": TOPIC, "partition": 0, "first_offset": first, "next_offset": after}
    plain = {"status": "accepted", "summary_offset": offset, "written": OLD}
    return {**place, **plain, **counts, **nothing, **changes}


def balance(offset: int) -> Row:
    counts = {"taken": 0, "scored": 0, "late": 0, "open": 0, "watermark": None}
    return {"kind": "balance", "run": "", "summary_offset": offset, **counts}


def audited(store: Store, low: int) -> tuple[list[Finding], Totals]:
    totals = Totals(store.balance(), surely_there_from(NOW))
    held = dict.fromkeys((0, 1), (low, 1000))
    found = list(check_accounts(TOPIC, held, store.accounts(TOPIC), totals))
    return [*found, *check_ends(TOPIC, held, totals, {}, {})], totals


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(str(tmp_path / "store.db")) as one:
        yield one


def write(store: Store, accounts: Sequence[Row], known: int = 1_000) -> None:
    store.apply([balance(known)])
    store._database.write_rows({ACCOUNTS: accounts})


def ranges(store: Store) -> list[tuple[int, int, int]]:
    names = "first_offset", "next_offset", "consumed"
    return [tuple(row[name] for name in names) for row in store.accounts(TOPIC)]


def test_neighbours_that_are_old_become_one_and_later_ones_join_it(store: Store) -> None:
    write(store, [account(n, n + 10, n) for n in range(0, 100, 10)])
    write(store, [account(n, n + 10, n, written=NEW) for n in range(100, 150, 10)])
    said = store.maintain(NOW)
    assert "merged 9 accounts older than 30 days with their neighbours" in said
    assert ranges(store) == [(0, 100, 100), *((n, n + 10, 10) for n in range(100, 150, 10))]
    (one, *_) = store.accounts(TOPIC)
    assert (one["summary_offset"], one["written"]) == (90, OLD)
    assert "merged 0 accounts older than 30 days with their neighbours" in store.maintain(NOW)
    later = NOW + timedelta(days=40)
    assert "merged 5 accounts older than 30 days with their neighbours" in store.maintain(later)
    assert ranges(store) == [(0, 150, 150)]


@pytest.mark.parametrize(
    ("second", "known"),
    [
        (account(11, 20, 2), 9),
        (account(9, 20, 2), 9),
        (account(10, 20, 2, status="missing", consumed=0, summarised=0), 9),
        (account(10, 20, 2, status="doubled"), 9),
        (account(10, 20, 2, consumed=11), 9),
        (account(10, 20, 2, partition=1), 9),
        (account(10, 20, 2, run="again"), 9),
        (account(10, 20, 2), 1),
        (account(10, 20, 2, written=dropped_before(NOW)), 9),
    ],
    ids=[
        "gap",
        "overlap",
        "missing",
        "doubled",
        "unbalanced",
        "partition",
        "run",
        "unknown",
        "young",
    ],
)
def test_what_the_audit_can_tell_apart_is_not_merged(store: Store, second: Row, known: int) -> None:
    write(store, [account(0, 10, 1), second], known)
    store.maintain(NOW)
    with store._database.engine.connect() as connection:
        assert len(connection.execute(ACCOUNTS.select()).all()) == 2


def test_a_doubled_range_between_does_not_keep_neighbours_apart(store: Store) -> None:
    write(store, [account(0, 10, 1), account(3, 7, 5, status="doubled"), account(10, 20, 2)])
    before = audited(store, 0)
    store.maintain(NOW)
    assert ranges(store) == [(0, 20, 20), (3, 7, 4)]
    assert audited(store, 0) == before


def test_what_somebody_else_merges_meanwhile_is_left_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, [account(n, n + 10, n) for n in range(0, 60, 10)])
    engine, page = store._database.engine, merging._page

    def read_and_wait(*asked: Any) -> Any:
        rows = page(*asked)
        monkeypatch.setattr(merging, "_page", page)
        merging.merge(engine, dropped_before(NOW))  # the other one is through before we write
        return rows

    monkeypatch.setattr(merging, "_page", read_and_wait)
    assert merging.merge(engine, dropped_before(NOW)).gone == 0
    assert ranges(store) == [(0, 60, 60)]


@st.composite
def books(draw: st.DrawFn) -> list[Row]:
    """Ranges that mostly follow one another, with gaps, overlaps, and what was doubled, missing or miscounted."""
    rows: list[Row] = []
    for partition in (0, 1):
        at, offset = draw(st.integers(0, 5)), 0
        young = draw(st.integers(0, 40))
        for n in range(draw(st.integers(0, 25))):
            at = max(at + draw(st.sampled_from((0,) * 20 + (3, -3, -7))), 0)
            offset += draw(st.sampled_from((1, 1, 1, 0)))
            status = draw(st.sampled_from(("accepted",) * 12 + ("doubled", "missing")))
            after = at + draw(st.sampled_from((5, 5, 5, 12, 0)))
            dead = draw(st.integers(0, after - at))
            changes = {
                "summarised": after - at - dead,
                "dead_lettered": dead,
                "consumed": after - at + draw(st.sampled_from((0,) * 15 + (1,))),
                "written": (OLD if n < young else NEW) + n,
            }
            rows.append(account(at, after, offset, partition=partition, status=status, **changes))
            at = max(at, after) if status != "doubled" else at
    return rows


def test_the_audit_finds_and_adds_up_the_same(store: Store) -> None:
    @given(books(), st.sampled_from((0, 2, 40)), st.sampled_from((1_000, 1_000, 8)))
    def check(books: list[Row], low: int, known: int) -> None:
        with store._database.engine.begin() as connection:
            for table in (ACCOUNTS, BALANCES):
                connection.execute(table.delete())
        write(store, books, known)
        before, rows = audited(store, low), ranges(store)
        store.maintain(NOW)
        assert audited(store, low) == before
        merged = ranges(store)
        assert len(merged) <= len(rows)
        store.maintain(NOW)
        assert ranges(store) == merged

    check()
