"""java.util.logging's two lines: ``Nov 28, 2026 9:00:00 AM com.acme.Orders place``, then ``SEVERE: message``."""

from __future__ import annotations

import polars as pl

_LINES = r"(?s)^[^\n]*\n(?P<level>SEVERE|WARNING|INFO|CONFIG|FINE|FINER|FINEST): ?(?P<message>.*)$"


def with_jul(raw: pl.DataFrame) -> pl.DataFrame:
    """``raw`` (``RAW_SCHEMA``, a row a record) with the messages below such a line taken for what they are."""
    at = raw["timestamp"].str.ends_with("M").fill_null(False).arg_true()
    if not len(at):
        return raw
    below = (
        raw["message"].gather(at).to_frame("text").select(pl.col("text").str.extract_groups(_LINES))
    )
    read = below.unnest("text")
    return raw.with_columns(
        raw[name].scatter(at, read[name].fill_null(raw[name].gather(at)))
        for name in ("level", "message")
    )
