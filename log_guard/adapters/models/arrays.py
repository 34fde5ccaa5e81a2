"""The arrays of a model: which there are, and each as the bytes of a ``.npy`` file and back.

Only numbers: strings live in the JSON. Neither way knows pickle, so a file can hold nothing that
runs. The bytes depend on the array alone; the order of its axes in memory is kept, since the last
bit of a matrix product may depend on it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.features import FEATURES
from log_guard.core.features.text import COMPONENTS

FLOAT, INTEGER = np.dtype("<f8"), np.dtype("<i8")

_EMPTY = Baseline.empty()

Shape = tuple[int | str, ...]
"""Lengths of the axes; a name stands for a length that all arrays with that name share."""

ARRAYS: dict[str, tuple[np.dtype, Shape]] = {
    "baseline.keys.ids": (INTEGER, ("keys",)),
    "baseline.keys.sums": (FLOAT, ("keys", _EMPTY.keys.sums.shape[1])),
    "baseline.keys.peaks": (FLOAT, ("keys", _EMPTY.keys.peaks.shape[1])),
    "baseline.statements.ids": (INTEGER, ("statements",)),
    "baseline.statements.sums": (FLOAT, ("statements", _EMPTY.statements.sums.shape[1])),
    "baseline.statements.peaks": (FLOAT, ("statements", _EMPTY.statements.peaks.shape[1])),
    "baseline.volumes.ids": (INTEGER, ("volumes",)),
    "baseline.volumes.sums": (FLOAT, ("volumes", _EMPTY.volumes.sums.shape[1])),
    "baseline.volumes.peaks": (FLOAT, ("volumes", _EMPTY.volumes.peaks.shape[1])),
    "baseline.groups.ids": (INTEGER, ("watched",)),
    "baseline.groups.sums": (FLOAT, ("watched", _EMPTY.groups.sums.shape[1])),
    "baseline.groups.peaks": (FLOAT, ("watched", _EMPTY.groups.peaks.shape[1])),
    "text.idf": (FLOAT, ("terms",)),
    "text.components": (FLOAT, (COMPONENTS, "terms")),
    "text.centres": (FLOAT, ("clusters", COMPONENTS)),
    "text.cluster_share": (FLOAT, ("clusters",)),
    "text.cluster_spread": (FLOAT, ("clusters",)),
    "text.known_share": (FLOAT, ("known",)),
    "density.mean": (FLOAT, (len(FEATURES),)),
    "density.scale": (FLOAT, (len(FEATURES),)),
    "density.core": (FLOAT, ("cores", len(FEATURES))),
    "density.core_labels": (INTEGER, ("cores",)),
    "density.labels": (INTEGER, ("windows fitted on",)),
}
"""Name → type and shape. On disk all are little-endian, whatever the machine is."""


_VERSION = (3, 0)
"""The version of the ``.npy`` format whose headers numpy does not try to mend."""

_UNREADABLE = (
    ArithmeticError,
    MemoryError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""Comes out of numpy's reader where the header is garbage or promises what does not follow."""


def file_name(name: str) -> str:
    """Name of an array's file."""
    return f"{name}.npy"


FILES = frozenset(file_name(name) for name in ARRAYS)


def to_bytes(name: str, array: np.ndarray) -> bytes:
    """The ``.npy`` file of an array."""
    out = io.BytesIO()
    stored = array.astype(ARRAYS[name][0], order="K", copy=False)
    np.lib.format.write_array(out, stored, version=_VERSION, allow_pickle=False)
    return out.getvalue()


def from_bytes(name: str, data: bytes) -> np.ndarray:
    """The array of a ``.npy`` file, in the machine's byte order; ValueError if it is not one.

    ValueError as well for another type than the name's (pickled objects among them).
    """
    if not data.startswith(np.lib.format.magic(*_VERSION)):
        raise ValueError("it is no .npy file of version 3.0")
    try:
        array = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    except _UNREADABLE:
        raise ValueError("it cannot be read") from None
    if array.dtype != ARRAYS[name][0]:
        raise ValueError(f"it holds {array.dtype}, not {ARRAYS[name][0].name}")
    return array.astype(array.dtype.newbyteorder("="), order="K", copy=False)


def misfits(arrays: Mapping[str, np.ndarray], lengths: Mapping[str, int]) -> list[str]:
    """What is wrong with the shapes and numbers of a full set of arrays, a sentence each.

    lengths:  named lengths that are known from elsewhere; others are those of their first array.
    """
    known = dict(lengths)
    found: list[str] = []
    for name, (_, shape) in ARRAYS.items():
        array = arrays[name]
        if array.ndim == len(shape):
            for axis, length in zip(shape, array.shape, strict=True):
                if isinstance(axis, str):
                    known.setdefault(axis, length)
        expected = tuple(known.get(axis, axis) if isinstance(axis, str) else axis for axis in shape)
        if array.shape != expected:
            found.append(f"{name} has shape {array.shape}, expected {expected}")
        elif not np.isfinite(array).all():
            found.append(f"{name} holds numbers that are not finite")
    return found
