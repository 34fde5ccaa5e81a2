"""Summaries judged again: what a detector would have said of them, alert by alert.

A replay is a sequence of (summary, watermark): the watermark, in µs, says that nothing on time is
still to come from before it; None says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from log_guard.core.baseline.baseline import EPOCH
from log_guard.core.detection.detect import Detect
from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.evaluation.outcomes import last_words
from log_guard.core.learning.history import History
from log_guard.core.results import Alert
from log_guard.core.summarising.summaries import SUMMARY_SCHEMA
from log_guard.core.windows.panes import NO_SAMPLE

Replay = Iterable[tuple[pl.DataFrame, int | None]]


class Replayed:
    """A detector under replay and what it has said so far."""

    def __init__(self, detect: Detect) -> None:
        self.detect = detect
        self.windows = 0
        self._episodes = Episodes(EpisodeRules(slide=detect.spec.slide))
        self._alerts: dict[int, Alert] = {}

    @property
    def told(self) -> list[Alert]:
        """Each alert as it was told of last."""
        return list(self._alerts.values())

    @property
    def alerts(self) -> list[Alert]:
        """The same, once for each time it was on."""
        return last_words(self.told)

    def take(self, summary: pl.DataFrame, watermark: int | None) -> None:
        """Take in the next summary."""
        self.detect.add(summary)
        if watermark is not None:
            results = self.detect.advance(watermark, 0)
            self.windows += len(results)
            self._hear(self._episodes.add(results))

    def finish(self) -> None:
        """Judge what is still open, and end all alerts."""
        self._hear(self._episodes.add(self.detect.finish(0)))
        self._hear(self._episodes.finish())

    def _hear(self, alerts: list[Alert]) -> None:
        self._alerts.update({alert.id: alert for alert in alerts})


def replay_all(replay: Replay, detectors: Iterable[Replayed]) -> None:
    """Let several detectors judge one replay, which is gone through once."""
    each = list(detectors)
    for summary, watermark in replay:
        for one in each:
            one.take(summary, watermark)
    for one in each:
        one.finish()


def replay_of(history: History, slide: int) -> Iterator[tuple[pl.DataFrame, int | None]]:
    """A history as a replay, an epoch at a time; without raw lines, which a history does not keep."""
    start, last = history.span
    groups = pl.Series(history.groups.words, dtype=pl.String)
    templates = pl.Series(history.templates.words, dtype=pl.String)
    stop = start
    while stop <= last:
        begin, stop = stop, stop - stop % EPOCH + EPOCH
        part = history.panes.filter(pl.col("pane").is_between(begin, stop, closed="left"))
        summary = part.with_columns(
            groups.gather(part["group"]).alias("group"),
            templates.gather(part["template"]).alias("template"),
            **NO_SAMPLE,
        )
        yield summary.select(list(SUMMARY_SCHEMA)), min(stop, last + slide)
