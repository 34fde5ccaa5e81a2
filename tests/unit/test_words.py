"""How a count is called in a sentence."""

from __future__ import annotations

import pytest

from log_guard.core.evidence.words import bound, describe
from log_guard.core.results import Bound


@pytest.mark.parametrize(
    ("level", "template", "said"),
    [
        ("ERROR", "payment refused", "ERROR 'payment refused'"),
        ("ERROR", "ERROR payment refused", "'ERROR payment refused'"),
        ("ERROR", "[error] checkout: refused", "'[error] checkout: refused'"),
        ("ERROR", "Errors came", "ERROR 'Errors came'"),
        ("ERROR", "WARN payment refused", "ERROR 'WARN payment refused'"),
        ("no level", "<num>", "'<num>'"),
        ("ERROR", "", "ERROR ''"),
    ],
)
def test_a_level_that_the_message_begins_with_is_said_once(
    level: str, template: str, said: str
) -> None:
    assert describe(level, template) == said


@pytest.mark.parametrize(
    ("kind", "count", "said"),
    [
        ("new", 0, "no new messages"),
        ("rare", 3, "rare messages <= 3"),
        ("surging", 0, "no messages more often than usual"),
        ("fading", 2, "messages less often than usual <= 2"),
        ("silent", 0, "no usual messages missing"),
    ],
)
def test_a_bound_on_many_messages_is_said_as_they_are(kind: str, count: int, said: str) -> None:
    assert bound(Bound(None, None, "<=", count, kind)) == said
