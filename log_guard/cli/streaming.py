"""The commands on Kafka. They are made when one of them is asked for: pydantic takes its time."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import Annotated, Any

import typer

from log_guard.app.settings import Settings
from log_guard.cli.options import Format, Output
from log_guard.cli.settings_options import with_settings
from log_guard.cli.terminal import console
from log_guard.errors import OptionError

Partitions = Annotated[int, typer.Option(help="Partitions of the topics that are shared.", min=1)]
Replication = Annotated[int, typer.Option(help="Replicas of each topic.", min=1)]


class Listing(StrEnum):
    """How the settings are printed."""

    toml = "toml"
    json = "json"


@with_settings("Kafka", "Windows", "Input", "Logging")
def summarise(settings: Settings) -> None:
    """Turn log events into summaries. Run as many of these as the load asks for."""
    deployment = _start(settings)
    _run([deployment.summarise()])


@with_settings("Kafka", "Windows", "Detection", "Logging")
def detect(settings: Settings) -> None:
    """Judge windows and publish results. One works, others stand by."""
    _refuse_run(settings)
    deployment = _start(settings)
    _run([deployment.detect()])


@with_settings("Kafka", "Input", "Database", "Logging")
def write(settings: Settings) -> None:
    """Write results, alerts, accounts and dead letters to the database."""
    deployment = _start(settings)
    _run(deployment.writers())


@with_settings("Kafka", "Windows", "Detection", "Input", "Database", "Logging")
def process(
    settings: Settings,
    origins: dict[str, str],
    also_write: Annotated[
        bool, typer.Option("--write", help="Write to the database too (the --db options).")
    ] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Score a past span again: from ...")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="... to; needs --run NAME.")
    ] = None,
) -> None:
    """Summarise and detect in one process; with --write also write to the database.

    With --from and --to a past span is scored again from its summaries, and the results are
    published beside the live ones under the name that --run gives them.
    """
    if start is None and end is None:
        _refuse_run(settings)
    deployment = _start(settings)
    if not also_write:
        _tell_unused(origins)
    if start is not None or end is not None:
        from log_guard.app.rescoring import rescore

        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # half a re-scoring is no success
        published = rescore(deployment, start, end)
        console().print(f"published {published:,} results of run {settings.run}", markup=False)
        return
    roles: list[Any] = [deployment.summarise(), deployment.detect()]
    if also_write:
        roles += deployment.writers()
    _run(roles)


@with_settings("Kafka")
def topics_create(
    settings: Settings, partitions: Partitions = 4, replication: Replication = 1
) -> None:
    """Create the topics that are missing."""
    from log_guard.adapters.kafka.topics import create

    deployment = _deployment(settings)
    made = create(deployment.cluster(), deployment.topics(partitions), replication)
    for name in made:
        console().print(f"created topic {name}", markup=False)
    if not made:
        console().print("all topics are there")


@with_settings("Kafka")
def topics_check(
    settings: Settings,
    partitions: Annotated[
        int | None, typer.Option(help="Partitions of shared topics to expect.", min=1)
    ] = None,
    replication: Annotated[int | None, typer.Option(help="Replicas to expect.", min=1)] = None,
) -> None:
    """Compare the topics with what they should be; exit 1 if they differ."""
    from log_guard.adapters.kafka.topics import differences

    deployment = _deployment(settings)
    found = differences(deployment.cluster(), deployment.topics(partitions), replication)
    _tell(found, "all topics are as they should be")


@with_settings("Database", "Logging")
def db_upgrade(settings: Settings) -> None:
    """Create or upgrade the tables; rows are kept."""
    deployment = _start(settings)
    with deployment.store(upgrade=True) as store:
        for note in store.notes:
            console().print(
                f"not offered by this edition, `logguard db maintain` does it: {note}",
                markup=False,
            )
        console().print("the database is up to date")
        console().print(
            "run `logguard db maintain` once an hour or a day: else accounts, alerts and dead letters pile up",
            markup=False,
        )


@with_settings("Database", "Logging")
def db_check(settings: Settings) -> None:
    """Compare the tables with what this version needs; exit 1 if they differ."""
    deployment = _start(settings)
    from log_guard.adapters.store import check_database

    _tell(check_database(deployment.database_url()), "the database is as it should be")


@with_settings("Database", "Logging")
def db_maintain(settings: Settings) -> None:
    """Roll up by the hour, drop what is older than 30 days, merge older accounts; run it once an hour or a day."""
    from datetime import UTC, datetime

    deployment = _start(settings)
    with deployment.store() as store:
        for line in store.maintain(datetime.now(UTC)):
            console().print(line, markup=False)


@with_settings("Kafka", "Windows", "Detection", "Input", "Database", "Logging")
def audit(
    settings: Settings,
    recount: Annotated[
        bool, typer.Option("--recount", help="Read the events again, and count them.")
    ] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Rows from this window start on.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Rows before this window start.")
    ] = None,
    output: Format = Output.text,
) -> None:
    """Hold Kafka's offsets, the accounts and the rows against one another; exit 1 if they differ."""
    from log_guard.app.audit.auditing import audit as run_audit
    from log_guard.app.audit.showing import show

    deployment = _start(settings)
    outcome = run_audit(deployment, recount=recount, start=start, end=end)
    show(outcome, console(), as_json=output is Output.json)
    if not outcome.complete:
        raise typer.Exit(1)


@with_settings("Kafka", "Windows", "Input", "Database", "Logging")
def lines(
    settings: Settings,
    result: Annotated[
        str, typer.Argument(metavar="SERVICE@WINDOW_START", help="e.g. api@2026-01-31T12:00:00Z")
    ],
) -> None:
    """Print the raw lines behind a result, read again from the topic of the log events."""
    from log_guard.app.lines import raw_lines

    deployment = _start(settings)
    for where, raw in raw_lines(deployment, result):
        console().print(f"{where}: {raw}", markup=False)


@with_settings("Kafka", "Windows", "Detection", "Input", "Database", "Logging")
def config_show(
    settings: Settings,
    origins: dict[str, str],
    output: Annotated[Listing, typer.Option("--format")] = Listing.toml,
) -> None:
    """Print the effective settings and where each is from; secrets are hidden."""
    _tell_unknown_variables()
    shown = settings.shown()
    if output is Listing.json:
        console().print_json(data={n: {"value": v, "from": origins[n]} for n, v in shown.items()})
        return
    import tomlkit

    document = tomlkit.document()
    for name, value in shown.items():
        document.add(name, tomlkit.item(value).comment(origins[name]))
    console().print(tomlkit.dumps(document), markup=False, end="")


def _deployment(settings: Settings) -> Any:
    """For a command that says what it has to say, and keeps no log."""
    from log_guard.app.deployment import Deployment

    _tell_unknown_variables()
    return Deployment(settings)


def _start(settings: Settings) -> Any:
    import structlog

    from log_guard.app.deployment import Deployment
    from log_guard.app.logs import set_up_logs
    from log_guard.app.settings_loading import unknown_variables

    set_up_logs(settings.log_level, settings.log_format, instance=settings.instance_name)
    for name, meant in unknown_variables().items():
        about = {"meant": meant} if meant else {}
        structlog.get_logger().warning("variable is no setting", variable=name, **about)
    return Deployment(settings)


def _tell_unknown_variables() -> None:
    """What is misspelt in the environment is without effect: somebody should hear of it."""
    from log_guard.app.settings_loading import unknown_variables

    for name, meant in unknown_variables().items():
        hint = f"; is {meant} meant?" if meant else "; see `logguard config show`"
        typer.echo(f"logguard: {name}: no such setting{hint}", err=True)


def _refuse_run(settings: Settings) -> None:
    """Live results under another name would be missing among the live ones for ever."""
    if settings.run:
        raise OptionError(
            f"--run {settings.run} (LOGGUARD_RUN) is for a past span: give --from and --to, or leave it out"
        )


def _tell_unused(origins: dict[str, str]) -> None:
    """Options of the database that were given to a process that does not write; variables and files serve many."""
    import structlog

    from log_guard.app.settings import option, section
    from log_guard.app.settings_loading import COMMAND_LINE

    given = [n for n, o in origins.items() if section(n) == "Database" and o == COMMAND_LINE]
    if given:
        structlog.get_logger().warning(
            "the --db options apply only with --write", options=" ".join(map(option, given))
        )


def _run(roles: list[Any]) -> None:
    from log_guard.app.process import run_roles

    raise typer.Exit(run_roles(roles))


def _tell(found: list[str], fine: str) -> None:
    for line in found:
        console().print(line, markup=False)
    if found:
        raise typer.Exit(1)
    console().print(fine)
