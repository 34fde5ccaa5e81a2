"""``logguard models`` and ``train``: what there is to say about models, in lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from log_guard.adapters.models import describe, list_models


def model_lines(directory: Path) -> Iterator[str]:
    """Describe one model, a fact a line."""
    for name, value in describe(directory).items():
        yield f"{name.replace('_', ' '):<24} {value}"


def list_lines(root: Path) -> Iterator[str]:
    """List the models in a directory, one a line."""
    infos = list_models(root)
    if not infos:
        yield f"no models in {root}"
    for info in infos:
        yield (
            f"{info.name}  {info.version}  {info.start} to {info.end}  {info.events} events  {info.groups} groups"
            + (f"  UNUSABLE: {info.problem}" if info.problem else "")
        )
