"""Message → template, and message → what may be shown of it."""

from log_guard.core.masking.masker import MAX_TEMPLATE_CHARS, Masker, mask_one
from log_guard.core.masking.showing import (
    MAX_MESSAGE_CHARS,
    MAX_SAMPLE_CHARS,
    clean_names,
    one_line,
    redact,
    without_secrets,
)

__all__ = [
    "MAX_MESSAGE_CHARS",
    "MAX_SAMPLE_CHARS",
    "MAX_TEMPLATE_CHARS",
    "Masker",
    "clean_names",
    "mask_one",
    "one_line",
    "redact",
    "without_secrets",
]
