"""Compile the kernels before they are needed: ``python -m log_guard.core.compiled``."""

from __future__ import annotations

import polars as pl

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.summarising.flat import decode_flat
from log_guard.core.summarising.summaries import Summarizer

_LINE = b'{"timestamp":"2026-01-01T00:00:00Z","level":"INFO","service":"api","message":"ready","status":503}\n'


def main() -> None:
    """Take each kernel through one event."""
    decoder = Decoder(JsonLines().tuned([_LINE.decode()]))
    flat = decode_flat(decoder, RawBatch(_LINE, 1))
    assert flat is not None
    decoded, text = flat
    group, late = pl.col("service").alias("group"), pl.lit(False).alias("late")
    Summarizer(SECOND).summarize(decoded.events.with_columns(group, late), text=text)


if __name__ == "__main__":
    main()
