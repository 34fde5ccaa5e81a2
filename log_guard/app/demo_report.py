"""``logguard demo``: what is printed while it runs and at its end."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

from log_guard.app.demo import Scored, run_demo
from log_guard.app.pipeline import Output, PipelineOptions
from log_guard.app.rendering import accounts, moment, plain_table, print_alert
from log_guard.app.simulate import SimulationSpec
from log_guard.core.events import SECOND
from log_guard.errors import InputError

PROGRESS_STEP = 0.1
"""Without a terminal, a line is printed for each such share of the stream."""


def show_demo(spec: SimulationSpec, database: Path, console: Console, errors: Console) -> Scored:
    """Run the demo into a fresh SQLite file, printing alerts as they are resolved."""
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{database}: cannot be written ({error.strerror}); use --database FILE"
        ) from None
    console.print(
        Text(
            f"Simulating {spec.duration_s / 60:g} minutes of seven services, {spec.rate:g} events a second, seed {spec.seed}. "
            f"Learning from the first {spec.quiet_s / 60:g} minutes, judging the rest."
        )
    )
    told = 0.0
    terminal = errors.is_terminal
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=errors,
        transient=True,
        disable=not terminal,
    ) as bar:
        task = bar.add_task("simulating and judging", total=1.0)

        def show(out: Output, share: float) -> None:
            nonlocal told
            bar.update(task, completed=share)
            if not terminal and share >= told + PROGRESS_STEP:
                told = share
                errors.print(f"{share:4.0%} of the stream", highlight=False)
            for alert in out.alerts:
                if alert.state == "resolved":
                    print_alert(console, alert)

        scored = run_demo(spec, PipelineOptions(), database, show)
    _table(console, scored)
    console.print(
        Text(
            f"{scored.results:,} results are kept in {database} (SQLite; the next demo replaces it, --database FILE puts it "
            "elsewhere)"
        )
    )
    return scored


def _table(console: Console, scored: Scored) -> None:
    console.print()
    table = plain_table("injected", "when", "services", "found by", "delay")
    rows = [(i, a) for i, a in scored.found] + [(i, None) for i in scored.missed]
    for incident, alert in sorted(rows, key=lambda row: row[0].start):
        begin = int(incident.start.timestamp() * SECOND)
        names = ", ".join(incident.services)
        if alert is None:
            table.add_row(
                Text(incident.kind),
                moment(begin)[11:],
                Text(names),
                Text("missed", style="bold red"),
                "",
            )
        else:
            delay = max(0.0, (alert.opened - begin) / SECOND)
            table.add_row(
                Text(incident.kind),
                moment(begin)[11:],
                Text(names),
                f"alert {alert.id}",
                f"{delay:.0f} s",
            )
    for alert in scored.false_alarms:
        table.add_row(
            Text("nothing"),
            moment(alert.start)[11:],
            Text(alert.service),
            Text(f"false alarm {alert.id}", style="bold yellow"),
            "",
        )
    console.print(table)
    console.print()
    injected = len(scored.found) + len(scored.missed)
    console.print(
        Text(
            f"injected {injected}, found {len(scored.found)}, missed {len(scored.missed)}, false alarms {len(scored.false_alarms)}",
            style="bold",
        )
    )
    console.print(Text(accounts(scored.ledger, {})))
