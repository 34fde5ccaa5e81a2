"""``logguard suppress`` and ``label``: a person's word on alerts, in a file that others review."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from log_guard.cli.options import a_time
from log_guard.errors import OptionError

File = Annotated[
    Path, typer.Option("--feedback", metavar="FILE", help="The file; it is made if there is none.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; others will read it.")]
Author = Annotated[str, typer.Option("--author", help="Who says so; you if not given.")]
Service = Annotated[str, typer.Option("--service", help="Only in this service.")]


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container, a user may have a number and no name
        raise OptionError("--author NAME: say who you are, for this user has no name") from None


def _say_redacted(feedback: Path, names: list[str]) -> None:
    for name in names:
        typer.echo(
            f"{feedback}: a secret in the {name} is not written down, <secret> stands for it"
        )


class Verdict(StrEnum):
    """What an alert was."""

    real = "real"
    noise = "noise"


def suppress(
    reason: Reason,
    template: Annotated[
        str, typer.Option("--template", help="The template, as an alert shows it.")
    ] = "",
    matches: Annotated[
        str,
        typer.Option("--matches", metavar="REGEX", help="Or all templates in which this is found."),
    ] = "",
    service: Service = "",
    level: Annotated[str, typer.Option("--level", help="Only at this level.")] = "",
    days: Annotated[int, typer.Option("--days", help="It expires after so many days.", min=1)] = 90,
    author: Author = "",
    feedback: File = Path("feedback.toml"),
) -> None:
    """Say that a message is fine: no window is abnormal for it.

    Writes an entry with reason, author and expiry. What else happens in the same window is judged as
    before. Whether it fits any message, `logguard try FILE --feedback feedback.toml` says at its end.
    """
    from log_guard.adapters.feedback import add_entry, standing
    from log_guard.app.rendering import moment

    if bool(template) == bool(matches):
        raise OptionError("say which messages: either --template TEXT or --matches REGEX")
    now = datetime.now(UTC).replace(microsecond=0)
    entry = {
        "template": template,
        "matches": matches,
        "service": service,
        "level": level,
        "reason": reason,
        "author": author or _me(),
        "created": now,
        "expires": now + timedelta(days=days),
    }
    already = standing(feedback, entry)
    if already is not None:
        typer.echo(
            f"{feedback}: nothing written, for it is suppressed already, until {moment(already.until)[:10]} by "
            f"{already.author}: {already.reason} (to prolong it, change expires in the file)"
        )
        return
    _say_redacted(feedback, add_entry(feedback, "suppression", entry))
    typer.echo(f"{feedback}: suppressed until {entry['expires']:%Y-%m-%d}; use it with --feedback")


def label(
    verdict: Annotated[str, typer.Argument(metavar="real|noise", help="What it was.")],
    start: Annotated[
        datetime,
        typer.Option(
            "--from", metavar="TIME", parser=a_time, help="Its start (UTC unless it names a zone)."
        ),
    ],
    end: Annotated[
        datetime, typer.Option("--to", metavar="TIME", parser=a_time, help="Its end, likewise.")
    ],
    reason: Reason,
    service: Service = "",
    author: Author = "",
    feedback: File = Path("feedback.toml"),
) -> None:
    """Say what an alert was: real incidents are not learnt from.

    A span labelled real does not teach what is normal; one labelled noise does.
    """
    from log_guard.adapters.feedback import add_entry

    if verdict not in list(Verdict):
        raise OptionError(f"label {verdict!r}: write real (an incident) or noise (a false alarm)")
    if end <= start:
        raise OptionError("--to must be later than --from")
    entry = {
        "verdict": verdict,
        "start": start.astimezone(UTC),
        "end": end.astimezone(UTC),
        "service": service,
        "reason": reason,
        "author": author or _me(),
    }
    _say_redacted(feedback, add_entry(feedback, "label", entry))
    typer.echo(f"{feedback}: labelled {verdict}; use it with --feedback")
    if verdict == Verdict.noise:
        typer.echo("a label teaches and measures; to silence a message, use logguard suppress")
