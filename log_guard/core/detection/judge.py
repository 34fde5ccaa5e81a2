"""Windows → results: features, scores and, for what is not normal, the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import Known
from log_guard.core.detectors.base import Outlier
from log_guard.core.evidence.explain import explain
from log_guard.core.evidence.lines import Counts
from log_guard.core.evidence.words import sentence
from log_guard.core.features import VOLUME_FEATURES
from log_guard.core.features.window import window_features
from log_guard.core.feedback.suppression import Suppression, Suppressor
from log_guard.core.learning.model import FIRST_SCALES, Model
from log_guard.core.results import Evidence, Result
from log_guard.core.scoring.gaps import Telling
from log_guard.core.scoring.lasting import Shifts, shifts_of
from log_guard.core.scoring.parts import KINDS, SHIFT, Parts, weighted_squares
from log_guard.core.scoring.scoring import MIN_WINDOWS, find_parts
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import WindowBatch, Windows
from log_guard.core.windows.panes import window_samples
from log_guard.errors import DetectorError

HEEDING = ("fusion", *KINDS)
"""Detectors that look at suppressions."""
DETECTORS = (*HEEDING, "reference")


class Judge:
    """Applies one model. Pure: equal windows and baselines give equal results.

    detector:  one of :data:`DETECTORS`; with ``outlier`` given, that one scores instead.
    suppressions:  what is not to count against a window (our own detectors look at it).
    """

    def __init__(
        self,
        model: Model,
        groups: Vocabulary,
        templates: Templates,
        detector: str = "fusion",
        outlier: Outlier | None = None,
        suppressions: Sequence[Suppression] = (),
    ) -> None:
        self.model = model
        self.groups = groups
        self.templates = templates
        self.detector = detector
        self.outlier = outlier
        self._suppressor = Suppressor(suppressions, groups, templates)
        self._vectors = model.text.vectors(templates.words)

    def forget_vectors(self) -> None:
        """Call after template ids have changed."""
        self._vectors = self._vectors[:0]
        self._suppressor.forget()

    def features(self, batch: WindowBatch) -> np.ndarray:
        """The 30 features, (rows, 30); a template is vectorised when it is first met."""
        known = len(self._vectors)
        if known < len(self.templates):
            fresh = self.model.text.vectors(self.templates.words[known:])
            self._vectors = np.concatenate([self._vectors, fresh])
        return window_features(batch, self._vectors)

    def judge(
        self,
        batch: WindowBatch,
        known: Known,
        windows: Windows,
        revision: int,
    ) -> list[Result]:
        """Results of a batch, in its order; ``windows``: those that it is of, for their samples."""
        features = self.features(batch)
        shifts = shifts_of(batch.rows["end"].to_numpy(), batch.recent, known, self._suppressor)
        parts = self._parts(batch, known, shifts)
        squares, ratio = self._ratio(parts, batch, features)
        anomalous = np.flatnonzero(ratio >= 1.0)
        evidence: dict[int, Evidence] = {}
        errors: dict[int, str] = {}
        if len(anomalous):
            order = np.argsort(parts.row, kind="stable")
            bounds = np.searchsorted(parts.row[order], [anomalous, anomalous + 1])
            held: dict[int, pl.DataFrame] = {}  # of one end, which many groups have in common
            for row, begin, end in zip(anomalous.tolist(), *bounds.tolist(), strict=True):
                mine = order[begin:end]
                at = int(batch.rows["end"][row])
                if at not in held:
                    held = {at: windows.held(at)}
                of_row = parts.take(mine), squares[mine], known, shifts, held[at], features[row]
                try:
                    evidence[row] = self._explain(batch, row, *of_row)
                except DetectorError:
                    raise
                except Exception as e:  # noqa: BLE001  # a bug of ours must not take an alarm away
                    evidence[row] = self._unexplained(batch, row)
                    errors[row] = f"not explained: {type(e).__name__}: {e}"
        score = np.where(
            np.isfinite(ratio), ratio / (1.0 + np.where(np.isfinite(ratio), ratio, 0.0)), 1.0
        )
        names = self.groups.words
        window = self.model.window
        version = self.model.version
        return [
            Result(
                window_start=end - window,
                window_end=end,
                service=names[group],
                revision=revision,
                final=batch.final,
                is_anomaly=row in evidence,
                anomaly_score=float(score[row]),
                features=features[row],
                model_version=version,
                evidence=evidence.get(row),
                error=errors.get(row),
            )
            for row, (end, group) in enumerate(batch.rows.select("end", "group").iter_rows())
        ]

    def _parts(self, batch: WindowBatch, known: Known, shifts: Shifts) -> Parts:
        least = np.inf if self.model.scales == FIRST_SCALES else MIN_WINDOWS
        telling = Telling(self.model.scales.surprise, self.model.false_alarms_per_day)
        return find_parts(batch, known, self.templates, self._suppressor, least, shifts, telling)

    def _ratio(
        self, parts: Parts, batch: WindowBatch, features: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Squared contributions of the parts, and each window's score over its threshold."""
        squares = weighted_squares(parts, self.model.scales.as_array())
        sums = np.zeros((len(features), len(KINDS)))
        np.add.at(sums, (parts.row, parts.detector), squares)
        # The most surprised of them has the word: what one does not know is no argument against
        # what the other has seen.
        sums[sums[:, SHIFT] < 1.0, SHIFT] = 0.0
        leading = sums.argmax(axis=1)
        if self.detector in KINDS:
            leading[:] = KINDS.index(self.detector)
        squares = np.where(parts.detector == leading[parts.row], squares, 0.0)
        largest = np.sqrt(np.take_along_axis(sums, leading[:, None], axis=1)[:, 0])
        if self.outlier is not None:
            return squares, self.outlier.ratio(features)
        if self.detector == "reference":
            density = self.model.density
            return squares, np.asarray(density.distance(features) / density.eps)
        return squares, largest

    def _explain(
        self,
        batch: WindowBatch,
        row: int,
        parts: Parts,
        squares: np.ndarray,
        known: Known,
        shifts: Shifts,
        held: pl.DataFrame,
        features: np.ndarray,
    ) -> Evidence:
        end, group = batch.rows.select("end", "group").row(row)
        whole = batch.rows[row : row + 1]
        mine = batch.entries.filter(pl.col("row") == row)
        counts: Counts = {
            (level, template): n
            for level, template, n in mine.select("level", "template", "count").iter_rows()
        }

        def is_normal(changed: Counts) -> bool:
            rows = [(0, level, template, n) for (level, template), n in changed.items() if n > 0]
            heard = whole.with_columns(silent=0) if rows else whole
            entries = pl.DataFrame(rows, schema=batch.entries.schema, orient="row")
            other = replace(batch, rows=heard, entries=entries)
            _, ratio = self._ratio(self._parts(other, known, shifts), other, self.features(other))
            return bool(ratio[0] < 1.0)

        nearest = (
            self.model.density.nearest(features[None, :])[0]
            if len(self.model.density.core_)
            else []
        )
        return explain(
            parts,
            squares,
            weighted_squares(parts, self.model.scales.as_array()),
            window_samples(held, group),
            self.templates.words,
            self.groups.words[group],
            (end - self.model.window, end),
            counts,
            is_normal,
            {name: round(float(v), 3) for name, v in zip(VOLUME_FEATURES, nearest, strict=False)},
            float(whole["silent"][0]),
        )

    def _unexplained(self, batch: WindowBatch, row: int) -> Evidence:
        end, group = batch.rows.select("end", "group").row(row)
        start = end - self.model.window
        return Evidence(sentence([], 0, self.groups.words[group], 0.0), (), (), (), {}, onset=start)
