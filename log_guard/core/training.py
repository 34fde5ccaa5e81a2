"""Summaries of a history → model. The history is unlabelled and holds incidents, as histories do.

The windows are scored by what the *other* thirds of the history taught (cross-fitting): a window
never judges itself, so the thresholds see what a new window would look like.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np
import polars as pl

from log_guard.core.baseline import EPOCH, SPELL, Baseline, learn
from log_guard.core.calibration import DAY, block_maxima, exceeded, threshold
from log_guard.core.detectors.density import InductiveDBSCAN
from log_guard.core.events import SECOND
from log_guard.core.features.text import TextModel, fit_text
from log_guard.core.features.window import window_features
from log_guard.core.feedback import Feedback
from log_guard.core.model import Model, Scales, Training
from log_guard.core.parts import detector_values
from log_guard.core.scoring import find_parts
from log_guard.core.statements import Templates
from log_guard.core.suppression import Suppressor
from log_guard.core.trimming import trimmed, unusual
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WHOLE, WindowBatch, Windows, WindowSpec
from log_guard.errors import InputError

FOLDS = 3
MINUTE = 60 * SECOND
MAX_BLOCK = 600 * SECOND
LEAST_BITS = 0.5
"""Least Gumbel scale of a detector's maxima, bits: a constant history is no certainty."""
MAX_TEXT_TEMPLATES = 5_000
DIGEST_ROWS = 20_000
"""Rows of history that are text at a time, about."""


@dataclass(frozen=True)
class History:
    """Pane rows (``PANE_SCHEMA``) of a span of event time and the tables behind their ids.

    until:  event time (µs) up to which the log was watched, if that is later than its last event.
    """

    panes: pl.DataFrame
    groups: Vocabulary
    templates: Templates
    until: int = 0

    @property
    def several(self) -> bool:
        """Whether the rows are of more than one group; the table may know of more to come."""
        return self.panes["group"].n_unique() > 1

    @property
    def span(self) -> tuple[int, int]:
        """Start and end of what there is, µs."""
        panes = self.panes["pane"].to_numpy()
        return int(panes.min()), int(panes.max())


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
    steady_seconds:  a shorter history has seen little of how load drifts and of what is still to be
                     logged for the first time: the threshold of count surprise is raised by the
                     square root of what is missing, that of novelty by the fourth. 0 for a history
                     that was chosen to learn from; a processor that begins with nothing has no choice.
    """
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
            f"{least_windows * spec.window / SECOND:.0f} s are needed; use a later --train-until, or --history FILE"
        )
    panes = history.panes
    panes = panes.filter(pl.Series(~feedback.during_incident(panes["pane"].to_numpy(), spec.slide)))
    if panes.is_empty():
        raise InputError(
            "nothing to learn from: all of the history lies in spans that are labelled real"
        )
    since = dict(panes.group_by("group").agg(pl.col("pane").min()).iter_rows())
    whole = history.several
    if whole:
        since[WHOLE] = start
    folds = _folds(panes, history.templates, start, end, spec.window, since, whole)
    text, vectors = _learn_text(panes, history.templates)
    looks = _look(history, spec, folds, vectors, feedback)
    block = int(min(max((end - start) // 40, 2 * spec.window, MINUTE), MAX_BLOCK))
    scales = _calibrate(looks, block, false_alarms_per_day)
    if end - start < steady_seconds * SECOND:
        caution = float(np.sqrt(steady_seconds * SECOND / (end - start)))
        scales = Scales(scales.novelty * float(np.sqrt(caution)), scales.surprise * caution)
    found = unusual(looks.ends, looks.groups, looks.values, scales.as_array())
    if found.worst is not None:  # a fold at a time, for what is learnt from is large
        calm = trimmed(panes, history.templates, found, spec)
        folds = _folds(calm, history.templates, start, end, spec.window, since, whole)
    baseline = reduce(add, (fold.baseline for fold in folds))
    density = InductiveDBSCAN().fit(looks.features)
    return Model(
        window=spec.window,
        slide=spec.slide,
        group_by=group_by,
        false_alarms_per_day=false_alarms_per_day,
        groups=tuple(history.groups.words),
        templates=tuple(history.templates.words),
        baseline=baseline,
        scales=scales,
        text=text,
        density=density,
        training=Training(
            start=start,
            end=end,
            events=int(panes["count"].sum()),
            windows=len(looks.ends),
            digest=_digest(panes, history, spec, group_by),
            blocks=int((end - start) // block),
            block=block,
            unusual=len(found.ends),
            worst=found.worst,
        ),
    )


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


@dataclass(frozen=True)
class _Fold:
    start: int
    end: int
    baseline: Baseline


def _folds(
    panes: pl.DataFrame,
    templates: Templates,
    start: int,
    end: int,
    window: int,
    since: dict[int, int],
    whole: bool,
) -> list[_Fold]:
    cuts = [start + (end - start) * i // FOLDS // SPELL * SPELL for i in range(FOLDS)] + [end]
    cuts[0] = start
    out = []
    for a, b in pairwise(cuts):
        part = panes.filter(pl.col("pane").is_between(a, b, closed="left"))
        out.append(_Fold(a, b, learn(part, templates, a, b, window, since, whole)))
    return out


@dataclass(frozen=True)
class _Looks:
    """Every window of history, as the others see it."""

    ends: np.ndarray
    groups: np.ndarray
    values: np.ndarray  # (n, 2)
    features: np.ndarray  # (m, 30), tumbling windows of the services only


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


def _look(
    history: History,
    spec: WindowSpec,
    folds: list[_Fold],
    vectors: np.ndarray,
    feedback: Feedback,
) -> _Looks:
    suppressor = Suppressor(feedback.suppressions, history.groups, history.templates)
    ends, groups, values, features = [], [], [], []
    for fold in folds:
        others = [other.baseline for other in folds if other is not fold]
        baseline = others[0]
        for other in others[1:]:
            baseline = baseline + other
        for whole in replay(history, spec, fold.start, fold.end):
            starts = whole.rows["end"].to_numpy() - spec.window
            batch = whole.only(~feedback.during_incident(starts, spec.window))
            found = find_parts(batch, baseline, history.templates, suppressor)
            values.append(detector_values(found, batch.rows.height))
            ends.append(batch.rows["end"].to_numpy())
            groups.append(batch.rows["group"].to_numpy())
            features.append(window_features(batch, vectors)[_tumbling(batch, spec, history)])
    return _Looks(
        np.concatenate(ends),
        np.concatenate(groups),
        np.concatenate(values),
        np.concatenate(features),
    )


def replay(history: History, spec: WindowSpec, start: int, end: int) -> Iterator[WindowBatch]:
    """Windows of a span of history, an epoch at a time."""
    lead = history.panes.filter(pl.col("pane").is_between(start - spec.window, end, closed="left"))
    if lead.is_empty():
        return
    windows = Windows(spec, history.groups, history.templates, history.several)
    samples = {
        "sample_hash": pl.lit(0, dtype=pl.UInt64),
        "source": pl.lit(0, dtype=pl.UInt32),
        "position": pl.lit(0, dtype=pl.UInt64),
        "sample": pl.lit("", dtype=pl.String),
    }
    stop = start
    while stop < end:
        begin, stop = stop, min(stop - stop % EPOCH + EPOCH, end)
        part = lead.filter(pl.col("pane").is_between(begin, stop, closed="left"))
        if windows.began is None:
            part = lead.filter(pl.col("pane") < stop)
        if not part.is_empty():
            windows.adopt(part.with_columns(**samples))
        if windows.closed is None and windows.began is not None:
            windows.closed = begin
        batch = windows.close(stop)
        if batch is not None:
            yield batch


def history_features(history: History, spec: WindowSpec, text: TextModel) -> np.ndarray:
    """Features of the tumbling windows of a history, all groups but the whole stream, (m, 30)."""
    vectors = text.vectors(history.templates.words)
    start, last = history.span
    found = []
    for batch in replay(history, spec, start, last + spec.slide):
        found.append(window_features(batch, vectors)[_tumbling(batch, spec, history)])
    return np.concatenate(found)


def _tumbling(batch: WindowBatch, spec: WindowSpec, history: History) -> np.ndarray:
    single = not history.several
    groups = batch.rows["group"].to_numpy()
    own = (groups != WHOLE) | single
    return np.asarray((batch.rows["end"].to_numpy() % spec.window == 0) & own)


def _calibrate(looks: _Looks, block: int, false_alarms_per_day: float) -> Scales:
    """Thresholds for the whole deployment: in a block all groups together are one look.

    Not a threshold a group: one whose history holds an incident in every fourth block would be deaf
    to the next. A count surprise must besides exceed what the history has shown, but for as many spans
    as the budget allows: volumes are heavier-tailed than any tail that could be fitted to so few blocks.
    """
    span_days = (int(looks.ends.max()) - int(looks.ends.min()) + block) / SECOND / DAY
    budget = false_alarms_per_day * span_days / 2  # the two detectors share it
    novelty, surprise = (block_maxima(looks.values[:, i], looks.ends, block) for i in range(2))
    # A line that comes more often than the budget allows must not be an alarm by its rarity alone,
    # however regular the history was that it was not part of.
    least = float(np.log2(max(DAY / (SPELL / SECOND) / false_alarms_per_day, 1.0)))
    shown = exceeded(surprise, int(budget))
    return Scales(max(_threshold(novelty, budget), least), max(_threshold(surprise, budget), shown))


def _threshold(maxima: np.ndarray, budget: float) -> float:
    """Value that ``budget`` of the blocks seen would pass, by the tail fitted to their maxima."""
    probability = min(budget / len(maxima), 0.5)
    return max(threshold(maxima, probability, LEAST_BITS), LEAST_BITS)
