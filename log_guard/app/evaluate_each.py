"""Several detectors on one labelled set, each in a process of its own.

So each one's seconds and memory are its own, and none finds a cache that another has filled. The log
is read once a detector: judging takes many times as long as reading.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from log_guard.app.evaluating import Evaluated, evaluate_set
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import choose_detector
from log_guard.app.written import TextOutput
from log_guard.core.evaluation.evaluation import Labels
from log_guard.errors import DetectorError, InputError, OptionError


@dataclass(frozen=True)
class Trial:
    """What is measured, for all detectors alike.

    results:  file for every verdict; with several detectors, each has one with its name in it.
    curve:    also measure what is found against false alarms.
    """

    events: str
    labels: Labels
    options: PipelineOptions
    read: ReadOptions
    history: str | None = None
    results: Path | None = None
    curve: bool = False


def evaluate_each(
    trial: Trial, detectors: Sequence[str], progress: Callable[[str, int], Any]
) -> tuple[list[Evaluated], list[DetectorError]]:
    """Figures of each detector, in this order, and what others failed with.

    progress:  is told its name and the bytes read.

    Raises OptionError before anything is read if one of them does not exist, or if a pipe would be read again.
    """
    for name in detectors:
        choose_detector(_options_of(trial, name))
    several = len(detectors) > 1 or trial.options.detect.feedback.suppressions
    if several and (_runs_dry(trial.events) or _runs_dry(trial.history)):
        raise OptionError(
            "standard input and pipes can be read once: name a file, or one --detector and no suppressions"
        )
    if len(detectors) == 1:
        return [_evaluate(trial, detectors[0], trial.results, progress)], []
    done, failed = [], []
    # A fresh interpreter each, not a fork: polars' threads would not survive one.
    with ProcessPoolExecutor(
        1,
        get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_DFL),  # Ctrl-C ends it without a traceback
        max_tasks_per_child=1,
    ) as pool:
        for name in detectors:
            progress(name, 0)
            path = trial.results
            if path is not None:
                path = path.with_name(f"{path.stem}.{name}{path.suffix}")
            try:
                done.append(pool.submit(_evaluate, trial, name, path).result())
            except DetectorError as error:  # that of one is no reason to lose the others' figures
                failed.append(error)
            except BrokenProcessPool:
                raise InputError(
                    f"the process that judged with {name} was ended from outside (is memory short?)"
                ) from None
    return done, failed


def _runs_dry(name: str | None) -> bool:
    return name is not None and (name == "-" or Path(name).is_fifo())


def _evaluate(
    trial: Trial,
    detector: str,
    results: Path | None,
    progress: Callable[[str, int], Any] = lambda _name, _bytes: None,
) -> Evaluated:
    with TextOutput(results) if results is not None else nullcontext() as out:
        return evaluate_set(
            trial.events,
            trial.labels,
            _options_of(trial, detector),
            trial.read,
            history=trial.history,
            results=out,
            curve=trial.curve,
            progress=lambda n: progress(detector, n),
        )


def _options_of(trial: Trial, detector: str) -> PipelineOptions:
    return replace(trial.options, detect=replace(trial.options.detect, detector=detector))
