"""Why a window is not normal: the score taken apart, in words, in figures and in raw lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from log_guard.core.evidence.counterfactual import normal_if
from log_guard.core.evidence.lines import SHOWN_PARTS, UNSEEN, Counts, lines_of, part_of
from log_guard.core.evidence.samples import onset_of, samples_of
from log_guard.core.evidence.words import sentence
from log_guard.core.results import Evidence
from log_guard.core.scoring.parts import NOVELTY, Parts


def explain(
    parts: Parts,
    squares: np.ndarray,
    weights: np.ndarray,
    samples: pl.DataFrame,
    templates: list[str],
    service: str,
    window: tuple[int, int],
    counts: Counts,
    is_normal: Callable[[Counts], bool],
    nearest_normal: dict[str, float],
    silent: float = 0.0,
) -> Evidence:
    """Build the evidence of one window.

    parts, squares:  its parts and their squared contributions to the score, (n,); ``weights``, what
                     they would contribute if their own detector had the word.
    samples:         its samples, smallest hash first (``Windows.samples``).
    window:          its start and end, µs; ``silent``: for how many windows nothing has come.
    is_normal:       tells whether the window with other counts would be normal.
    """
    total = float(squares.sum()) or 1.0
    lines = lines_of(parts, squares, templates)
    seconds = (window[1] - window[0]) / 1e6
    made = [part_of(parts, line, total, templates, seconds, silent) for line in lines[:SHOWN_PARTS]]
    weighing = squares > 0
    new = int(((parts.detector == NOVELTY) & (parts.mean < UNSEEN) & (weights > 0)).sum())
    bounds = normal_if(parts, lines, weights, counts, templates, is_normal)
    if made and (made[0].seconds or (made[0].is_silence and silent > 1)):
        windows = max(silent, 1.0) if made[0].is_silence else 1.0
        seldom = made[0].is_silence and made[0].expected < windows  # a window may well be empty
        of = seconds * windows if seldom else seconds
        bounds = tuple(replace(bound, seconds=of) for bound in bounds)
    onset = onset_of(parts, lines[0], samples, window[0]) if lines else window[0]
    if made and made[0].is_silence:  # since the last event
        onset = window[1] - round(max(silent, 1.0) * (window[1] - window[0]))
    return Evidence(
        sentence=sentence(made, new, service, seconds, silent),
        parts=tuple(made),
        samples=samples_of(parts, lines, samples),
        normal_if=bounds,
        nearest_normal=nearest_normal,
        weighed=int(weighing.sum()),
        onset=onset,
    )
