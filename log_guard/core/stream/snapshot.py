"""State as bytes and back, with nothing in it that could run.

A snapshot is a JSON tree with the arrays and frames beside it (``.npy`` without pickle, Arrow). Of
objects it holds the name and the fields; only classes that the caller lists are made again, from
exactly the fields that they have now. A snapshot of other fields is refused, never guessed at.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import polars as pl

from log_guard.errors import StateError

Kinds = Mapping[str, type[Any]]
"""Name in the snapshot → class: what may be made from a snapshot."""

_SCALARS = (bool, int, float, str)


def freeze(value: object, kinds: Kinds) -> bytes:
    """Bytes of a tree of plain values, arrays, frames and objects of these kinds; TypeError else."""
    blobs: list[bytes] = []
    names = {kind: name for name, kind in kinds.items()}
    tree = json.dumps(_take_apart(value, names, blobs)).encode()
    sizes = json.dumps([len(tree), *map(len, blobs)]).encode()
    return b"\n".join([sizes, tree]) + b"".join(blobs)


def thaw(data: bytes, kinds: Kinds) -> Any:
    """Inverse of :func:`freeze`; StateError if it is none, or of classes that have changed since."""
    try:
        sizes, _, rest = data.partition(b"\n")
        lengths = json.loads(sizes)
        ends = np.cumsum(lengths).tolist()
        tree, *blobs = (rest[end - n : end] for n, end in zip(lengths, ends, strict=True))
        return _put_together(json.loads(tree), kinds, blobs)
    except (ValueError, TypeError, KeyError, IndexError, pl.exceptions.PolarsError) as e:
        raise StateError(f"the stored state cannot be read ({type(e).__name__}: {e})") from e


def fields_of(value: object) -> dict[str, Any]:
    """The fields of an object: those of a dataclass, or else its attributes."""
    if is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in fields(value) if f.init}
    return dict(vars(value))


def _take_apart(value: Any, names: Mapping[type[Any], str], blobs: list[bytes]) -> Any:
    def inner(item: Any) -> Any:
        return _take_apart(item, names, blobs)

    def beside(what: str, blob: bytes) -> dict[str, int]:
        blobs.append(blob)
        return {what: len(blobs) - 1}

    if value is None or type(value) in _SCALARS:
        return value
    if isinstance(value, IntEnum):
        return int(value)  # comes back as the number, which equals it
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list):
        return [inner(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [inner(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[inner(key), inner(item)] for key, item in value.items()]}
    if isinstance(value, np.ndarray):
        out = io.BytesIO()
        np.lib.format.write_array(out, value, version=(3, 0), allow_pickle=False)
        return beside("array", out.getvalue())
    if isinstance(value, pl.DataFrame):
        out = io.BytesIO()
        value.write_ipc(out)
        return beside("frame", out.getvalue())
    if type(value) in names:
        parts = {key: inner(item) for key, item in fields_of(value).items()}
        return {"object": names[type(value)], "fields": parts}
    raise TypeError(f"a {type(value).__name__} cannot be part of a snapshot")


def _put_together(tree: Any, kinds: Kinds, blobs: Sequence[bytes]) -> Any:
    def inner(item: Any) -> Any:
        return _put_together(item, kinds, blobs)

    if not isinstance(tree, dict):
        return [inner(item) for item in tree] if isinstance(tree, list) else tree
    if "object" in tree:
        return _make(kinds[tree["object"]], {k: inner(v) for k, v in tree["fields"].items()})
    ((what, content),) = tree.items()
    if what == "tuple":
        return tuple(inner(item) for item in content)
    if what == "dict":
        return {inner(key): inner(item) for key, item in content}
    if what == "array":
        return np.lib.format.read_array(io.BytesIO(blobs[content]), allow_pickle=False)
    if what == "frame":
        return pl.read_ipc(io.BytesIO(blobs[content]))
    raise ValueError(f"unknown part {what!r}")


def _make(kind: type[Any], parts: dict[str, Any]) -> Any:
    if is_dataclass(kind):
        return kind(**parts)
    made = object.__new__(kind)
    vars(made).update(parts)
    return made
