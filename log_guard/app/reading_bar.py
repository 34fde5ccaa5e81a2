"""How far a file has been read, as a bar on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from log_guard.app.pipeline import Output
from log_guard.app.scan import Scan

LARGE = 8 << 20
"""Bytes below which a file is read before a bar could be looked at."""


class ReadingBar:
    """A bar while a large file is read; nothing where there is no terminal."""

    def __init__(self, scan: Scan, errors: Console) -> None:
        self._source = scan.source
        self._bar: Progress | None = None
        total = scan.source.total_bytes
        if total and errors.is_terminal and total > LARGE:
            self._bar = Progress(
                TextColumn("reading"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=errors,
                transient=True,
            )
            self._task = self._bar.add_task("reading", total=total)

    def __enter__(self) -> ReadingBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def watch(self, outputs: Iterator[Output]) -> Iterator[Output]:
        for out in outputs:
            if self._bar is not None:
                self._bar.update(self._task, completed=self._source.read_bytes)
            yield out
