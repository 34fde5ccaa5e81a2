"""Saving a model as a directory, all or nothing, and loading it, checked."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pydantic import ValidationError

from log_guard.adapters.models.arrays import ARRAYS, FILES, file_name, from_bytes, to_bytes
from log_guard.adapters.models.content import arrays_of, manifest_of, model_of, problems
from log_guard.adapters.models.manifest import MANIFEST, RESTORE, Manifest, is_model, read_manifest
from log_guard.core.learning.model import Model
from log_guard.errors import ModelError


def save_model(model: Model, directory: str | Path) -> Path:
    """Write a model; return the directory, its links resolved.

    The directory appears whole or not at all: it is written beside its place and renamed. A model
    that stands there is replaced (for an instant there is neither; after a crash in that instant
    the old one is found in ``.NAME-*/old`` beside it). Missing parents are made. Equal models give
    equal bytes. ModelError if something else stands there, the disk refuses, or the model could
    not be loaded again.
    """
    target = Path(directory).resolve()
    files = _files(model, target)
    _refuse_foreign(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(
            prefix=f".{target.name}-", dir=target.parent, ignore_cleanup_errors=True
        ) as workspace:
            # One level down: the workspace itself is closed to other users, a model is not.
            fresh, old = Path(workspace, "new"), Path(workspace, "old")
            fresh.mkdir()
            for name, data in files.items():
                _write(fresh / name, data)
            _move_in(fresh, target, old)
    except OSError as error:
        raise ModelError(
            f"cannot write the model to {target}: {error.strerror or error} "
            "(make room or grant permission there, or name another directory)"
        ) from error
    return target


def load_model(directory: str | Path) -> Model:
    """Read a model; it scores exactly as the saved one did. No code of the files can run.

    ModelError, with its repair, if the directory is missing, no model, damaged, of a newer format,
    or trained on other features than ``log_guard.core.features.FEATURES``.
    """
    place = Path(directory)
    manifest = read_manifest(place)
    arrays = {name: _read_array(place, manifest, name) for name in ARRAYS}
    if found := problems(manifest, arrays):
        raise _damaged(place, found[0])
    return model_of(manifest, arrays)


def verify_model(directory: str | Path) -> list[str]:
    """All problems of a model that can be told apart, a sentence each; empty if it is sound."""
    place = Path(directory)
    try:
        manifest = read_manifest(place)
    except ModelError as error:
        return [str(error)]
    arrays: dict[str, np.ndarray] = {}
    found: list[str] = []
    for name in ARRAYS:
        try:
            arrays[name] = _read_array(place, manifest, name)
        except ModelError as error:
            found.append(str(error))
    return found or [str(_damaged(place, problem)) for problem in problems(manifest, arrays)]


def _files(model: Model, target: Path) -> dict[str, bytes]:
    """Name → content of every file, held to the same rules as in loading."""
    arrays = arrays_of(model)
    files = {file_name(name): to_bytes(name, array) for name, array in arrays.items()}
    checksums = {name: _sha256(files[file_name(name)]) for name in arrays}
    try:
        manifest = manifest_of(model, checksums)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _unsound(target, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if found := problems(manifest, arrays):
        raise _unsound(target, found[0])
    return {**files, MANIFEST: manifest.to_bytes()}


def _refuse_foreign(target: Path) -> None:
    """Replace nothing but a model, and no model with which somebody keeps files of their own."""
    try:
        present = {entry.name for entry in target.iterdir()} if target.exists() else set()
    except NotADirectoryError:
        raise ModelError(f"{target} is a file: name a directory for the model") from None
    except OSError as error:
        raise ModelError(
            f"cannot look into {target}: {error.strerror or error} (name another directory)"
        ) from error
    foreign = sorted(present - FILES - {MANIFEST})
    if foreign or (present and not is_model(target)):
        example = f" ({foreign[0]})" if foreign else ""
        raise ModelError(
            f"{target} holds other files than a model's{example}: name another directory, or empty "
            "this one"
        )


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        # Before the rename: after a power cut, what has its name has its content.
        os.fsync(file.fileno())


def _move_in(fresh: Path, target: Path, old: Path) -> None:
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _read_array(place: Path, manifest: Manifest, name: str) -> np.ndarray:
    path = place / file_name(name)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise _damaged(place, f"{path.name} is missing") from None
    except OSError as error:
        raise ModelError(
            f"cannot read {path}: {error.strerror or error} (check its permissions and disk)"
        ) from error
    # The bytes that were checked are the bytes that are read.
    if _sha256(data) != manifest.arrays.get(name):
        raise _damaged(place, f"{path.name} was changed")
    try:
        return from_bytes(name, data)
    except ValueError as error:
        raise _damaged(place, f"{path.name} is no array of the right kind: {error}") from None


def _damaged(place: Path, problem: str) -> ModelError:
    return ModelError(f"model {place} is damaged ({problem}): {RESTORE}")


def _unsound(target: Path, problem: str) -> ModelError:
    return ModelError(
        f"this model cannot be saved to {target} ({problem}): train it again on other history"
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
