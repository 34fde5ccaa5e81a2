"""All commands by their names, and how they end: what exit code, and with what line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import log_guard
from log_guard.cli import INTERRUPTED, feedback, judging, learning, simulating, whatif
from log_guard.errors import LogGuardError, OptionError

FAILURE, USAGE = 1, 2
CLOSED_PIPE = 141
"""As a shell has it of a program that the closed pipe has ended: 128 + SIGPIPE."""
EPILOG = "Exit codes: 0 done, 1 failure, 2 usage, 3 anomalies found (with --exit-code)."


def _version(value: bool) -> None:
    if value:
        typer.echo(f"logguard {log_guard.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


class _Commands(TyperGroup):
    """The commands, which end quietly once their reader has seen enough (| head)."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command, and all of its output."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            # Here, for further out it is taken for a failure.
            _let_go_of_output()
            raise typer.Exit(CLOSED_PIPE) from None


def _build() -> typer.Typer:
    app = typer.Typer(
        cls=_Commands,
        name="logguard",
        help="Watches logs and says, within seconds, what is not normal, and why.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_root)
    app.command(
        "try",
        epilog=f"{judging.EXAMPLES}\n{EPILOG}",
        context_settings={"allow_extra_args": True},  # it says what to do with several logs
    )(judging.try_)
    app.command(epilog=EPILOG)(simulating.demo)
    app.command(epilog=EPILOG)(simulating.simulate)
    app.command(epilog=EPILOG)(learning.train)
    app.command(epilog=EPILOG)(judging.evaluate)
    app.command(epilog=EPILOG)(whatif.whatif)
    app.command(epilog=EPILOG)(feedback.suppress)
    app.command(epilog=EPILOG)(feedback.label)
    models = typer.Typer(
        help="Model directories, and which of several is the current one.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    models.command("list")(learning.models_list)
    models.command("show")(learning.models_show)
    models.command("verify")(learning.models_verify)
    models.command("promote")(learning.models_promote)
    models.command("rollback")(learning.models_rollback)
    app.add_typer(models, name="models")
    _add_streaming(app)
    return app


def _add_streaming(app: typer.Typer) -> None:
    from log_guard.cli import keeping, streaming

    for command in (streaming.process, streaming.summarise, streaming.detect, streaming.write):
        app.command(epilog=EPILOG)(command)
    app.command(epilog="Exit codes: 0 all accounted for, 1 not, 2 usage.")(streaming.audit)
    app.command(epilog=EPILOG)(streaming.lines)
    groups = {
        "topics": (
            "Kafka's topics.",
            {"create": streaming.topics_create, "check": streaming.topics_check},
        ),
        "db": (
            "The database.",
            {
                "upgrade": streaming.db_upgrade,
                "check": streaming.db_check,
                "maintain": streaming.db_maintain,
            },
        ),
        "config": ("The settings.", {"show": streaming.config_show}),
        "summaries": (
            "Summaries kept as files: to learn from and to replay, long after the log is gone.",
            {"make": keeping.summaries_make, "fetch": keeping.summaries_fetch},
        ),
    }
    for name, (text, commands) in groups.items():
        group = typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)
        for command_name, command in commands.items():
            group.command(command_name)(command)
        app.add_typer(group, name=name)


@contextmanager
def _errors_as_lines() -> Iterator[None]:
    try:
        yield
    except OptionError as error:
        typer.echo(f"logguard: {error}", err=True)
        sys.exit(USAGE)
    except LogGuardError as error:
        typer.echo(f"logguard: {error}", err=True)
        sys.exit(FAILURE)
    except OSError as error:
        # What LogGuard reads and writes by name has errors of its own; this is mostly the output.
        said = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        typer.echo(f"logguard: {said or error} (while reading or writing)", err=True)
        _let_go_of_output()
        sys.exit(FAILURE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _let_go_of_output() -> None:
    """Keep the interpreter from complaining, at exit, of an output that takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> None:
    """Run the command that the arguments name."""
    with _errors_as_lines():
        _build()()
