from __future__ import annotations

from io import StringIO

import pytest
from rich.text import Text

from log_guard.cli.terminal import Lines

LONG = "  'order <num> [bold]failed[/] | DiskError' 40 times in 30 s in a service; usual: none"


def printed(text: str, width: int, *, terminal: bool) -> str:
    out = StringIO()
    console = Lines(file=out, width=width, force_terminal=terminal, highlight=False, soft_wrap=True)
    console.print(Text(text))
    return out.getvalue()


def test_on_a_terminal_a_sentence_goes_on_below_itself() -> None:
    assert printed(LONG, 50, terminal=True) == (
        "  'order <num> [bold]failed[/] | DiskError' 40\n"
        "    times in 30 s in a service; usual: none\n"
    )
    fitting = printed(LONG, len(LONG), terminal=True)
    assert fitting == LONG + "\n"


@pytest.mark.parametrize("text", ["x" * 200, "  " + "界" * 90, "a\n" + "b " * 60, "", "\n"])
def test_nothing_is_wider_than_the_terminal_and_nothing_is_lost(text: str) -> None:
    rows = printed(text, 40, terminal=True).removesuffix("\n").split("\n")
    assert max(Text(row).cell_len for row in rows) <= 40
    assert "".join(rows).replace(" ", "") == text.replace("\n", "").replace(" ", "")


def test_in_a_file_it_is_one_line() -> None:
    assert printed(LONG, 50, terminal=False) == LONG + "\n"
