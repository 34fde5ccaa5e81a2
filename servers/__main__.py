"""Start and stop servers by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from servers import DatabaseServer, KafkaServer, ServerError

SERVERS = {"kafka": KafkaServer, "database": DatabaseServer}


def main(verb: str, server: str, directory: Path) -> None:
    """VERB: start, stop or kill. SERVER: kafka or database. DIRECTORY: where its files live."""
    if server not in SERVERS or verb not in ("start", "stop", "kill"):
        raise typer.BadParameter("give start, stop or kill, then kafka or database")
    one = SERVERS[server](directory.resolve(), stays=True)
    try:
        said = getattr(one, verb)()
    except ServerError as e:
        typer.echo(str(e), err=True)
        sys.exit(1)
    if said:
        typer.echo(said)


if __name__ == "__main__":
    typer.run(main)
