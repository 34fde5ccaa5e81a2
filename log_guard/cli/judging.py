"""``logguard try`` and ``evaluate``: commands that judge a log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from log_guard.cli import options as o
from log_guard.cli.spread import spread
from log_guard.cli.terminal import console, errors
from log_guard.errors import OptionError

ANOMALIES = 3
"""Exit code of ``try --exit-code`` where anything was not normal."""


class Kind(StrEnum):
    """What ``try`` writes as JSON, one object a line."""

    result = "result"
    alert = "alert"
    dead_letter = "dead_letter"


EXAMPLES = """\b
Examples:
  logguard try /var/log/syslog
  logguard try app.log.gz --train-until 2026-01-01T12:00:00
  journalctl -o json -f | logguard try - --follow
  logguard try app.log --format json --only alert
"""
"""Shown below the options; the backspace keeps the lines apart."""


@spread
def try_(
    context: typer.Context,
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
            metavar="TIME",
            parser=o.a_time,
            help="Learn from what lies before this time (UTC unless it names a zone).",
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
    format: o.Format = o.Output.text,
    only: Annotated[
        list[Kind] | None,
        typer.Option(
            "--only", help="Of JSON, write objects of this kind, and the ledger. Repeatable."
        ),
    ] = None,
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
    detector: o.DetectorName = "fusion",
    *,
    judging: o.Judging,
    grouping: o.Grouping,
    reading: o.Reading,
) -> None:
    """Find what is not normal in a log that nobody prepared.

    Recognises the format, learns from the first third of the events (or --train-until, --history, --model) and
    reports what is not normal in the rest: when, in which service, why, with raw lines and their
    numbers.

    It goes by these options alone: the environment (LOGGUARD_...) and the file of settings are for the
    pipeline on Kafka.
    """
    from log_guard.app.trying import KINDS, Trial, run_trial

    _one(file, *context.args)
    as_json = format is o.Output.json
    if only and not as_json:
        raise OptionError(
            "--only chooses among the objects of --format json: add that, or leave it out"
        )
    o.one_source_of_learning(train_until, history, model)
    options = judging.options(grouping, detector, train_until)
    read = reading.options(grouping)
    written = frozenset(only) if only else KINDS
    trial = Trial(file, options, read, history, model, follow, as_json, dead_letters, written)
    if run_trial(trial, console(), errors()) and exit_code:
        raise typer.Exit(ANOMALIES)


def _one(*files: str) -> None:
    """Refuse several logs: how they are one is for the user to say."""
    if len(files) == 1:
        return
    names = [quote(name) for name in files]
    raise OptionError(
        f"one log at a time: learn from the older one (logguard try {names[-1]} --history {names[-2]}), or join them, oldest "
        f"first (zcat -f {' '.join(names)} | logguard try -)"
    )


@spread
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
        typer.Option(
            "--results",
            metavar="OUT.jsonl",
            help="Write every verdict here; of several detectors each to a file of its own (OUT.fusion.jsonl).",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE.png|.html", help="Draw what is found against false alarms."
        ),
    ] = None,
    blank_level: Annotated[
        bool, typer.Option("--blank-level", help="Set every level to INFO first.")
    ] = False,
    format: o.Format = o.Output.text,
    detector: o.DetectorNames = None,
    *,
    judging: o.Judging,
    grouping: o.Grouping,
    reading: o.Reading,
) -> None:
    """Measure detectors against labelled incidents, and the rule that counts errors beside them.

    Learns only from what lies before test_start (and from --history), never sees a label, and counts
    every verdict that was once given.
    """
    from log_guard.app.evaluate_each import Trial
    from log_guard.app.evaluate_report import run_evaluation
    from log_guard.app.labels_file import read_labels

    detectors = list(dict.fromkeys(detector or ["fusion"]))
    options = judging.options(grouping, detectors[0], blank_level=blank_level)
    read = reading.options(grouping)
    truth = read_labels(labels)
    trial = Trial(events, truth, options, read, history, results, curve=plot is not None)
    run_evaluation(trial, detectors, plot, format is o.Output.json, console(), errors())
