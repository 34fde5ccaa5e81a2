"""The 30 features of a window: 12 of volume, 18 of text."""

from log_guard.core.features.text import TEXT_FEATURES
from log_guard.core.features.volume import VOLUME_FEATURES

FEATURES = (*VOLUME_FEATURES, *TEXT_FEATURES)

__all__ = ["FEATURES", "TEXT_FEATURES", "VOLUME_FEATURES"]
