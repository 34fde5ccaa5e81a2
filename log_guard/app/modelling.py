"""``logguard train`` and ``models``: what is done with models, and what there is to say about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from log_guard.adapters.models import (
    Entry,
    Registry,
    describe,
    is_model,
    is_registry,
    list_models,
    verify_model,
)
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.remarks import unusual
from log_guard.app.rendering import moment, some
from log_guard.app.scan import check_windows, model_of, open_replay
from log_guard.app.summing import gather
from log_guard.core.evaluation.gate import Comparison, Showing, compare, in_common, services_of
from log_guard.core.learning.gathering import Gathering
from log_guard.core.learning.history import History
from log_guard.core.learning.model import Model
from log_guard.errors import InputError, ModelError, OptionError

_WIDTH = 32
"""Of the names of facts."""


@dataclass(frozen=True)
class Candidate:
    """A model that was kept in a registry.

    comparison:  with the one that was current; None where there was none, or nothing to compare.
    promoted:    whether it is the current one now.
    reasons:     why it would not be promoted of itself; empty where it would.
    dropped:     panes of the history that its bound has left out.
    unusual:     windows of the history that were not normal themselves, and ``worst`` (µs) the end of the
                 worst one.
    """

    name: str
    before: str | None
    comparison: Comparison | None
    promoted: bool
    reasons: tuple[str, ...] = ()
    dropped: int = 0
    unusual: int = 0
    worst: int | None = None


def learn(events: str, options: PipelineOptions, read: ReadOptions) -> tuple[Model, int]:
    """Learn a model from a log, or from summaries; also how many panes its bound has left out."""
    gathering = Gathering()
    model = model_of(gather(open_replay(events, options, read), gathering), options)
    return model, gathering.dropped


def learn_candidate(
    events: str,
    options: PipelineOptions,
    read: ReadOptions,
    registry: Registry,
    *,
    author: str,
    force: bool = False,
) -> Candidate:
    """Learn a model, keep it in the registry, and promote it unless it is worse than the current one.

    A model of quite other services is no better and no worse, and is not promoted either.

    force:  promote it all the same, and also where the two cannot be compared.
    """
    before = registry.current
    current = registry.load(before) if before is not None else None
    if current is not None and not force:
        _check_same(current, options)
    gathering = Gathering()
    history = gather(open_replay(events, options, read), gathering)
    model = model_of(history, options)
    name = registry.add(model)
    if name == before:
        return Candidate(name, before, None, promoted=False)
    comparison = None
    reasons: tuple[str, ...] = ()
    if current is not None:
        if in_common(history, current):
            comparison = _compared(history, options, current, force=force)
            reasons = comparison.reasons if comparison is not None else ()
        else:
            ours, theirs = (some(services_of(source)) for source in (history, current))
            reasons = (
                f"it has no service in common with the current one (it has {ours}, the current one {theirs}): "
                "the two cannot be compared (--service names the lines that name none)",
            )
    promoted = force or not reasons
    if not promoted:
        registry.refuse(name, time=now(), author=author, reason="; ".join(reasons))
    if promoted:
        reason = "first model" if current is None else "not worse"
        if reasons:
            reason = f"forced although {'; '.join(reasons)}"
        elif current is not None and comparison is None:
            reason = "forced without a comparison"
        registry.promote(name, time=now(), author=author, reason=reason)
    found = model.training
    return Candidate(
        name,
        before,
        comparison,
        promoted,
        reasons,
        gathering.dropped,
        found.unusual,
        found.worst,
    )


def _compared(
    history: History, options: PipelineOptions, current: Model, *, force: bool
) -> Comparison | None:
    """The comparison; None where none is possible and none is asked for."""
    if (options.window.window, options.window.slide) != (current.window, current.slide):
        return None  # forced: otherwise this was refused before anything was read
    try:
        return compare(history, options.window, current, options.detect)
    except InputError:
        if not force:
            raise
        return None


def _check_same(current: Model, options: PipelineOptions) -> None:
    try:
        check_windows(current, options)
    except OptionError as error:
        raise OptionError(
            f"the current {str(error).removeprefix('the ')}; or use --force to promote without a comparison"
        ) from None


def now() -> str:
    """This moment, as the history of a registry has it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def candidate_lines(candidate: Candidate) -> Iterator[str]:
    """What became of a candidate, and why."""
    done = candidate.comparison
    if candidate.dropped:
        yield dropped_line(candidate.dropped)
    if candidate.worst is not None:
        yield unusual(
            candidate.unusual,
            moment(candidate.worst),
            "the history",
            "the trouble in it was not learnt",
        )
    if done is not None:
        yield (
            f"held out: {done.hours:.1f} h from {moment(done.held_out)}"
            + (", of which the current model has seen a part" if done.seen else "")
        )
        yield f"{'':<34}{'candidate':<18}current"
        rows = {
            "labelled incidents found": lambda s: f"{s.found}/{s.real}",
            "alerts on labelled noise": lambda s: str(s.noise),
            "other alerts (promised, 95 %)": _others,
        }
        for name, figure in rows.items():
            yield f"{name:<34}{figure(done.candidate):<18}{figure(done.current)}"
        if done.candidate.others.observed < done.current.others.observed:
            yield "what the candidate no longer tells is noise, or trouble that it was taught: label what was real"
    if candidate.promoted:
        was = f" (was {candidate.before})" if candidate.before else ""
        yield f"promoted {candidate.name}{was}"
    elif candidate.name == candidate.before:
        yield f"{candidate.name} is what was learnt before, and is current"
    else:
        for reason in candidate.reasons:
            yield f"refused: {reason}"
        yield (
            f"{candidate.name} is kept but not promoted; {candidate.before} stays current "
            "(--force, or `logguard models promote`, overrides)"
        )


def dropped_line(panes: int) -> str:
    """Say that a history was longer than what is learnt from."""
    return f"longer than what can be learnt from: the first {panes:,} panes were left out"


def _others(showing: Showing) -> str:
    p = showing.others
    return f"{p.observed} ({p.expected:.2g}, <= {p.most})"


def model_lines(directory: Path) -> Iterator[str]:
    """Describe one model, a fact a line; of a registry, the current one."""
    if is_registry(directory):
        name = Registry(directory).current
        directory = directory / name if name is not None else directory
    directory = directory.resolve()
    for name, value in describe(directory).items():
        yield f"{name.replace('_', ' '):<{_WIDTH}}{_readable(value)}"
    if is_registry(directory.parent):
        current = Registry(directory.parent).current
        stands = "current" if current == directory.name else f"kept, not current ({current} is)"
        yield f"{'registry':<{_WIDTH}}{stands}"


def _readable(value: object) -> str:
    """A value of a description for people."""
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return some([str(v) for v in value], most=10)
    if isinstance(value, float):
        return f"{round(value, 2 if value >= 1 else 4):,g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def list_lines(root: Path) -> Iterator[str]:
    """List the models in a directory, one a line; of a registry also how the current one came to be.

    ModelError, below the models, where that cannot be read.
    """
    infos = list_models(root)
    registry = Registry(root)
    damaged: ModelError | None = None
    current: str | None = None
    history: tuple[Entry, ...] = ()
    try:
        current, history = registry.current, registry.history
    except ModelError as error:
        damaged = error
    refused = {e.model: e.reason if e.action == "refuse" else None for e in history}
    if not infos and damaged is None:
        if is_model(root):
            yield f"{root} is a model itself: see `logguard models show {root}`"
        else:
            yield f"no models in {root}"
    for info in infos:
        facts = f"  {info.version}  {info.start} to {info.end}  {info.events:,} events  {info.groups:,} groups"
        why = refused.get(info.name)
        yield (
            info.name
            + (facts if info.version else "")
            + ("  CURRENT" if info.name == current else "")
            + (f"  REFUSED: {why}" if why else "")
            + (f"  UNUSABLE: {info.problem}" if info.problem else "")
        )
    if current is not None and current not in {info.name for info in infos}:
        yield f"{current}  CURRENT  UNUSABLE: it {_gone(root)}"
    for entry in history:
        if entry.action != "refuse":  # said above
            why = f": {entry.reason}" if entry.reason else ""
            verb = {"promote": "promoted", "rollback": "rolled back to"}[entry.action]
            yield f"{entry.time}  {entry.author} {verb} {entry.model}{why}"
    if damaged is not None:
        raise damaged


def problems_of(directory: Path) -> list[str]:
    """All that is wrong with a model, or with a directory of models."""
    infos = [] if is_model(directory) or not directory.is_dir() else list_models(directory)
    if not infos and not is_registry(directory):
        return verify_model(directory)
    found = [problem for info in infos for problem in verify_model(directory / info.name)]
    try:
        current = Registry(directory).current
    except ModelError as error:
        return [*found, str(error)]
    if current is not None and current not in {info.name for info in infos}:
        found.append(f"{directory / current}, which is current, {_gone(directory)}")
    return found


def _gone(registry: Path) -> str:
    return f"is gone: restore it from a copy, or promote another (`logguard models promote {registry} MODEL`)"
