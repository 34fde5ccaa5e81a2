"""The command line. Commands are thin: they read options, call the app, and print.

Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from log_guard.errors import LogGuardError, OptionError

if TYPE_CHECKING:
    from log_guard.app.pipeline import PipelineOptions
    from log_guard.app.scan import ReadOptions

FAILURE, USAGE, ANOMALIES = 1, 2, 3

EPILOG = "Exit codes: 0 done, 1 failure, 2 usage, 3 anomalies found (with --exit-code)."

app = typer.Typer(
    name="logguard",
    help="Watches logs and says, within seconds, what is not normal, and why.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
models_app = typer.Typer(
    help="Look at model directories.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(models_app, name="models")


class Output(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


# -- options that several commands share -----------------------------------------------------------

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
        "--input-format", help="json, cri, nginx, logfmt, syslog or plain; recognised if not given."
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
Format = Annotated[
    Output, typer.Option("--format", help="text for people, json for programs (one object a line).")
]


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"logguard {version('logguard')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


# -- commands ---------------------------------------------------------------------------------------


@app.command("try", epilog=EPILOG)
def try_(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|-",
            help="A log, plain or compressed with gzip or zstd; - for standard input.",
        ),
    ],
    train_until: Annotated[
        datetime | None,
        typer.Option(
            "--train-until",
            formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"],
            help="Learn from what lies before this time (UTC).",
        ),
    ] = None,
    history: Annotated[
        str | None, typer.Option("--history", metavar="FILE", help="Learn from this other log.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option("--model", metavar="DIR", help="Judge by this model (see 'logguard train')."),
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Keep reading what is added, also when the file is rotated."
        ),
    ] = False,
    format: Format = Output.text,
    dead_letters: Annotated[
        Path | None,
        typer.Option(
            "--dead-letters",
            metavar="FILE",
            help="Write what could not be read here, as JSON lines.",
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 if anything was not normal.")
    ] = False,
    window_seconds: Window = 30,
    slide_seconds: Slide = 5,
    detector: DetectorName = "fusion",
    false_alarms_per_day: Budget = 2.0,
    group_by: GroupBy = "service",
    mask: Mask = None,
    input_format: FormatIn = None,
    service: Service = None,
    timezone: Zone = "UTC",
    timestamp_field: TimestampField = "",
    level_field: LevelField = "",
    service_field: ServiceField = "",
    message_field: MessageField = "",
) -> None:
    r"""Find what is not normal in a log that nobody prepared.

    Recognises the format, learns from the first third (or --train-until, --history, --model) and
    reports what is not normal in the rest: when, in which service, why, with raw lines and their
    numbers.

    \b
    Examples:
      logguard try /var/log/syslog
      logguard try app.log.gz --train-until 2026-01-01T12:00:00
      journalctl -o json -f | logguard try - --follow
      logguard try app.log --format json | jq 'select(.kind == "alert")'
    """
    from log_guard.app.trying import Trial, run_trial

    _one_source_of_learning(train_until, history, model)
    options = _options(
        window_seconds, slide_seconds, detector, false_alarms_per_day, group_by, mask, train_until
    )
    read = _read(
        input_format,
        service,
        timezone,
        timestamp_field,
        level_field,
        service_field,
        message_field,
        group_by,
    )
    trial = Trial(file, options, read, history, model, follow, format is Output.json, dead_letters)
    if run_trial(trial, _console(), Console(stderr=True)) and exit_code:
        raise typer.Exit(ANOMALIES)


@app.command(epilog=EPILOG)
def demo(
    seed: Annotated[int, typer.Option(help="Another seed is another hour.", min=0)] = 42,
    minutes: Annotated[float, typer.Option(help="Event time to simulate.", min=15)] = 60,
    rate: Annotated[float, typer.Option(help="Events a second.", min=1)] = 100.0,
    database: Annotated[
        Path | None,
        typer.Option(
            "--database",
            metavar="FILE",
            help="SQLite file to write; in the user's data directory if not given.",
        ),
    ] = None,
) -> None:
    """Watch LogGuard find the incidents in an hour of simulated logs, in seconds.

    Simulates seven services with incidents among them, runs the stream through the real line into a
    SQLite file, prints each alert with its evidence, and then sets the alerts against the truth.
    """
    from log_guard.app.demo_report import show_demo
    from log_guard.app.simulate import SimulationSpec

    target = database if database is not None else _data_dir() / "demo.sqlite"
    show_demo(
        SimulationSpec(seed=seed, rate=rate, duration_s=minutes * 60),
        target,
        _console(),
        Console(stderr=True),
    )


@app.command(epilog=EPILOG)
def simulate(
    out: Annotated[str, typer.Option("--out", metavar="FILE|-", help="Where the events go.")] = "-",
    truth: Annotated[
        Path | None, typer.Option("--truth", metavar="FILE", help="Where the labels go (JSON).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.", min=0)] = 42,
    rate: Annotated[float, typer.Option(help="Events a second.", min=0.1)] = 100.0,
    minutes: Annotated[float, typer.Option(help="Event time to simulate.", min=0.1)] = 60,
    anomaly_share: Annotated[
        float, typer.Option(help="Share of events that incidents add.", min=0, max=0.5)
    ] = 0.005,
    start: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"],
            help="Time of the first event (UTC).",
        ),
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="At the pace of the clock, from now on.")
    ] = False,
) -> None:
    """Write a seeded stream of service logs with labelled incidents, as JSON lines."""
    from log_guard.app.simulate import SimulationSpec
    from log_guard.app.simulate.spec import DEFAULT_START
    from log_guard.app.simulating import write_stream

    begin = datetime.now(UTC) if real_time else start.replace(tzinfo=UTC) if start else None
    spec = SimulationSpec(
        seed=seed,
        rate=rate,
        duration_s=minutes * 60,
        anomaly_share=anomaly_share,
        start=begin or DEFAULT_START,
    )
    write_stream(spec, out, truth, real_time=real_time)


@app.command(epilog=EPILOG)
def train(
    events: Annotated[
        str, typer.Argument(metavar="EVENTS", help="A log to learn from, all of it.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model goes.")],
    window_seconds: Window = 30,
    slide_seconds: Slide = 5,
    false_alarms_per_day: Budget = 2.0,
    group_by: GroupBy = "service",
    mask: Mask = None,
    input_format: FormatIn = None,
    service: Service = None,
    timezone: Zone = "UTC",
    timestamp_field: TimestampField = "",
    level_field: LevelField = "",
    service_field: ServiceField = "",
    message_field: MessageField = "",
) -> None:
    """Learn what is normal from a log and write it down as a model."""
    from log_guard.adapters.models import save_model
    from log_guard.app.modelling import model_lines
    from log_guard.app.scan import learn_model

    options = _options(
        window_seconds, slide_seconds, "fusion", false_alarms_per_day, group_by, mask, None
    )
    read = _read(
        input_format,
        service,
        timezone,
        timestamp_field,
        level_field,
        service_field,
        message_field,
        group_by,
    )
    save_model(learn_model(events, options, read), out)
    for line in model_lines(out):
        typer.echo(line)


@app.command(epilog=EPILOG)
def evaluate(
    events: Annotated[str, typer.Argument(metavar="EVENTS", help="The labelled log.")],
    labels: Annotated[
        str,
        typer.Argument(
            metavar="LABELS",
            help="JSON: test_start, end, incidents [{id, start, end}], ignore [{start, end}].",
        ),
    ],
    history: Annotated[
        str | None, typer.Option("--history", metavar="EVENTS", help="Learn from this log.")
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="OUT.jsonl", help="Write every verdict here."),
    ] = None,
    blank_level: Annotated[
        bool, typer.Option("--blank-level", help="Set every level to INFO first.")
    ] = False,
    format: Format = Output.text,
    window_seconds: Window = 30,
    slide_seconds: Slide = 5,
    detector: DetectorName = "fusion",
    false_alarms_per_day: Budget = 2.0,
    group_by: GroupBy = "service",
    mask: Mask = None,
    input_format: FormatIn = None,
    service: Service = None,
    timezone: Zone = "UTC",
) -> None:
    """Measure detection against labelled incidents.

    Learns only from what lies before test_start (and from --history), never sees a label, and counts
    every verdict that was once given.
    """
    from log_guard.app.evaluate_report import run_evaluation

    options = _options(
        window_seconds,
        slide_seconds,
        detector,
        false_alarms_per_day,
        group_by,
        mask,
        None,
        blank_level,
    )
    read = _read(input_format, service, timezone, "", "", "", "", group_by)
    run_evaluation(
        events,
        labels,
        options,
        read,
        history,
        results,
        format is Output.json,
        _console(),
        Console(stderr=True),
    )


@models_app.command("list")
def models_list(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A directory that holds model directories.")
    ] = Path(),
) -> None:
    """List the models in a directory."""
    from log_guard.app.modelling import list_lines

    for line in list_lines(directory):
        typer.echo(line)


@models_app.command("show")
def models_show(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")],
) -> None:
    """Show what a model was learnt from."""
    from log_guard.app.modelling import model_lines

    for line in model_lines(directory):
        typer.echo(line)


@models_app.command("verify")
def models_verify(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A model directory.")],
) -> None:
    """Check that a model is whole and fits this version; exits with 1 if not."""
    from log_guard.adapters.models import verify_model

    problems = verify_model(directory)
    for problem in problems:
        typer.echo(f"logguard: {problem}", err=True)
    if problems:
        raise typer.Exit(FAILURE)
    typer.echo(f"{directory}: sound")


# -- from options to settings ------------------------------------------------------------------------


def _options(
    window: float,
    slide: float,
    detector: str,
    budget: float,
    group_by: str,
    mask: list[str] | None,
    train_until: datetime | None,
    blank_level: bool = False,
) -> PipelineOptions:
    from log_guard.app.pipeline import PipelineOptions
    from log_guard.core.detect import DetectOptions
    from log_guard.core.events import SECOND
    from log_guard.core.masking import Masker
    from log_guard.core.windows import WindowSpec

    masks = []
    for text in mask or ():
        name, equals, pattern = text.partition("=")
        if not equals or not pattern:
            raise OptionError(f"--mask {text!r}: write NAME=REGEX")
        masks.append((name, pattern))
    until = (
        None if train_until is None else int(train_until.replace(tzinfo=UTC).timestamp() * SECOND)
    )
    return PipelineOptions(
        window=WindowSpec(int(window * SECOND), int(slide * SECOND)),
        detect=DetectOptions(
            detector=detector,
            train_until=until,
            false_alarms_per_day=budget,
            group_by=_groups(group_by),
        ),
        masker=Masker(tuple(masks)),
        blank_level=blank_level,
    )


def _groups(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(part.strip() for part in text.split(",") if part.strip())


def _read(
    input_format: str | None,
    service: str | None,
    timezone: str,
    timestamp: str,
    level: str,
    service_field: str,
    message: str,
    group_by: str,
) -> ReadOptions:
    from zoneinfo import ZoneInfo

    from log_guard.app.scan import ReadOptions

    try:
        ZoneInfo(timezone)
    except (ValueError, OSError):
        raise OptionError(
            f"--timezone {timezone!r}: use an IANA name such as UTC or Europe/Berlin"
        ) from None
    return ReadOptions(
        input_format, service, timezone, timestamp, level, service_field, message, _groups(group_by)
    )


def _one_source_of_learning(*given: object) -> None:
    if sum(g is not None for g in given) > 1:
        raise OptionError("--train-until, --history and --model: use one of them")


def _data_dir() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "logguard"


def _console() -> Console:
    """For results: as wide as the terminal, and 100 columns where there is none."""
    return Console(width=None if sys.stdout.isatty() else 100, highlight=False, soft_wrap=True)


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
        app()


if __name__ == "__main__":
    main()
