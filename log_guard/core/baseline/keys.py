"""What is counted, as one integer: the code of a (group, level, template), of a statement, of a volume."""

from __future__ import annotations

import numpy as np

ALL_LEVELS, TROUBLED = 15, 14
"""Take the place of a level in a volume: all events, and those whose words speak of trouble."""

_TEMPLATE_BITS = 32
_LEVEL_BITS = 4


def key_codes(groups: np.ndarray, levels: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Pack (group, level, template) ids into one int64 each."""
    high = groups.astype(np.int64) << (_TEMPLATE_BITS + _LEVEL_BITS)
    return high | (levels.astype(np.int64) << _TEMPLATE_BITS) | templates.astype(np.int64)


def code_groups(codes: np.ndarray) -> np.ndarray:
    """Group ids of packed codes."""
    return codes >> (_TEMPLATE_BITS + _LEVEL_BITS)


def without_groups(codes: np.ndarray) -> np.ndarray:
    """Packed codes less their groups: (level, template)."""
    return codes & ((1 << (_TEMPLATE_BITS + _LEVEL_BITS)) - 1)


def code_levels(codes: np.ndarray) -> np.ndarray:
    """Levels of packed codes."""
    return (codes >> _TEMPLATE_BITS) & ((1 << _LEVEL_BITS) - 1)


def code_templates(codes: np.ndarray) -> np.ndarray:
    """Template ids of packed codes."""
    return codes & ((1 << _TEMPLATE_BITS) - 1)


def volume_codes(groups: np.ndarray, levels: np.ndarray | int) -> np.ndarray:
    """Codes of volumes, (n,): of all events of a level, or of :data:`ALL_LEVELS` or :data:`TROUBLED`."""
    zero = np.zeros(len(groups), dtype=np.int64)
    return key_codes(groups, np.full(len(groups), levels), zero)


def renumbered(
    codes: np.ndarray, groups: np.ndarray | None = None, templates: np.ndarray | None = None
) -> np.ndarray:
    """Codes under new ids; each an array, old id → new id, or None: they stay."""
    group, template = code_groups(codes), code_templates(codes)
    return key_codes(
        group if groups is None else groups[group],
        code_levels(codes),
        template if templates is None else templates[template],
    )
