"""``logguard train`` and ``models``: commands about models."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from log_guard.cli import options as o
from log_guard.cli.spread import spread
from log_guard.errors import OptionError

FAILURE = 1

RegistryDir = Annotated[
    Path, typer.Argument(metavar="DIR", help="The registry: see 'logguard train --registry'.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept in the history.")]


@spread
def train(
    events: Annotated[
        str,
        typer.Argument(
            metavar="EVENTS",
            help="A log to learn from, all of it, or summaries (see 'logguard summaries').",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where the model goes; a model that is there is replaced, nothing else is.",
        ),
    ] = None,
    registry: Annotated[
        Path | None,
        typer.Option(
            "--registry",
            metavar="DIR",
            help="Keep it among others, and make it the current one unless it is worse.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Make it the current one even if it is worse.")
    ] = False,
    *,
    judging: o.Judging,
    grouping: o.Grouping,
    reading: o.Reading,
) -> None:
    """Learn what is normal from a log and write it down as a model.

    With --registry the model is compared with the current one: on the last quarter of the history, which
    is held out for that, and on what people have labelled (--feedback). A worse one is kept, but not
    promoted; the command then exits with 1.
    """
    from log_guard.adapters.models import Registry, is_model, save_model
    from log_guard.app.modelling import (
        candidate_lines,
        dropped_line,
        learn,
        learn_candidate,
        model_lines,
    )

    if out is None and registry is None:
        raise OptionError("say where the model goes: --out DIR, or --registry DIR")
    if out is not None and registry is not None:
        raise OptionError(
            "--out and --registry: use one of them (a registry's model directories can be named wherever one of --out can)"
        )
    options, read = judging.options(grouping), reading.options(grouping)
    if out is not None:
        model, dropped = learn(events, options, read)
        replaced = is_model(out)
        save_model(model, out)
        if dropped:
            typer.echo(dropped_line(dropped))
        if replaced:
            typer.echo(
                f"replaced the model that was in {out} (--registry DIR keeps models side by side)"
            )
        for line in model_lines(out):
            typer.echo(line)
        return
    assert registry is not None
    candidate = learn_candidate(
        events, options, read, Registry(registry), author=getpass.getuser(), force=force
    )
    for line in candidate_lines(candidate):
        typer.echo(line)
    if not candidate.promoted and candidate.name != candidate.before:
        raise typer.Exit(FAILURE)


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
    """Check that a model, or each in a directory, is whole and fits this version; exits with 1 if not."""
    from log_guard.app.modelling import problems_of

    problems = problems_of(directory)
    for problem in problems:
        typer.echo(f"logguard: {problem}", err=True)
    if problems:
        raise typer.Exit(FAILURE)
    typer.echo(f"{directory}: sound")


def models_promote(
    directory: RegistryDir,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="As 'models list' names it.")],
    reason: Reason = "",
) -> None:
    """Make a model of a registry the current one; running processors take it up."""
    from log_guard.adapters.models import Registry
    from log_guard.app.modelling import now

    before = Registry(directory).promote(name, time=now(), author=getpass.getuser(), reason=reason)
    typer.echo(f"promoted {name}" + (f" (was {before})" if before else ""))


def models_rollback(directory: RegistryDir, reason: Reason = "") -> None:
    """Go back to the model that was current before; twice goes back two steps."""
    from log_guard.adapters.models import Registry
    from log_guard.app.modelling import now

    name = Registry(directory).rollback(time=now(), author=getpass.getuser(), reason=reason)
    typer.echo(f"rolled back to {name}")
