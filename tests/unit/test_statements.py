"""Statements: variants of a line are one, different lines are several; trouble is told by its words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.statements import Templates, how_telling, speaks_of_trouble, statement_of
from tests.streams import bounded

WORDS = st.lists(st.text(min_size=1, max_size=30), unique=True, min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Upstream orders unavailable", "Upstream users unavailable"),
        ("job <id> done in <num> ms", "job <uuid> done"),
        ("<ip> connected", "disconnected <ip>"),
    ],
)
def test_short_lines_differ_by_any_word(one: str, other: str) -> None:
    assert statement_of(one) != statement_of(other)


@pytest.mark.parametrize(
    ("template", "statement"),
    [
        ("Checking whether volumes of tenant named sdb are gone", "Checking whether volumes of tenant named"),
        ("Checking whether volumes of tenant named sdc are gone", "Checking whether volumes of tenant named"),
        ("GET <path> took <num>ms", "GET took"),
        ("retry=<num> host=db-<id> closed", "closed"),
        ("Verbindung zu <ip> gelöst", "Verbindung zu gelöst"),
        ("<num>", "<num>"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_statement_is_the_first_words_without_what_was_filled_in(
    template: str, statement: str
) -> None:
    assert statement_of(template) == statement


@pytest.mark.parametrize(
    "template",
    [
        "Connection to <ip> refused",
        "Traceback (most recent call last):",
        "worker <num> timed out",
        "Out of memory: killed process <num>",
        "could not open <path>",
        "replica <id> is down",
    ],
)
def test_trouble_is_told_by_its_words(template: str) -> None:
    assert speaks_of_trouble(template)


@pytest.mark.parametrize(
    "template", ["user <id> logged in", "rolled out version <num>", "shutting down"]
)
def test_plain_talk_is_none(template: str) -> None:
    assert not speaks_of_trouble(template)


@bounded(50)
@given(WORDS, st.data())
def test_a_table_that_forgets_still_knows_the_rest(words: list[str], data: st.DataObject) -> None:
    table = Templates(words)
    before = dict(zip(words, table.statements(np.arange(len(words))).tolist(), strict=True))
    kept = data.draw(st.lists(st.integers(0, len(words) - 1), min_size=1, unique=True))
    mapping = table.keep(np.array(kept))
    for old in kept:
        new = np.array([mapping[old]])
        assert table.words[mapping[old]] == words[old]
        assert table.statements(new)[0] == before[words[old]]
        assert table.troubled(new)[0] == speaks_of_trouble(words[old])


@pytest.mark.parametrize(
    ("template", "telling"),
    [
        ("AttributeError: 'NoneType' object has no attribute 'session'", 3),
        ("hooks.translation TypeError: create() takes <num> arguments", 3),
        ("java.net.ConnectException: refused", 3),
        ("volume service is up", 1),
        ("Connection refused", 2),
        ("GET <path> <num>", 1),
        ("shop.agent.<id>.checkout", 0),
        ("Killed", 2),
        ("Traceback (most recent call last):", 0),
        ("hooks.translation Traceback (most recent call last):", 0),
        ('hooks.translation   File "<path>", line <num>, in create', 0),
        ("hooks.translation     raise exceptions.CallbackFailure(<data>)", 0),
        ("\tat com.shop.Checkout.pay(Checkout.java:<num>)", 0),
        ("    at Object.<anonymous> (<path>)", 0),
        ("\t... <num> more", 0),
        ("c.acme.Cart          : started", 1),
        ("[           main] c.acme.Cart          - cannot start", 2),
        ("[o.e.n.Node               ] [es1] started", 1),
        ("web          | started", 1),
    ],
)
def test_an_exception_tells_more_than_the_lines_of_its_trace(template: str, telling: int) -> None:
    assert how_telling(template) == telling
