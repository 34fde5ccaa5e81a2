"""The 12 volume features of a window: how much was logged, and how severe it was."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.events import Level

VOLUME_FEATURES = (
    "log_count",
    "error_count",
    "fatal_count",
    "warn_count",
    "info_count",
    "debug_count",
    "error_rate",
    "fatal_rate",
    "warn_rate",
    "warn_to_info_ratio",
    "critical_count",
    "critical_rate",
)


def level_counts(entries: pl.DataFrame, rows: int) -> np.ndarray:
    """Events by level, (rows, 7) float64; ``entries`` as in ``WindowBatch``."""
    counts = np.zeros((rows, len(Level)))
    np.add.at(
        counts,
        (entries["row"].to_numpy(), entries["level"].to_numpy()),
        entries["count"].to_numpy(),
    )
    return counts


def volume_features(counts: np.ndarray) -> np.ndarray:
    """The 12 features, (rows, 12), of counts by level.

    Rates are shares of the window's events (0 for an empty window). Critical is ERROR and FATAL
    together. TRACE counts as DEBUG; events without a level count in ``log_count`` only. The ratio
    of warnings to informational events has 1 added below, so that it is defined without any.
    """
    total = counts.sum(axis=1)
    debug = counts[:, Level.DEBUG] + counts[:, Level.TRACE]
    info, warn = counts[:, Level.INFO], counts[:, Level.WARN]
    error, fatal = counts[:, Level.ERROR], counts[:, Level.FATAL]
    critical = error + fatal
    share = 1.0 / np.maximum(total, 1.0)
    columns = (total, error, fatal, warn, info, debug, error * share, fatal * share, warn * share)
    return np.column_stack([*columns, warn / (info + 1.0), critical, critical * share])
