"""``logguard whatif``: the same events under other settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from log_guard.cli import options as o
from log_guard.cli.spread import spread
from log_guard.cli.terminal import console
from log_guard.errors import OptionError

if TYPE_CHECKING:
    from log_guard.app.whatif import Way

CHANGES = (
    *("detector", "false-alarms-per-day", "feedback", "model"),
    *("train-until", "window-seconds", "slide-seconds"),
)


@spread
def whatif(
    events: Annotated[
        str,
        typer.Argument(metavar="EVENTS", help="A log, or summaries (see 'logguard summaries')."),
    ],
    change: Annotated[
        list[str],
        typer.Option(
            "--change",
            metavar="NAME=VALUE",
            help=f"What would be otherwise: {', '.join(CHANGES)}. An empty value takes it away. Repeatable.",
        ),
    ],
    labels: Annotated[
        str | None,
        typer.Option("--labels", metavar="FILE", help="Known incidents, as 'evaluate' has them."),
    ] = None,
    train_until: Annotated[
        datetime | None,
        typer.Option(
            "--train-until",
            metavar="TIME",
            parser=o.a_time,
            help="Learn from what lies before this time (UTC unless it names a zone).",
        ),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="DIR", help="Judge by this model, or this registry."),
    ] = None,
    format: o.Format = o.Output.text,
    detector: o.DetectorName = "fusion",
    *,
    judging: o.Judging,
    grouping: o.Grouping,
    reading: o.Reading,
) -> None:
    """Judge the same events as now and with other settings: which alerts would go, which would come.

    Without --train-until or --model it learns from the first third of the events; of a log over 32 MB, as
    'try' does, from the first third of its time, which of kept summaries nobody can know.

    The options say how it is now, --change what would be otherwise. Of each suppression that would
    hold, it tells how many alerts it saves and whether it hides an incident (--labels, or spans that
    are labelled real in the feedback file).
    """
    from log_guard.app.labels_file import read_labels
    from log_guard.app.whatif import what_if
    from log_guard.app.whatif_report import print_whatif

    given: dict[str, object] = {
        "window-seconds": judging.window_seconds,
        "slide-seconds": judging.slide_seconds,
        "detector": detector,
        "false-alarms-per-day": judging.false_alarms_per_day,
        "train-until": train_until,
        "feedback": judging.feedback,
        "model": model,
    }
    changed = {**given, **_changes(change)}
    if changed["model"] and given["false-alarms-per-day"] != changed["false-alarms-per-day"]:
        raise OptionError(
            "the thresholds of a model were set when it was trained: leave out --model, "
            "or train another and use --change model=DIR"
        )
    now, then = (_way(values, grouping) for values in (given, changed))
    read = reading.options(grouping)
    incidents = read_labels(labels).incidents if labels is not None else ()
    done = what_if(events, now, then, read, incidents)
    print_whatif(done, console(), as_json=format is o.Output.json)


def _changes(texts: list[str]) -> dict[str, object]:
    changes: dict[str, object] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip().replace("_", "-")
        if not sign or name not in CHANGES:
            raise OptionError(f"--change {text}: give NAME=VALUE; names: {', '.join(CHANGES)}")
        changes[name] = _value(name, value.strip())
    return changes


def _value(name: str, value: str) -> object:
    try:
        if name in ("window-seconds", "slide-seconds", "false-alarms-per-day"):
            number = float(value)
            if not 0.001 <= number < 1e9:
                raise ValueError
            return number
        if name == "train-until":
            return o.in_utc(value) if value else None
    except ValueError:
        raise OptionError(f"--change {name}={value}: this is no value for it") from None
    if name == "detector":
        return value or "fusion"
    return Path(value) if value else None


def _way(values: dict[str, object], grouping: o.Grouping) -> Way:
    from log_guard.adapters.models import open_model
    from log_guard.app.whatif import Way

    until, feedback, model = values["train-until"], values["feedback"], values["model"]
    assert until is None or isinstance(until, datetime)
    assert feedback is None or isinstance(feedback, Path)
    judging = o.Judging(
        float(str(values["window-seconds"])),
        float(str(values["slide-seconds"])),
        float(str(values["false-alarms-per-day"])),
        feedback,
    )
    options = judging.options(grouping, str(values["detector"]), until)
    return Way(options, None if model is None else open_model(str(model)))
