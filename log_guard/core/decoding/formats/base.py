"""What a log format is: a way to cut records into four raw strings.

A format does not interpret: timestamps and levels leave it as text and are normalised in one place
(:mod:`log_guard.core.decoding.timestamps`, :mod:`log_guard.core.decoding.levels`), so that every format accepts the
same spellings. To add a format: one file with a class like this, one line in the registry
(:mod:`log_guard.core.decoding.formats`), one line in the contract suite (``tests/contract/format_samples.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import polars as pl

RAW_COLUMNS = ("timestamp", "level", "service", "message", "reason")
RAW_SCHEMA: dict[str, pl.DataType] = {name: pl.String() for name in RAW_COLUMNS}
"""A parsed batch, a row a record: four raw strings (null where the record does not say) and, where
the record cannot be parsed at all, the ``reason`` in a few fixed words (else null)."""


class Format(Protocol):
    """A way to read records; stateless, so that any split into batches parses alike."""

    @property
    def name(self) -> str:
        """The name that ``--input-format`` takes, in lower case."""
        ...

    @property
    def starts_event(self) -> str | None:
        """Regular expression that a line which starts an event matches; None: every line is one.

        Other lines continue the event before. Rust syntax: no look-around.
        """
        ...

    def sniff(self, lines: Sequence[str]) -> float:
        """Share (0 to 1) of these sample lines that start an event in this format."""
        ...

    def parse(self, records: pl.Series) -> pl.DataFrame:
        """Parse records (String, one each row, possibly with newlines) into :data:`RAW_SCHEMA`."""
        ...
