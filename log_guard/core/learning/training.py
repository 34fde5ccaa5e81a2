"""Summaries of a history → model. The history is unlabelled and holds incidents, as histories do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
import polars as pl

from log_guard.core.detectors.density import InductiveDBSCAN
from log_guard.core.detectors.surprise import MAX_BITS
from log_guard.core.events import SECOND
from log_guard.core.features.text import TextModel, fit_text
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.learning.calibration import (
    block_maxima,
    exceeded,
    passed,
    scales_of,
    spans_allowed,
)
from log_guard.core.learning.crossfit import FOLDS, Fold, Looks, folds_of, look
from log_guard.core.learning.history import History
from log_guard.core.learning.model import Model, Scales, Training
from log_guard.core.learning.ordinary import ordinary_windows
from log_guard.core.learning.trimming import trimmed, unusual
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WindowSpec
from log_guard.errors import InputError

MINUTE = 60 * SECOND
MAX_BLOCK = 600 * SECOND
MAX_TEXT_TEMPLATES = 5_000
WHOLE_BITS = float(np.log2(FOLDS / (FOLDS - 1)))
"""What is new is by so much more of a surprise to a whole history than to the folds that judged one another, bits."""
DIGEST_ROWS = 20_000
"""Rows of history that are text at a time, about."""


@dataclass(frozen=True)
class Study:
    """A history looked at from all sides: all that a model needs but the budget of false alarms.

    start, end:  span of event time, µs.
    panes:       what may be learnt from: without what was labelled as real.
    block:       length of the blocks whose maxima calibrate, µs.
    """

    history: History
    spec: WindowSpec
    start: int
    end: int
    panes: pl.DataFrame
    folds: list[Fold]
    text: TextModel
    looks: Looks
    block: int


def study(
    history: History, spec: WindowSpec, least_windows: int = 10, feedback: Feedback | None = None
) -> Study:
    """Look at a history; arguments and errors as in :func:`train`."""
    if history.panes.is_empty():
        raise InputError(
            "nothing to learn from: the history holds no events; use a later --train-until, or --history FILE"
        )
    feedback = feedback or Feedback()
    start, last = history.span
    end = max(last + spec.slide, history.until)
    if end - start < (least_windows - 1) * spec.window:
        raise InputError(
            f"too little to learn from: {(end - start) / SECOND:.0f} s of history, at least "
            f"{least_windows * spec.window / SECOND:.0f} s are needed; use a later --train-until (of labels: test_start), or --history FILE"
        )
    panes = history.panes
    panes = panes.filter(pl.Series(~feedback.during_incident(panes["pane"].to_numpy(), spec.slide)))
    if panes.is_empty():
        raise InputError(
            "nothing to learn from: all of the history lies in spans that are labelled real"
        )
    folds = folds_of(panes, history, start, end, spec.window)
    text, vectors = _learn_text(panes, history.templates)
    looks = look(history, spec, folds, vectors, feedback)
    block = int(min(max((end - start) // 40, 2 * spec.window, MINUTE), MAX_BLOCK))
    return Study(history, spec, start, end, panes, folds, text, looks, block)


def train(
    history: History,
    spec: WindowSpec,
    *,
    false_alarms_per_day: float = 2.0,
    group_by: tuple[str, ...] = ("service",),
    least_windows: int = 10,
    feedback: Feedback | None = None,
    steady_seconds: float = 0.0,
) -> Model:
    """Learn a model; raises :class:`InputError` where the history spans fewer than ``least_windows``.

    feedback:        its incidents are not learnt from, and its suppressions make no surprise in what
                     the thresholds are calibrated by.
    steady_seconds:  as in :func:`fit`.
    """
    studied = study(history, spec, least_windows, feedback)
    return fit(studied, false_alarms_per_day, group_by, steady_seconds)


def fit(
    studied: Study,
    false_alarms_per_day: float,
    group_by: tuple[str, ...] = ("service",),
    steady_seconds: float = 0.0,
) -> Model:
    """Model with the thresholds of this budget.

    steady_seconds:  a shorter history has seen little of how load drifts and of what is still to be
                     logged for the first time: the threshold of count surprise is raised by the
                     square root of what is missing (not beyond what one count can pass), that of
                     novelty by the fourth. 0 for a history that was chosen to learn from; a processor
                     that begins with nothing has no choice.
    """
    history, spec, looks = studied.history, studied.spec, studied.looks
    start, end, block = studied.start, studied.end, studied.block
    scales = scales_of(looks.values, looks.ends, block, false_alarms_per_day)
    if end - start < steady_seconds * SECOND:
        caution = float(np.sqrt(steady_seconds * SECOND / (end - start)))
        # Beyond the most that one count can surprise by, nothing would pass.
        most = max(scales.surprise, MAX_BITS)
        surprise = min(scales.surprise * caution, most)
        shift = min(scales.shift * caution, max(scales.shift, MAX_BITS))
        scales = Scales(scales.novelty * float(np.sqrt(caution)), surprise, shift)
    shown = shown_by(studied, false_alarms_per_day)
    scales = replace(scales, novelty=max(scales.novelty, shown))
    found = unusual(looks.ends, looks.groups, looks.values, scales.as_array())
    folds = studied.folds
    if found.worst is not None:  # a fold at a time, for what is learnt from is large
        calm = trimmed(studied.panes, history.templates, found, spec)
        folds = folds_of(calm, history, start, end, spec.window, known_from=studied.panes)
    return Model(
        window=spec.window,
        slide=spec.slide,
        group_by=group_by,
        false_alarms_per_day=false_alarms_per_day,
        groups=tuple(history.groups.words),
        templates=tuple(history.templates.words),
        baseline=reduce(add, (fold.baseline for fold in folds)),
        scales=scales,
        text=studied.text,
        density=InductiveDBSCAN().fit(looks.features),
        training=Training(
            start=start,
            end=end,
            events=int(studied.panes["count"].sum()),
            windows=len(looks.ends),
            digest=_digest(studied.panes, history, spec, group_by),
            blocks=int((end - start) // block),
            block=block,
            unusual=len(found.ends),
            worst=found.worst,
        ),
    )


def shown_by(studied: Study, false_alarms_per_day: float) -> float:
    """Least threshold of novelty, bits: what the history shows where there is no trouble but ordinary one."""
    looks, block, spec = studied.looks, studied.block, studied.spec
    span = studied.end - studied.start
    alone, calm = ordinary_windows(
        studied.panes, studied.history.templates, spec, looks.ends, looks.groups
    )
    novelty, ends = looks.values[:, 0], looks.ends
    trouble = passed(novelty[alone], ends[alone], block, false_alarms_per_day, span)
    if not calm.any():
        return trouble
    quiet = block_maxima(novelty[calm], ends[calm], block)
    news = exceeded(quiet, spans_allowed(false_alarms_per_day, span))
    return max(trouble, float(np.nextafter(news + WHOLE_BITS, np.inf)))


def _digest(
    panes: pl.DataFrame, history: History, spec: WindowSpec, group_by: tuple[str, ...]
) -> str:
    """SHA-256 of what was learnt from, in words: the same whatever ids the tables gave.

    A part of the history at a time, for as text it is many times its size.
    """
    digest = hashlib.sha256(f"{spec.window} {spec.slide} {' '.join(group_by)}\n".encode())
    groups = pl.Series(history.groups.words, dtype=pl.String)
    templates = pl.Series(history.templates.words, dtype=pl.String)
    times = np.unique(panes["pane"].to_numpy())
    for part in np.array_split(times, min(-(-panes.height // DIGEST_ROWS), len(times))):
        rows = panes.filter(pl.col("pane").is_between(part[0], part[-1]))
        digest.update(
            rows.with_columns(
                groups.gather(rows["group"]).alias("group"),
                templates.gather(rows["template"]).alias("template"),
            )
            .group_by("pane", "group", "level", "template")
            .agg(pl.col("count").sum())
            .sort("pane", "group", "level", "template")
            .write_csv(include_header=False)
            .encode()
        )
    return digest.hexdigest()


def _learn_text(panes: pl.DataFrame, templates: Vocabulary) -> tuple[TextModel, np.ndarray]:
    counts = (
        panes.group_by("template")
        .agg(pl.col("count").sum())
        .sort("count", "template", descending=[True, False])
    )
    top = counts.head(MAX_TEXT_TEMPLATES)
    words = [templates.words[i] for i in top["template"].to_list()]
    model = fit_text(words, top["count"].to_numpy())
    return model, model.vectors(templates.words)
