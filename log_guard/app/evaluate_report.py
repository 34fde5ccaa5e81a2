"""``logguard evaluate``: the table of figures, a column a detector, the rule beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from log_guard.adapters.files import FileSource
from log_guard.app.effects_report import effect_rows, print_effects
from log_guard.app.evaluate_each import Trial, evaluate_each
from log_guard.app.evaluating import Evaluated
from log_guard.app.rendering import plain_table
from log_guard.app.without_each import readings
from log_guard.core.evaluation.evaluation import BUDGETS, Evaluation, Measured
from log_guard.core.evaluation.outcomes import TemplateOutcome
from log_guard.core.evidence.words import describe
from log_guard.errors import DetectorError

RULE = "rule"
LEGEND = (
    "quiet: outside of all incidents, of the minute after each, and of spans to ignore",
    "found: a window that ends in the incident is alarmed; delay: until the first that is",
    "at <= N false/h: at the threshold that leaves so many false alarms an hour",
    "false alarms: alarmed windows in quiet time; those in a row count once every 5 minutes",
    "alerts: alarmed windows in a row are one alert. One that begins in quiet time and goes on into an",
    "  incident is not in quiet time only, though its first windows are false alarms",
    "precision, recall, F1: of slots of 30 s, those that touch an incident being the right ones",
    f"{RULE}: count the ERROR and FATAL events of all services in a window",
)
"""What the rows mean, for who has read nothing else; a line each, of at most 100 characters."""
TEMPLATES_SHOWN = 5


def run_evaluation(
    trial: Trial,
    detectors: Sequence[str],
    plot: Path | None,
    as_json: bool,
    console: Console,
    errors: Console,
) -> list[Evaluated]:
    """Evaluate and print; raises OptionError where a plot was asked for that cannot be drawn.

    DetectorError, below the figures of the others, where a detector fails.
    """
    if plot is not None:
        from log_guard.app.evaluate_plot import check_plot

        check_plot(plot)
    total = FileSource(trial.events).total_bytes
    if total is not None:
        total *= 1 + readings(trial.options.detect.feedback.suppressions)
    several = len(detectors) > 1
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("judging", total=None if several else total)

        def show(name: str, read: int) -> None:
            which = f"judging: {name}"
            if several:
                which += f" ({detectors.index(name) + 1} of {len(detectors)})"
                if not errors.is_terminal:
                    errors.print(Text(which))
            bar.update(task, completed=read, description=which)

        done, failed = evaluate_each(trial, detectors, show)
    for remark in done[0].remarks if done else ():  # the others say the same
        errors.print(Text(remark), soft_wrap=True)
    if as_json:
        for one in done:
            for row in _rows(one):
                console.print(Text(json.dumps(row)), soft_wrap=True)
    elif done:
        _print(console, done, trial)
    if plot is not None and done:
        from log_guard.app.evaluate_plot import draw

        draw(done, plot)
    if failed:
        raise DetectorError("; ".join(map(str, failed)))
    return done


def _rows(done: Evaluated) -> Iterator[dict[str, object]]:
    yield _as_dict(done)
    for row in effect_rows(done.effects):
        yield {**row, "detector": done.detector}


def _as_dict(done: Evaluated) -> dict[str, object]:
    figures = asdict(done.evaluation)
    figures["budgets"] = {str(k): v for k, v in figures["budgets"].items()}
    alerts = asdict(done.alerts)
    return {
        "kind": "evaluation",
        "detector": done.detector,
        **figures,
        "promise": {**asdict(done.promise), "kept": done.promise.kept},
        "bar": {
            "average_precision": done.bar.average_precision,
            "budgets": {str(k): asdict(v) for k, v in done.bar.budgets.items()},
        },
        "clusters": done.clusters,
        "noise": done.noise,
        "alerts": alerts.pop("alerts"),
        "alerts_real": alerts["real"],
        "alerts_false": alerts["false"],
        "alerts_per_incident": alerts["per_incident"],
        "templates": [{**asdict(t), "precision": t.precision} for t in done.alerts.templates],
        "seconds": done.seconds,
        "megabytes": done.megabytes,
        "remark": "; ".join(done.remarks) or None,
    }


def _print(console: Console, done: Sequence[Evaluated], trial: Trial) -> None:
    first = done[0].evaluation
    per_day = trial.options.detect.false_alarms_per_day
    of = first.as_configured.of
    head = f"{first.name}: {of} {'incident' if of == 1 else 'incidents'}, {first.quiet_hours:g} quiet hours"
    console.print(Text(head, style="bold"))
    promise = done[0].promise
    console.print(
        Text(
            f"promise: {per_day:g} false alarms a day, so {promise.expected:.2g} in these quiet hours; "
            f"more than {promise.most} breaks it (95 %)"
        )
    )
    table = plain_table("", *_columns([one.detector for one in done]), RULE)
    for name, figure in _FIGURES:
        shown = f"{name} (promise: <= {promise.most})" if figure is _false_alarms else name
        table.add_row(shown, *(figure(one) for one in done), _of_rule(name, done[0].bar))
    console.print(table)
    for line in LEGEND:
        console.print(Text(line, style="dim"), soft_wrap=True)
    clusters = f"reference clusters in the history: {done[0].clusters}, noise {done[0].noise:.2%}"
    console.print(Text(clusters))
    for one in done:
        _print_templates(console, one)
        if one.effects:
            head = f"\n{one.detector}: what each suppression saves, and which incidents it hides"
            console.print(Text(head, style="bold"))
            print_effects(one.effects, console)


def _columns(detectors: Sequence[str]) -> list[str]:
    """The last part of each import path, or all of it where two would be called the same."""
    short = [name.rpartition(".")[2] for name in detectors]
    return [
        last if short.count(last) == 1 else name
        for last, name in zip(short, detectors, strict=True)
    ]


def _print_templates(console: Console, done: Evaluated) -> None:
    templates = done.alerts.templates
    if not templates:
        return
    console.print(Text(f"\n{done.detector}: what raised its alerts", style="bold"))
    console.print(template_table(templates, TEMPLATES_SHOWN))
    if len(templates) > TEMPLATES_SHOWN:
        console.print(Text(f"and {len(templates) - TEMPLATES_SHOWN} more (--format json)"))


def template_table(templates: Sequence[TemplateOutcome], most: int) -> Table:
    """What leads alerts, and how many of them were real."""
    table = plain_table("alerts", "real", "false", "precision", "led by")
    for one in templates[:most]:
        table.add_row(str(one.alerts), str(one.real), str(one.false), _share(one), Text(_name(one)))
    return table


def _share(one: TemplateOutcome) -> str:
    return "-" if one.precision is None else f"{one.precision:.2f}"


def _name(one: TemplateOutcome) -> str:
    return describe(one.level, one.template)


Figure = Callable[[Evaluated], str]


def _found(m: Measured) -> str:
    return f"{m.found}/{m.of}" if m.of else "-"


def _delays(m: Measured) -> str:
    if m.median_delay is None:
        return "-"
    return f"{m.median_delay:g}, {m.p90_delay:g}"


def _within(budget: float) -> tuple[str, Figure]:
    return _budget_name(budget), lambda e: _found(e.evaluation.budgets[budget])


def _budget_name(budget: float) -> str:
    return f"found at <= {budget:g} false/h"


def _of_incidents(figure: Callable[[Evaluated], float], digits: int = 3) -> Figure:
    """A figure that means nothing where there is no incident."""
    return lambda e: f"{figure(e):.{digits}f}" if e.evaluation.as_configured.of else "-"


def _false_alarms(e: Evaluated) -> str:
    return str(e.promise.observed) + ("" if e.promise.kept else " (broken)")


def _megabytes(e: Evaluated) -> str:
    return "-" if e.megabytes is None else f"{e.megabytes:.0f}"


_AP = "average precision"
_BEST_DELAY = f"  delay at <= {BUDGETS[0]:g}/h: median, p90, s"

_FIGURES: list[tuple[str, Figure]] = [
    *map(_within, BUDGETS),
    (_BEST_DELAY, lambda e: _delays(e.evaluation.budgets[BUDGETS[0]])),
    (_AP, _of_incidents(lambda e: e.evaluation.average_precision)),
    ("found as configured", lambda e: _found(e.evaluation.as_configured)),
    ("  false alarms", _false_alarms),
    ("  delay: median, p90, s", lambda e: _delays(e.evaluation.as_configured)),
    ("  precision of slots", _of_incidents(lambda e: e.evaluation.precision)),
    ("  recall", _of_incidents(lambda e: e.evaluation.recall)),
    ("  F1", _of_incidents(lambda e: e.evaluation.f1)),
    ("  alerts, of them in quiet time only", lambda e: f"{e.alerts.alerts}, {e.alerts.false}"),
    ("  alerts an incident", _of_incidents(lambda e: e.alerts.per_incident, 2)),
    ("time, s", lambda e: f"{e.seconds:.1f}"),
    ("peak memory, MB", _megabytes),
]


def _of_rule(name: str, bar: Evaluation) -> str:
    for budget, measured in bar.budgets.items():
        if name == _budget_name(budget):
            return _found(measured)
    if name == _BEST_DELAY:
        return _delays(bar.budgets[BUDGETS[0]])
    if name != _AP:
        return ""
    return f"{bar.average_precision:.3f}" if bar.as_configured.of else "-"
