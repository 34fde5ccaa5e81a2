"""A model taken apart into what the directory holds, put together again, and held to its rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta

import numpy as np

from log_guard.adapters.models.arrays import misfits
from log_guard.adapters.models.manifest import (
    KIND,
    DensityEntry,
    Manifest,
    ScalesEntry,
    TextEntry,
    TrainingEntry,
)
from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.keys import code_groups, code_templates
from log_guard.core.baseline.table import Table
from log_guard.core.detectors.density import InductiveDBSCAN
from log_guard.core.events import SECOND
from log_guard.core.features.text import TextModel
from log_guard.core.iso import iso
from log_guard.core.learning.calibration import certified_rate
from log_guard.core.learning.model import FORMAT_VERSION, Model, Scales, Training, version_of
from log_guard.core.windows import WHOLE, WHOLE_STREAM

Arrays = Mapping[str, np.ndarray]


def arrays_of(model: Model) -> dict[str, np.ndarray]:
    """All arrays of a model, under the names that their files have."""
    text, density = model.text, model.density
    return {
        **_table_arrays("keys", model.baseline.keys),
        **_table_arrays("statements", model.baseline.statements),
        **_table_arrays("volumes", model.baseline.volumes),
        **_table_arrays("groups", model.baseline.groups),
        "text.idf": text.idf,
        "text.components": text.components,
        "text.centres": text.centres,
        "text.cluster_share": text.cluster_share,
        "text.cluster_spread": text.cluster_spread,
        "text.known_share": text.known_share,
        "density.mean": density.mean_,
        "density.scale": density.scale_,
        "density.core": density.core_,
        "density.core_labels": density.core_labels_,
        "density.labels": density.labels_,
    }


def manifest_of(model: Model, checksums: dict[str, str]) -> Manifest:
    """Everything else of a model; pydantic's ValidationError where a value makes no sense."""
    training = model.training
    return Manifest(
        kind=KIND,
        format=FORMAT_VERSION,
        version=model.version,
        window_seconds=model.window / SECOND,
        slide_seconds=model.slide / SECOND,
        group_by=model.group_by,
        false_alarms_per_day=model.false_alarms_per_day,
        certified_false_alarms_per_day=certified_rate(training.blocks, training.block / SECOND),
        training=TrainingEntry(
            start=iso(training.start),
            end=iso(training.end),
            events=training.events,
            windows=training.windows,
            blocks=training.blocks,
            block_seconds=training.block / SECOND,
            digest=training.digest,
            unusual=training.unusual,
            worst=None if training.worst is None else iso(training.worst),
        ),
        density=DensityEntry(eps=model.density.eps, min_samples=model.density.min_samples),
        scales=ScalesEntry(**asdict(model.scales)),
        features=model.features,
        groups=model.groups,
        templates=model.templates,
        text=TextEntry(
            terms=tuple(model.text.terms.tolist()), known=tuple(model.text.known.tolist())
        ),
        arrays=checksums,
    )


def model_of(manifest: Manifest, arrays: Arrays) -> Model:
    """The model of a manifest and its arrays, in which :func:`problems` has found none."""
    entry = manifest.training
    density = InductiveDBSCAN(manifest.density.eps, manifest.density.min_samples)
    density.mean_ = arrays["density.mean"]
    density.scale_ = arrays["density.scale"]
    density.core_ = arrays["density.core"]
    density.core_labels_ = arrays["density.core_labels"]
    density.labels_ = arrays["density.labels"]
    return Model(
        window=_microseconds(manifest.window_seconds),
        slide=_microseconds(manifest.slide_seconds),
        group_by=manifest.group_by,
        false_alarms_per_day=manifest.false_alarms_per_day,
        groups=manifest.groups,
        templates=manifest.templates,
        baseline=Baseline(
            keys=_table("keys", arrays),
            statements=_table("statements", arrays),
            volumes=_table("volumes", arrays),
            groups=_table("groups", arrays),
        ),
        scales=Scales(**manifest.scales.model_dump()),
        text=TextModel(
            terms=np.array(manifest.text.terms),
            idf=arrays["text.idf"],
            components=arrays["text.components"],
            centres=arrays["text.centres"],
            cluster_share=arrays["text.cluster_share"],
            cluster_spread=arrays["text.cluster_spread"],
            known=np.array(manifest.text.known),
            known_share=arrays["text.known_share"],
        ),
        density=density,
        training=Training(
            start=_time_of(entry.start),
            end=_time_of(entry.end),
            events=entry.events,
            windows=entry.windows,
            digest=entry.digest,
            blocks=entry.blocks,
            block=_microseconds(entry.block_seconds),
            unusual=entry.unusual,
            worst=None if entry.worst is None else _time_of(entry.worst),
        ),
        features=manifest.features,
    )


def _table_arrays(name: str, table: Table) -> dict[str, np.ndarray]:
    return {f"baseline.{name}.{f.name}": getattr(table, f.name) for f in fields(table)}


def _table(name: str, arrays: Arrays) -> Table:
    return Table(**{f.name: arrays[f"baseline.{name}.{f.name}"] for f in fields(Table)})


def problems(manifest: Manifest, arrays: Arrays) -> list[str]:
    """Whatever would make scoring fail or lie, a sentence each; empty if the model is sound."""
    text = manifest.text
    shapes = misfits(arrays, {"terms": len(text.terms), "known": len(text.known)})
    # What numbers mean is asked only where there are as many as there should be.
    return [*_manifest_problems(manifest), *(shapes or _array_problems(manifest, arrays))]


def _manifest_problems(manifest: Manifest) -> Iterator[str]:
    if _microseconds(manifest.window_seconds) % max(_microseconds(manifest.slide_seconds), 1):
        yield "the window is no multiple of the slide"
    scales = Scales(**manifest.scales.model_dump())
    digest = manifest.training.digest
    # Of the same events there may be several models; they once had the same version.
    if manifest.version not in (
        version_of(digest, manifest.false_alarms_per_day, scales),
        digest[:12],
    ):
        yield "its version is not that of its training"
    try:
        if _time_of(manifest.training.start) > _time_of(manifest.training.end):
            yield "the training ends before it starts"
    except (ValueError, TypeError):
        yield "the training's start or end is no ISO 8601 time"
    if manifest.groups[WHOLE : WHOLE + 1] != (WHOLE_STREAM,):
        yield f"the first group is not {WHOLE_STREAM}"
    words = {
        "groups": manifest.groups,
        "templates": manifest.templates,
        "terms": manifest.text.terms,
    }
    for name, values in words.items():
        if len(set(values)) < len(values):
            yield f"two of its {name} are equal"
    if not manifest.text.terms or not manifest.text.known:
        yield "it knows no text"
    if list(manifest.text.known) != sorted(set(manifest.text.known)):
        yield "the known templates are not sorted"


def _array_problems(manifest: Manifest, arrays: Arrays) -> Iterator[str]:
    # Tables are looked up by bisection, which finds nothing in ids that are out of order.
    for table in ("keys", "statements", "volumes", "groups"):
        name = f"baseline.{table}.ids"
        ids = arrays[name]
        if not (ids[:-1] < ids[1:]).all() or (ids < 0).any():
            yield f"{name} is not in ascending order from 0"
    codes = {name: arrays[f"baseline.{name}.ids"] for name in ("keys", "statements", "volumes")}
    groups = [*map(code_groups, codes.values()), arrays["baseline.groups.ids"]]
    if any((ids >= len(manifest.groups)).any() for ids in groups):
        yield "the baseline names groups that there are not"
    if (code_templates(codes["keys"]) >= len(manifest.templates)).any():
        yield "the baseline names templates that there are not"
    if not len(arrays["text.centres"]):
        yield "text.centres is empty"
    for name in ("density.scale", "text.known_share"):
        if not (arrays[name] > 0).all():
            yield f"{name} holds numbers that are not positive"


def _time_of(text: str) -> int:
    """ISO 8601 → microseconds since 1970 UTC: the inverse of ``log_guard.core.results.iso``."""
    since = datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


def _microseconds(seconds: float) -> int:
    return round(seconds * SECOND)
