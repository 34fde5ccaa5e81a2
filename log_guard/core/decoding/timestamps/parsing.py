"""Timestamps as text to whole microseconds UTC."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.decoding.timestamps.by_column import column_reading
from log_guard.core.decoding.timestamps.one_by_one import read_distinct
from log_guard.core.decoding.timestamps.zones import UNREAD, localiser

_SAMPLES = 4
"""How often a batch is tried by column, each time in the layout of another unread row."""


def parse_timestamps(
    raw: pl.Series, *, timezone: str = "UTC", reference: int | None = None
) -> pl.Series:
    """Read timestamps.

    Accepted are ISO 8601 (``T``, a space or two, ``-`` or ``/`` in the date, a fraction of 1 to 9 digits
    after ``.`` or ``,``; ``Z``, ``UTC``, ``GMT``, an offset or no zone), epoch numbers (seconds,
    milli-, micro- or nanoseconds, told apart by magnitude), the common log format, RFC 3164
    (syslog), ``ctime``, RFC 2822, java.util.logging's, dates with dots (day first), years of
    two digits (first, with slashes) and klog. A date alone is not a moment and is not accepted.

    raw:             texts, String [n].
    timezone:        IANA name of the zone of texts that name none. A local time that the clock
                     shows twice, or skips, is read as the earlier of the two possible moments.
    reference:       when the texts were written at the latest, µs UTC. Those that name no year
                     (RFC 3164) are of the last year in which they lie no more than a day after it,
                     so that December, read in January, is of the year before. Without it they
                     are null.

    Returns Int64 [n]: microseconds since 1970-01-01 UTC, cut (not rounded) to whole ones; null
    where the text is null, no timestamp, no date of the calendar, or outside the years 1970-2200.

    Raises OptionError if ``timezone`` is unknown.
    """
    text = raw.cast(pl.String)
    to_utc = localiser(timezone)
    times = np.full(len(text), UNREAD, dtype=np.int64)
    has_text = text.is_not_null().to_numpy() if text.null_count() else np.ones(len(text), np.bool_)
    unread = np.flatnonzero(has_text)
    for i in range(_SAMPLES):
        if not len(unread):
            break
        rest = text if len(unread) == len(text) else text.gather(unread)
        if read := column_reading(rest[len(rest) * i // _SAMPLES], to_utc):
            times[unread] = read(rest)
            unread = unread[times[unread] == UNREAD]
    if len(unread):
        times[unread] = read_distinct(text.gather(unread), to_utc, reference)
    result = pl.Series(raw.name, times)
    return result.set(result == UNREAD, None) if (times == UNREAD).any() else result
