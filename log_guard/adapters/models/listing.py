"""What models there are, and what one is: read from the manifests alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from log_guard.adapters.models.content import time_of
from log_guard.adapters.models.manifest import Manifest, is_model, read_manifest
from log_guard.errors import ModelError


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One line of a list of models.

    name:        of its directory.
    start, end:  span of event time learnt from, µs.
    problem:     why it cannot be used, None if it can; the fields above are empty then.
    """

    name: str
    version: str = ""
    start: int = 0
    end: int = 0
    events: int = 0
    groups: tuple[str, ...] = ()
    problem: str | None = None


def list_models(root: str | Path) -> list[ModelInfo]:
    """The models in a directory, by name. Other directories, and hidden ones, are passed over.

    A model of another format or with other features, or with a changed manifest, is listed with its
    problem; its arrays are not looked at (``verify_model`` does). ModelError if the directory
    cannot be listed.
    """
    place = Path(root)
    try:
        candidates = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ModelError(
            f"cannot list the models in {place}: {error.strerror or error} "
            "(check the path, or make a model with `logguard train`)"
        ) from error
    return [_info(path) for path in candidates if is_model(path)]


def describe(directory: str | Path) -> dict[str, Any]:
    """What a person wants to know of a model, as a JSON object; ModelError as in ``load_model``.

    The arrays are not read: ``verify_model`` says whether they are sound.
    """
    place = Path(directory)
    manifest = read_manifest(place)
    shown = manifest.model_dump(
        mode="json", exclude={"kind", "features", "templates", "text", "arrays"}
    )
    return {
        "name": place.resolve().name,
        **shown,
        "features": len(manifest.features),
        "templates": len(manifest.templates),
        "terms": len(manifest.text.terms),
    }


def _info(path: Path) -> ModelInfo:
    try:
        manifest: Manifest = read_manifest(path)
        start, end = time_of(manifest.training.start), time_of(manifest.training.end)
    except ModelError as error:
        return ModelInfo(path.name, problem=str(error))
    return ModelInfo(
        name=path.name,
        version=manifest.version,
        start=start,
        end=end,
        events=manifest.training.events,
        groups=manifest.groups,
    )
