"""Where output goes, and where files go that nobody gave a place."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console


def data_directory() -> Path:
    """Where files of ours go that nobody gave a place (XDG)."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "logguard"


class _Results(Console):
    """A closed pipe is for the command line to end on, and no failure of the console."""

    def on_broken_pipe(self) -> None:
        raise


def console() -> Console:
    """For results: as wide as the terminal, and 100 columns where there is none."""
    return _Results(width=None if sys.stdout.isatty() else 100, highlight=False, soft_wrap=True)
