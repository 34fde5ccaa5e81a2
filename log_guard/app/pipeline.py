"""The whole line in one process, over function calls: raw batches in, results and alerts out.

Every command that runs without a server, and the Python API, is this class with a source before it
and a sink behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from log_guard.core.clock import Judged, PartitionClock, TimeRules
from log_guard.core.decode import Decoder
from log_guard.core.detect import Detect, DetectOptions
from log_guard.core.detectors.base import OutlierDetector
from log_guard.core.episodes import Episodes
from log_guard.core.events import DEAD_LETTER_BYTES, SECOND, DeadLetter, RawBatch
from log_guard.core.ledger import Ledger
from log_guard.core.masking import Masker
from log_guard.core.model import Model
from log_guard.core.results import Alert, Result
from log_guard.core.summaries import Summarizer
from log_guard.core.windows import WHOLE_STREAM, WindowSpec

IDLE_AFTER = 5.0
"""Seconds without a line after which a source that was read to its end is idle."""


@dataclass(frozen=True)
class PipelineOptions:
    """Settings of the whole line; those of detection are in ``detect``."""

    window: WindowSpec = field(default_factory=WindowSpec)
    detect: DetectOptions = field(default_factory=DetectOptions)
    masker: Masker = field(default_factory=Masker)
    lateness: int = 2 * SECOND
    blank_level: bool = False
    """Forget every event's level: how does detection do when levels lie?"""


@dataclass
class Output:
    """What one step of the line gave."""

    results: list[Result] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)


class Pipeline:
    """Feed it raw batches of one or more sources; time comes from the events alone.

    ``feed`` per batch, ``idle`` while a live source is quiet, ``finish`` once at the end.
    """

    def __init__(
        self,
        decoder: Decoder,
        options: PipelineOptions | None = None,
        model: Model | None = None,
        outlier: OutlierDetector | None = None,
    ) -> None:
        self.options = options or PipelineOptions()
        self.decoder = decoder
        self.ledger = Ledger()
        self.detect = Detect(self.options.window, self.options.detect, model, outlier)
        self.episodes = Episodes()
        self._rules = TimeRules(
            slide=self.options.window.slide,
            lateness=self.options.lateness,
            max_lateness=self.options.window.max_lateness,
        )
        self._clocks: dict[int, PartitionClock] = {}
        self._summarizer = Summarizer(self.options.window.slide, self.options.masker)

    @property
    def event_time(self) -> int | None:
        """Highest event time so far, µs."""
        return max((c.high for c in self._clocks.values() if c.high is not None), default=None)

    def feed(self, batch: RawBatch, *, early: bool = False) -> Output:
        """Take in raw lines; ``early`` also judges the windows that are still open."""
        decoded = self.decoder.decode(batch)
        self.ledger.consumed += decoded.records
        clock = self._clocks.setdefault(batch.source, PartitionClock(self._rules))
        out = Output()
        self._bury(decoded.dead, out)
        self._take(clock.judge(decoded.events), batch.source, out)
        self._advance(out, early=early)
        return out

    def idle(self, seconds: float) -> Output:
        """Nothing has come for so long: let the watermark go on at the pace of the owner's clock.

        Called with 5 seconds or more; event time then moves on from the last event.
        """
        out = Output()
        if seconds >= IDLE_AFTER and self.event_time is not None:
            watermark = self.event_time + int(seconds * SECOND) - self.options.lateness
            self._publish(self.detect.advance(watermark, self.ledger.consumed), out)
        return out

    def finish(self) -> Output:
        """End all sources: publish what is open and resolve the alerts."""
        out = Output()
        for source, clock in self._clocks.items():
            judged = clock.finish()
            if judged is not None:
                self._take(judged, source, out)
        self._advance(out, early=False)
        self._publish(self.detect.finish(self.ledger.consumed), out)
        out.alerts += self.episodes.finish()
        return out

    def _take(self, judged: Judged, source: int, out: Output) -> None:
        self.ledger.late += judged.too_late
        self._bury([_unreal(row, source) for row in judged.unreal.iter_rows(named=True)], out)
        events = judged.events
        if events.is_empty():
            return
        if self.options.blank_level:
            events = events.with_columns(pl.lit(3, dtype=pl.UInt8).alias("level"))
        group = pl.col("service") if self.options.detect.group_by else pl.lit(WHOLE_STREAM)
        self.detect.add(
            self._summarizer.summarize(events.with_columns(group.alias("group")), source)
        )

    def _bury(self, dead: list[DeadLetter], out: Output) -> None:
        self.ledger.dead_lettered += len(dead)
        out.dead += dead

    def _advance(self, out: Output, *, early: bool) -> None:
        marks = [clock.watermark for clock in self._clocks.values() if clock.watermark is not None]
        if not marks:
            return
        results = self.detect.advance(min(marks), self.ledger.consumed)
        if early:
            results += self.detect.peek(self.ledger.consumed)
        self._publish(results, out)

    def _publish(self, results: list[Result], out: Output) -> None:
        self.ledger.scored = self.detect.windows.scored
        out.results += results
        out.alerts += self.episodes.add(results)


def _unreal(row: dict[str, object], source: int) -> DeadLetter:
    raw = str(row["message"]).encode("utf-8", errors="replace")[:DEAD_LETTER_BYTES]
    return DeadLetter("timestamp far ahead of all others", int(str(row["position"])), source, raw)
