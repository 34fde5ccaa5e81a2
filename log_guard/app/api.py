"""The Python API: scan a file, and get results with their evidence. Lines as they come: ``scanner``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import as_far_as_readable, open_scan
from log_guard.app.scanner import Scanner, pipeline_options
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Result
from log_guard.errors import InputError, LogGuardError, OptionError

__all__ = ["Alert", "Ledger", "LogGuardError", "Result", "Scanner", "scan"]


def scan(
    path: str | os.PathLike[str],
    *,
    train_until: datetime | None = None,
    history: str | Path | None = None,
    model: str | Path | None = None,
    window_seconds: int = 30,
    slide_seconds: int = 5,
    detector: str = "fusion",
    false_alarms_per_day: float = 2.0,
    format: str | None = None,
    service: str | None = None,
    timezone: str = "UTC",
    feedback: str | Path | None = None,
) -> Iterator[Result | Alert | Ledger]:
    """Scan a log file: what ``logguard try`` does.

    Learns from the first third, or from what lies before ``train_until`` (UTC unless it has a zone),
    or from the log ``history``, or judges by the model ``model``. ``feedback`` is the file that
    ``logguard suppress`` and ``label`` write. Yields results and alerts as the log is read, and the
    ledger last. Raises :class:`LogGuardError`, whose text names the repair.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"scan takes the path of a log, not an object of type {type(path).__name__}: lines, and files that are open, "
            "are for log_guard.Scanner, with feed(lines) and finish()"
        )
    if sum(given is not None for given in (train_until, history, model)) > 1:
        raise OptionError("train_until, history and model: use one of them")
    options = pipeline_options(
        window_seconds, slide_seconds, train_until, detector, false_alarms_per_day, feedback
    )
    read = ReadOptions(format=format, service=service, timezone=timezone)
    learnt_from = None if history is None else str(history)
    return _run(os.fspath(path), options, read, learnt_from, model)


def _run(
    path: str,
    options: PipelineOptions,
    read: ReadOptions,
    history: str | None,
    model: str | Path | None,
) -> Iterator[Result | Alert | Ledger]:
    opened = open_scan(path, options, read, history=history, model=model)
    broken: list[InputError] = []
    for out in as_far_as_readable(opened.run(), broken):
        yield from out.results
        yield from out.alerts
    yield opened.pipeline.ledger
    for error in broken:
        raise error
