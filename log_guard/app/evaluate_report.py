"""``logguard evaluate``: the table of figures."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from log_guard.adapters.files import FileSource
from log_guard.app.evaluating import Evaluated, evaluate_set, read_labels
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.rendering import measured_row, plain_table
from log_guard.errors import InputError

BAR_SHOWN = 0.1
"""False alarms an hour at which the rule is shown beside the detector."""


def run_evaluation(
    events: str,
    labels: str,
    options: PipelineOptions,
    read: ReadOptions,
    history: str | None,
    results: Path | None,
    as_json: bool,
    console: Console,
    errors: Console,
) -> Evaluated:
    """Evaluate and print."""
    truth = read_labels(labels)
    try:
        target = results.open("w", encoding="utf-8") if results is not None else nullcontext()
    except OSError as error:
        raise InputError(f"{results}: cannot be written ({error.strerror})") from None
    with (
        target as out,
        Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar,
    ):
        task = bar.add_task("judging", total=FileSource(events).total_bytes)
        done = evaluate_set(
            events,
            truth,
            options,
            read,
            history=history,
            results=out,
            progress=lambda n: bar.update(task, completed=n),
        )
    if as_json:
        console.print(Text(json.dumps(_as_dict(done, options))))
    else:
        _print(console, done, options)
    return done


def _as_dict(done: Evaluated, options: PipelineOptions) -> dict[str, object]:
    figures = asdict(done.evaluation)
    figures["budgets"] = {str(k): v for k, v in figures["budgets"].items()}
    return {
        "detector": options.detect.detector,
        **figures,
        "bar": {
            "average_precision": done.bar.average_precision,
            "budgets": {str(k): asdict(v) for k, v in done.bar.budgets.items()},
        },
        "clusters": done.clusters,
        "noise": done.noise,
        "alerts": done.alerts,
    }


def _print(console: Console, done: Evaluated, options: PipelineOptions) -> None:
    e = done.evaluation
    of = e.as_configured.of
    console.print(
        Text(
            f"{e.name}, {options.detect.detector}: {e.verdicts:,} verdicts, {of} incidents, {e.quiet_hours:g} quiet hours, AP {e.average_precision:.3f} (counting ERROR and FATAL: {done.bar.average_precision:.3f})",
            style="bold",
        )
    )
    table = plain_table("", "found", "false alarms", "median delay")
    table.add_row(*measured_row("as configured", e.as_configured))
    for budget, measured in e.budgets.items():
        table.add_row(*measured_row(f"best threshold at <= {budget:g}/h", measured))
    for budget, measured in done.bar.budgets.items():
        if budget <= BAR_SHOWN:
            table.add_row(*measured_row(f"counting ERROR and FATAL, <= {budget:g}/h", measured))
    console.print(table)
    console.print(
        Text(
            f"slots as configured: precision {e.precision:.3f}, recall {e.recall:.3f}, F1 {e.f1:.3f}; alerts opened: {done.alerts}"
        )
    )
    console.print(
        Text(f"reference clusters in the history: {done.clusters}, noise {done.noise:.2%}")
    )
