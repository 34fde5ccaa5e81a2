"""The accounts add, and say what is missing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.ledger import Ledger
from tests.streams import bounded

LEDGERS = st.builds(Ledger, *[st.integers(0, 10**12)] * 5)


@bounded(30)
@given(LEDGERS, LEDGERS, LEDGERS)
def test_ledgers_add(a: Ledger, b: Ledger, c: Ledger) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Ledger() == a
    assert (a + b).pending == a.pending + b.pending
    assert (a + b).as_dict() == {key: n + b.as_dict()[key] for key, n in a.as_dict().items()}


def test_what_is_not_accounted_for_is_pending() -> None:
    ledger = Ledger(consumed=100, scored=80, late=5, dead_lettered=3, filtered=2)
    assert ledger.pending == 10
    assert not ledger.balanced
    assert (ledger + Ledger(scored=10)).balanced


def test_what_was_counted_twice_does_not_balance_either() -> None:
    assert not Ledger(consumed=1, scored=2).balanced


def test_an_empty_ledger_is_balanced() -> None:
    assert Ledger().balanced
