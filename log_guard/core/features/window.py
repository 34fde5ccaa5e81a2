"""All 30 features of windows: those of volume beside the count-weighted means of those of text."""

from __future__ import annotations

import numpy as np

from log_guard.core.features import FEATURES, VOLUME_FEATURES
from log_guard.core.features.volume import level_counts, volume_features
from log_guard.core.windows import WindowBatch


def window_features(batch: WindowBatch, vectors: np.ndarray | None) -> np.ndarray:
    """The 30 features of each window, (rows, 30); the 18 of text are 0 without a model."""
    n = batch.rows.height
    out = np.zeros((n, len(FEATURES)))
    counts = level_counts(batch.entries, n)
    out[:, : len(VOLUME_FEATURES)] = volume_features(counts)
    if vectors is not None and batch.entries.height:
        row = batch.entries["row"].to_numpy()
        weighted = (
            vectors[batch.entries["template"].to_numpy()]
            * batch.entries["count"].to_numpy()[:, None]
        )
        sums = np.zeros((n, vectors.shape[1]))
        np.add.at(sums, row, weighted)
        out[:, len(VOLUME_FEATURES) :] = sums / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return out
