"""Where output goes, and where files go that nobody gave a place."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

HANGING = 2
"""How much further in a line goes on than it begins."""


def data_directory() -> Path:
    """Where files of ours go that nobody gave a place (XDG)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "logguard"


class Lines(Console):
    """On a terminal, what is longer than a line goes on below it, indented; in a file each stays one line."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as a console does, a sentence at a width that can be read."""
        if len(objects) != 1 or not isinstance(objects[0], Text) or not self.is_terminal:
            super().print(*objects, **options)
            return
        for line in objects[0].split(allow_blank=True):
            for row in _rows(line, self):
                super().print(row, **options)


def _rows(line: Text, console: Console) -> list[Text]:
    indent = len(line.plain) - len(line.plain.lstrip()) + HANGING
    if line.cell_len <= console.width or console.width <= 2 * indent:
        return [line]
    first, rest = line.divide([indent])
    rows = rest.wrap(console, console.width - first.cell_len)
    for row in rows:
        row.rstrip()
    return [Text.assemble(first if i == 0 else " " * indent, row) for i, row in enumerate(rows)]


class Results(Lines):
    """A closed pipe is for the command line to end on, and no failure of the console."""

    def on_broken_pipe(self) -> None:
        raise


def console() -> Console:
    """For results: as wide as the terminal, and 100 columns where there is none."""
    return Results(width=None if sys.stdout.isatty() else 100, highlight=False, soft_wrap=True)


def errors() -> Console:
    """For what is said beside the results."""
    return Lines(stderr=True)
