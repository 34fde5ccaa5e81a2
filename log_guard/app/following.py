"""A log that is still written, or piped: waiting for its first line, reading on until a signal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from types import FrameType

from rich.console import Console
from rich.text import Text

from log_guard.adapters.files import has_line
from log_guard.app.pipeline import Output
from log_guard.app.scan import Scan

POLL_SECONDS = 0.5


def await_lines(path: str, errors: Console) -> None:
    """As ``tail -F``: a file that is to come, or to get its first line, is waited for."""
    if has_line(path):
        return
    errors.print(Text(f"{path}: no lines in it yet; waiting for them", style="dim"), soft_wrap=True)
    while not has_line(path):
        time.sleep(POLL_SECONDS)  # no file system tells everywhere of a file to come


def follow(scan: Scan) -> Iterator[Output]:
    """Keep up with it until SIGINT or SIGTERM; a second one interrupts what is being done."""
    yield from _until_told(scan.follow)


def read_pipe(scan: Scan) -> Iterator[Output]:
    """To its end, or until a signal, as :func:`follow`."""
    yield from _until_told(scan.run)


def _until_told(read: Callable[[Callable[[], bool]], Iterator[Output]]) -> Iterator[Output]:
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            raise KeyboardInterrupt
        stopped = True

    previous = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield from read(lambda: stopped)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
