"""What models there are, and what one is: read from the manifests alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from log_guard.adapters.models.directory import verify_model
from log_guard.adapters.models.manifest import MANIFEST, Manifest, read_manifest
from log_guard.adapters.models.registry import NAME, is_registry
from log_guard.core.windows import WHOLE_STREAM
from log_guard.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One line of a list of models.

    name:        of its directory.
    start, end:  span of event time learnt from, ISO 8601.
    events:      how many there were in it; ``groups``: of how many groups (the whole stream not
                 counted).
    problem:     why it cannot be used, None if it can; the fields above are empty if they cannot be read.
    """

    name: str
    version: str = ""
    start: str = ""
    end: str = ""
    events: int = 0
    groups: int = 0
    problem: str | None = None


def list_models(root: str | Path) -> list[ModelInfo]:
    """The models in a directory, by name. What has no ``model.json``, or is hidden, is passed over.

    So not in a registry: what it has named is a model. One that cannot be used is listed with its problem.
    ModelError if the directory cannot be listed.
    """
    place = Path(root)
    try:
        candidates = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ModelError(
            f"cannot list the models in {place}: {error.strerror or error} "
            "(check the path, or make a model with `logguard train`)"
        ) from error
    named = NAME.fullmatch if is_registry(place) else lambda _: None
    return [_info(p) for p in candidates if (p / MANIFEST).is_file() or named(p.name)]


def describe(directory: str | Path) -> dict[str, Any]:
    """What a person wants to know of a model, as a flat JSON object; ModelError as in loading.

    The arrays are not read: ``verify_model`` says whether they are sound.
    """
    place = Path(directory)
    manifest = read_manifest(place)
    training = manifest.training
    return {
        "name": place.resolve().name,
        "version": manifest.version,
        "format": manifest.format,
        "training_start": training.start,
        "training_end": training.end,
        "training_events": training.events,
        "training_windows": training.windows,
        "training_digest": training.digest,
        "training_unusual_windows": training.unusual,
        "training_most_unusual": training.worst,
        "window_seconds": manifest.window_seconds,
        "slide_seconds": manifest.slide_seconds,
        "group_by": list(manifest.group_by),
        "groups": _names(manifest),
        "templates": len(manifest.templates),
        "features": len(manifest.features),
        "false_alarms_per_day": manifest.false_alarms_per_day,
        "certified_false_alarms_per_day": manifest.certified_false_alarms_per_day,
    }


def _info(path: Path) -> ModelInfo:
    try:
        manifest = read_manifest(path)
    except ModelError as error:
        return ModelInfo(path.name, problem=str(error))
    return ModelInfo(
        problem=next(iter(verify_model(path)), None),
        name=path.name,
        version=manifest.version,
        start=manifest.training.start,
        end=manifest.training.end,
        events=manifest.training.events,
        groups=len(_names(manifest)),
    )


def _names(manifest: Manifest) -> list[str]:
    return sorted(name for name in manifest.groups if name != WHOLE_STREAM)
