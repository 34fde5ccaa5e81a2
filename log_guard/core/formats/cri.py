"""CRI: what Kubernetes' container runtimes write, ``TIME stdout F MESSAGE``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.formats.matching import parsed, sniffed
from log_guard.core.timestamps import ISO

# Some shippers strip spaces at the end of a line, and with them the one before an empty message.
_LINE = (
    rf"(?s)^(?P<timestamp>{ISO}) (?:stdout|stderr) [FP](?::[A-Za-z0-9:]*)?(?: |$)(?P<message>.*)$"
)


@dataclass(frozen=True)
class Cri:
    """Container lines; a partial line (``P``) is an event of its own."""

    name: str = "cri"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, _LINE)

    def parse(self, records: pl.Series) -> pl.DataFrame:
        return parsed(records, _LINE, "not a CRI line")
