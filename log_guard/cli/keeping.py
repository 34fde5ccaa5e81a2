"""``logguard summaries``: keep what a log comes to, for a fraction of its size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from log_guard.app.settings import Settings
from log_guard.cli import options as o
from log_guard.cli.settings_options import with_settings
from log_guard.cli.spread import spread

Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="A directory that is not there yet.")
]


@spread
def summaries_make(
    events: Annotated[str, typer.Argument(metavar="EVENTS", help="A log; - for standard input.")],
    out: Out,
    slide_seconds: o.Slide = 5,
    *,
    grouping: o.Grouping,
    reading: o.Reading,
) -> None:
    """Summarise a log: counts by service, level and template for every few seconds."""
    from log_guard.app.scan import keep_summaries

    options = o.Judging(window_seconds=slide_seconds, slide_seconds=slide_seconds).options(grouping)
    rows = keep_summaries(events, out, options, reading.options(grouping))
    typer.echo(f"{out}: {rows:,} counts")


@with_settings("Kafka", "Windows", "Input", "Logging")
def summaries_fetch(
    settings: Settings,
    out: Out,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this event time on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Before this event time.")
    ] = None,
) -> None:
    """Fetch the summaries that Kafka holds (30 days by default)."""
    from log_guard.app.deployment import Deployment
    from log_guard.app.keeping import fetch_summaries

    rows = fetch_summaries(Deployment(settings), out, start, end)
    typer.echo(f"{out}: {rows:,} counts")
