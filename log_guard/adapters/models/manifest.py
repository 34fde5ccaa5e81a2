"""``model.json``: everything of a model that is not an array, for people and for programs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from log_guard.core.features import FEATURES
from log_guard.core.learning.model import FORMAT_VERSION
from log_guard.errors import ModelError

MANIFEST = "model.json"
KIND: Final = "logguard-model"
"""What the manifest's ``kind`` says: a ``model.json`` of some other program is left alone."""

RESTORE = "restore it from a copy, or train it again with `logguard train`"
"""The repair of whatever is damaged."""

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]


class _Strict(BaseModel):
    """No field too many, none converted, no number that is not finite."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class TrainingEntry(_Strict):
    """Where the model comes from: ``log_guard.core.learning.model.Training`` with times as ISO 8601, UTC."""

    start: str
    end: str
    events: Count
    windows: Count
    blocks: Count
    block_seconds: Positive
    digest: Sha256
    unusual: Count = 0
    worst: str | None = None


class ScalesEntry(_Strict):
    """Thresholds of the detectors, bits."""

    novelty: Positive
    surprise: Positive
    shift: Positive


class DensityEntry(_Strict):
    """Settings of the reference detector."""

    eps: Positive
    min_samples: Annotated[int, Field(ge=1)]


class TextEntry(_Strict):
    """The strings of the text features: terms of the TF-IDF, templates of the history (sorted)."""

    terms: tuple[str, ...]
    known: tuple[str, ...]


class Manifest(_Strict):
    """The content of ``model.json``, in its order: what a person asks first comes first.

    certified_false_alarms_per_day:  lowest rate that the history can vouch for.
    arrays:                          name of an array → SHA-256 of its file.
    """

    kind: Literal["logguard-model"]
    format: Annotated[int, Field(ge=1)]
    version: str
    window_seconds: Positive
    slide_seconds: Positive
    group_by: tuple[str, ...]
    false_alarms_per_day: Positive
    certified_false_alarms_per_day: Positive
    training: TrainingEntry
    density: DensityEntry
    scales: ScalesEntry
    features: tuple[str, ...]
    groups: tuple[str, ...]
    templates: tuple[str, ...]
    text: TextEntry
    arrays: dict[str, Sha256]

    def to_bytes(self) -> bytes:
        """The file: equal manifests, equal bytes; the last entry is the checksum of the rest."""
        content = self.model_dump(mode="json")
        content["checksum"] = _checksum(content)
        return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def is_model(directory: Path) -> bool:
    """Whether there is a manifest of ours, of whatever format version and sound or not."""
    try:
        return bool(_parse(directory).get("kind") == KIND)
    except ModelError:
        return False


def read_manifest(directory: Path) -> Manifest:
    """The checked manifest of a model of today's format and features; ModelError otherwise."""
    content = _parse(directory)
    if content.get("kind") != KIND:
        raise ModelError(
            f"{directory} is not a LogGuard model: name a directory that `logguard train` made"
        )
    _check_format(content.get("format"), directory)
    checksum = content.pop("checksum", None)
    if checksum != _checksum(content):
        raise ModelError(f"model {directory} is damaged ({MANIFEST} was changed): {RESTORE}")
    try:
        # Through JSON, where a list is as good as a tuple; all else is strict.
        manifest = Manifest.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ModelError(
            f"model {directory} is damaged ({MANIFEST}, {place}: {first['msg']}): {RESTORE}"
        ) from None
    _check_features(manifest.features, directory)
    return manifest


def _parse(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        if directory.is_dir():
            what = f"{directory} is not a LogGuard model (it has no {MANIFEST})"
        else:
            what = f"no such model: {directory}"
        raise ModelError(f"{what}: check the path, or make one with `logguard train`") from None
    except NotADirectoryError:
        raise ModelError(f"{directory} is a file: a model is a directory, name that") from None
    except OSError as error:
        raise ModelError(
            f"cannot read {path}: {error.strerror or error} (check its permissions and disk)"
        ) from error
    except (ValueError, RecursionError):  # bytes that are no text, text that is no JSON
        raise ModelError(
            f"model {directory} is damaged ({path.name} is no JSON): {RESTORE}"
        ) from None
    if not isinstance(content, dict):
        raise ModelError(f"model {directory} is damaged ({path.name} is no object): {RESTORE}")
    return content


def _check_format(number: object, directory: Path) -> None:
    """Come before all other checks: of another format, nothing else is known."""
    if isinstance(number, int) and number > FORMAT_VERSION:
        raise ModelError(
            f"model {directory} has format {number} and this LogGuard reads up to "
            f"{FORMAT_VERSION}: upgrade LogGuard, or train the model again with `logguard train`"
        )
    if isinstance(number, int) and number < FORMAT_VERSION:
        raise ModelError(
            f"model {directory} has format {number}, and this LogGuard reads format {FORMAT_VERSION} only: "
            "train it again with `logguard train`"
        )


def _check_features(features: tuple[str, ...], directory: Path) -> None:
    if features == FEATURES:
        return
    padded = [*features, *[None] * len(FEATURES)], [*FEATURES, *[None] * len(features)]
    pairs = enumerate(zip(*padded, strict=False), start=1)
    number, (found, expected) = next(pair for pair in pairs if pair[1][0] != pair[1][1])
    raise ModelError(
        f"model {directory} was trained on other features ({len(FEATURES)} expected, found "
        f"{len(features)}; first difference: number {number} is {found or 'missing'}, expected "
        f"{expected or 'none'}): train it again with `logguard train`"
    )


def _checksum(content: dict[str, Any]) -> str:
    """SHA-256 of the content, whatever its layout."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
