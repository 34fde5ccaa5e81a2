"""java.util.logging's two lines: ``Nov 28, 2026 9:00:00 AM com.acme.Orders place``, then ``SEVERE: message``."""

from __future__ import annotations

import polars as pl

from log_guard.core.decoding.formats.programs import taken_apart

_LINES = r"(?s)^[^\n]*\n(?P<level>SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): ?(?P<message>.*)$"


def with_jul(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with the messages below such a line taken for what they are."""
    return taken_apart(raw, raw["timestamp"].str.ends_with("M"), _LINES)
