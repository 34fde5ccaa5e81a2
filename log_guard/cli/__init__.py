"""The command line. Commands are thin: they read options, call the app, and print.

Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from log_guard.cli import judging, learning, simulating
from log_guard.errors import LogGuardError, OptionError

FAILURE, USAGE = 1, 2
EPILOG = "Exit codes: 0 done, 1 failure, 2 usage, 3 anomalies found (with --exit-code)."


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"logguard {version('logguard')}")
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


def _build() -> typer.Typer:
    app = typer.Typer(
        name="logguard",
        help="Watches logs and says, within seconds, what is not normal, and why.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_root)
    app.command("try", epilog=f"{judging.EXAMPLES}\n{EPILOG}")(judging.try_)
    app.command(epilog=EPILOG)(simulating.demo)
    app.command(epilog=EPILOG)(simulating.simulate)
    app.command(epilog=EPILOG)(learning.train)
    app.command(epilog=EPILOG)(judging.evaluate)
    models = typer.Typer(
        help="Look at model directories.", no_args_is_help=True, rich_markup_mode=None
    )
    models.command("list")(learning.models_list)
    models.command("show")(learning.models_show)
    models.command("verify")(learning.models_verify)
    app.add_typer(models, name="models")
    return app


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
    except BrokenPipeError:
        # The reader has seen enough (| head); keep the interpreter from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    with _errors_as_lines():
        _build()()
