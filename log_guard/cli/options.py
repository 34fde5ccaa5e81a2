"""Options that several commands share, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
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
        return in_utc(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time: write one as 2026-01-31T12:00:00Z"
        ) from None


def in_utc(text: str) -> datetime:
    """ISO 8601 → a time with a zone, UTC where it names none; ValueError if it is none."""
    given = datetime.fromisoformat(text)
    return given if given.tzinfo else given.replace(tzinfo=UTC)


Window = Annotated[float, typer.Option("--window-seconds", help="Length of a window.", min=1)]
Slide = Annotated[
    float, typer.Option("--slide-seconds", help="A window ends every so many seconds.", min=1)
]
DetectorName = Annotated[
    str,
    typer.Option(
        "--detector",
        help="fusion, novelty, surprise, shift, reference, or an import path such as sklearn.ensemble.IsolationForest.",
    ),
]
DetectorNames = Annotated[
    list[str] | None,
    typer.Option(
        "--detector",
        help="fusion (the default), novelty, surprise, shift, reference, or an import path such as "
        "sklearn.ensemble.IsolationForest. Repeatable.",
        show_default=False,
    ),
]
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
        help="json, log4j-xml, container, cri, nginx, logfmt, syslog, plain or prefixed; recognised if not given.",
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


@dataclass(frozen=True)
class Reading:
    """How to read a log."""

    input_format: FormatIn = None
    service: Service = None
    timezone: Zone = "UTC"
    year: Year = None
    timestamp_field: TimestampField = ""
    level_field: LevelField = ""
    service_field: ServiceField = ""
    message_field: MessageField = ""

    def options(self, grouping: Grouping) -> ReadOptions:
        """As the app has them; raises OptionError."""
        from zoneinfo import ZoneInfo

        from log_guard.app.inspecting import ReadOptions

        try:
            ZoneInfo(self.timezone)
        except (
            KeyError,
            ValueError,
            OSError,
        ):  # KeyError: what zoneinfo raises for an unknown name
            raise OptionError(
                f"--timezone {self.timezone!r}: use an IANA name such as UTC or Europe/Berlin"
            ) from None
        return ReadOptions(
            self.input_format,
            self.service,
            self.timezone,
            self.timestamp_field,
            self.level_field,
            self.service_field,
            self.message_field,
            grouping.groups,
            self.year,
            _say,
        )


@dataclass(frozen=True)
class Grouping:
    """What counts as one: of services, and of messages."""

    group_by: GroupBy = "service"
    mask: Mask = None

    @property
    def groups(self) -> tuple[str, ...]:
        """The fields; none: the whole stream is one group."""
        given = (part.strip() for part in self.group_by.split(","))
        return () if self.group_by == "none" else tuple(part for part in given if part)

    @property
    def masks(self) -> tuple[tuple[str, str], ...]:
        """Names and expressions; raises OptionError."""
        masks = []
        for text in self.mask or ():
            name, equals, pattern = text.partition("=")
            if not equals or not pattern:
                raise OptionError(f"--mask {text!r}: write NAME=REGEX")
            masks.append((name, pattern))
        return tuple(masks)


@dataclass(frozen=True)
class Judging:
    """How to judge, and to learn what to judge by."""

    window_seconds: Window = 30
    slide_seconds: Slide = 5
    false_alarms_per_day: Budget = 2.0
    feedback: FeedbackFile = None

    def options(
        self,
        grouping: Grouping,
        detector: str = "fusion",
        train_until: datetime | None = None,
        *,
        blank_level: bool = False,
    ) -> PipelineOptions:
        """As the app has them; raises OptionError."""
        from log_guard.adapters.feedback import read_feedback
        from log_guard.app.pipeline import PipelineOptions
        from log_guard.core.detection.options import DetectOptions
        from log_guard.core.events import SECOND
        from log_guard.core.feedback.feedback import Feedback
        from log_guard.core.masking import Masker
        from log_guard.core.windows import WindowSpec

        until = None if train_until is None else int(train_until.timestamp() * SECOND)
        slide = int(self.slide_seconds * SECOND)
        return PipelineOptions(
            window=WindowSpec(int(self.window_seconds * SECOND), slide),
            detect=DetectOptions(
                detector=detector,
                train_until=until,
                false_alarms_per_day=self.false_alarms_per_day,
                group_by=grouping.groups,
                feedback=Feedback() if self.feedback is None else read_feedback(self.feedback),
            ),
            masker=Masker(grouping.masks),
            blank_level=blank_level,
        )


@cache
def _say(text: str) -> None:
    """Once: a log that is read twice has the same to be said of it."""
    typer.echo(f"logguard: {text}", err=True)


def one_source_of_learning(*given: object) -> None:
    """Refuse more than one of the ways to say what to learn from."""
    if sum(g is not None for g in given) > 1:
        raise OptionError("--train-until, --history and --model: use one of them")
