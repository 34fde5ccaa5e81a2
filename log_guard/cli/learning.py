"""``logguard train`` and ``models``: commands about models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from log_guard.cli import options as o

FAILURE = 1


def train(
    events: Annotated[
        str, typer.Argument(metavar="EVENTS", help="A log to learn from, all of it.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model goes.")],
    window_seconds: o.Window = 30,
    slide_seconds: o.Slide = 5,
    false_alarms_per_day: o.Budget = 2.0,
    group_by: o.GroupBy = "service",
    feedback: o.FeedbackFile = None,
    mask: o.Mask = None,
    input_format: o.FormatIn = None,
    service: o.Service = None,
    timezone: o.Zone = "UTC",
    year: o.Year = None,
    timestamp_field: o.TimestampField = "",
    level_field: o.LevelField = "",
    service_field: o.ServiceField = "",
    message_field: o.MessageField = "",
) -> None:
    """Learn what is normal from a log and write it down as a model."""
    from log_guard.adapters.models import save_model
    from log_guard.app.modelling import model_lines
    from log_guard.app.scan import learn_model

    options = o.make_options(
        window_seconds,
        slide_seconds,
        "fusion",
        false_alarms_per_day,
        group_by,
        mask,
        None,
        feedback=feedback,
    )
    read = o.make_read_options(
        input_format,
        service,
        timezone,
        timestamp_field,
        level_field,
        service_field,
        message_field,
        group_by,
        year,
    )
    save_model(learn_model(events, options, read), out)
    for line in model_lines(out):
        typer.echo(line)


def models_list(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A directory that holds model directories.")
    ] = Path(),
) -> None:
    """List the models in a directory."""
    from log_guard.app.modelling import list_lines

    for line in list_lines(directory):
        typer.echo(line)


def models_show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")],
) -> None:
    """Show what a model was learnt from."""
    from log_guard.app.modelling import model_lines

    for line in model_lines(directory):
        typer.echo(line)


def models_verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")],
) -> None:
    """Check that a model is whole and fits this version; exits with 1 if not."""
    from log_guard.adapters.models import verify_model

    problems = verify_model(directory)
    for problem in problems:
        typer.echo(f"logguard: {problem}", err=True)
    if problems:
        raise typer.Exit(FAILURE)
    typer.echo(f"{directory}: sound")
