"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from log_guard.errors import OptionError

if TYPE_CHECKING:
    from log_guard.app.inspecting import ReadOptions
    from log_guard.app.pipeline import PipelineOptions


class Output(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


def a_time(text: str) -> datetime:
    """The value of an option: ISO 8601, UTC where it names no zone."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time: write one as 2026-01-31T12:00:00Z"
        ) from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


Window = Annotated[float, typer.Option("--window-seconds", help="Length of a window.", min=1)]
Slide = Annotated[
    float, typer.Option("--slide-seconds", help="A window ends every so many seconds.", min=1)
]
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        help="fusion, novelty, surprise, reference, or an import path such as sklearn.ensemble.IsolationForest.",
    ),
]
DetectorNames = Annotated[
    list[str] | None,
    typer.Option(
        "--detector",
        help="fusion (the default), novelty, surprise, reference, or an import path such as "
        "sklearn.ensemble.IsolationForest. Repeatable.",
        show_default=False,
    ),
]
TIMES = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"]
"""How times are written in options."""
Budget = Annotated[
    float,
    typer.Option(
        "--false-alarms-per-day",
        help="False alerts to put up with, a day, over all services.",
        min=0.001,
    ),
]
GroupBy = Annotated[
    str,
    typer.Option(
        "--group-by",
        help="What gets windows of its own: service, JSON fields (service,host), or none.",
    ),
]
Mask = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        metavar="NAME=REGEX",
        help="Replace what matches by <NAME> in templates. Repeatable.",
    ),
]
FormatIn = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        help="json, cri, nginx, logfmt, syslog, plain or prefixed; recognised if not given.",
    ),
]
Service = Annotated[
    str | None,
    typer.Option(
        "--service", help="Name for lines that name no service; the file's name if not given."
    ),
]
Zone = Annotated[
    str, typer.Option("--timezone", help="IANA time zone of timestamps that have none.")
]
Year = Annotated[
    int | None,
    typer.Option(
        "--year",
        help="Year of the last line, where times name none; by the file's date if not given.",
        min=1971,
        max=2200,
    ),
]
TimestampField = Annotated[
    str, typer.Option("--timestamp-field", help="JSON field that holds the time, e.g. meta.when.")
]
LevelField = Annotated[str, typer.Option("--level-field", help="JSON field that holds the level.")]
ServiceField = Annotated[
    str, typer.Option("--service-field", help="JSON field that holds the service.")
]
MessageField = Annotated[
    str, typer.Option("--message-field", help="JSON field that holds the message.")
]
FeedbackFile = Annotated[
    Path | None,
    typer.Option(
        "--feedback",
        metavar="FILE",
        help="Suppressions and labels (see 'logguard suppress' and 'label').",
    ),
]
Format = Annotated[
    Output, typer.Option("--format", help="text for people, json for programs (one object a line).")
]


def make_options(
    window: float,
    slide: float,
    detector: str,
    budget: float,
    group_by: str,
    mask: list[str] | None,
    train_until: datetime | None,
    blank_level: bool = False,
    feedback: Path | None = None,
) -> PipelineOptions:
    """Turn command-line values into the settings of the line; raises OptionError."""
    from log_guard.adapters.feedback import read_feedback
    from log_guard.app.pipeline import PipelineOptions
    from log_guard.core.detect import DetectOptions
    from log_guard.core.events import SECOND
    from log_guard.core.feedback import Feedback
    from log_guard.core.masking import Masker
    from log_guard.core.windows import WindowSpec

    masks = []
    for text in mask or ():
        name, equals, pattern = text.partition("=")
        if not equals or not pattern:
            raise OptionError(f"--mask {text!r}: write NAME=REGEX")
        masks.append((name, pattern))
    until = None if train_until is None else int(train_until.timestamp() * SECOND)
    return PipelineOptions(
        window=WindowSpec(int(window * SECOND), int(slide * SECOND)),
        detect=DetectOptions(
            detector=detector,
            train_until=until,
            false_alarms_per_day=budget,
            group_by=_groups(group_by),
            feedback=Feedback() if feedback is None else read_feedback(feedback),
        ),
        masker=Masker(tuple(masks)),
        blank_level=blank_level,
    )


def _groups(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(part.strip() for part in text.split(",") if part.strip())


def make_read_options(
    input_format: str | None,
    service: str | None,
    timezone: str,
    timestamp: str,
    level: str,
    service_field: str,
    message: str,
    group_by: str,
    year: int | None = None,
) -> ReadOptions:
    """Turn command-line values into how to read; raises OptionError."""
    from zoneinfo import ZoneInfo

    from log_guard.app.inspecting import ReadOptions

    try:
        ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):  # KeyError: what zoneinfo raises for an unknown name
        raise OptionError(
            f"--timezone {timezone!r}: use an IANA name such as UTC or Europe/Berlin"
        ) from None
    return ReadOptions(
        input_format,
        service,
        timezone,
        timestamp,
        level,
        service_field,
        message,
        _groups(group_by),
        year,
        _say,
    )


def _say(text: str) -> None:
    typer.echo(f"logguard: {text}", err=True)


def one_source_of_learning(*given: object) -> None:
    """Refuse more than one of the ways to say what to learn from."""
    if sum(g is not None for g in given) > 1:
        raise OptionError("--train-until, --history and --model: use one of them")
