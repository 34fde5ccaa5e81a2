"""How a count is called in a sentence."""

from __future__ import annotations

import pytest

from log_guard.core.evidence.words import describe


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
