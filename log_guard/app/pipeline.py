"""The whole line in one process, over function calls: raw batches in, results and alerts out.

Every command that runs without a server, and the Python API, is this class with a source before it
and a sink behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from log_guard.core.decoding.decode import Decoder
from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.detectors.base import Outlier, OutlierDetector
from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.evaluation.observed import Observed
from log_guard.core.events import SECOND, DeadLetter, RawBatch
from log_guard.core.feedback.spared import Spared
from log_guard.core.learning.model import Model
from log_guard.core.ledger import Ledger
from log_guard.core.masking import Masker
from log_guard.core.results import Alert, Result
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import COMPILED_AFTER, Intake, IntakeOptions, Taken
from log_guard.core.summarising.summaries import Summarizer
from log_guard.core.windows import WindowSpec

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
    compiled_after: int | None = COMPILED_AFTER
    """Bytes of a source after which compiled code reads it, for 120 MB of memory; None: it never does."""


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
        outlier: OutlierDetector | Outlier | None = None,
    ) -> None:
        self.options = options or PipelineOptions()
        self.decoder = decoder
        self.ledger = Ledger()
        self.detect = Detect(self.options.window, self.options.detect, model, outlier)
        self.episodes = Episodes(EpisodeRules(slide=self.options.window.slide))
        self.observed = Observed()
        detect = self.options.detect
        since = detect.train_until if model is None else None
        self.spared = Spared(detect.feedback.suppressions, self.options.window.slide, since)
        self._given_up = 0  # events that the windows could not take any more
        self._intakes: dict[int, Intake] = {}

    @property
    def event_time(self) -> int | None:
        """Highest event time so far, µs."""
        return max(
            (i.clock.high for i in self._intakes.values() if i.clock.high is not None), default=None
        )

    def written_by(self, time: int) -> None:
        """Say when the next lines were written at the latest, µs: the year of times that name none."""
        self.decoder = replace(self.decoder, reference=time)
        for intake in self._intakes.values():
            intake.decoder = self.decoder

    def feed(self, batch: RawBatch, *, early: bool = False) -> Output:
        """Take in raw lines; ``early`` also judges the windows that are still open."""
        intake = self._intakes.get(batch.source)
        if intake is None:
            intake = intake_of(self.options, self.decoder, batch.source)
            self._intakes[batch.source] = intake
        out = Output()
        self._enter(intake.take(batch), out)
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
        for intake in self._intakes.values():
            taken = intake.finish()
            if taken is not None:
                self._enter(taken, out)
        self._advance(out, early=False)
        self._publish(self.detect.finish(self.ledger.consumed), out)
        out.alerts += self._observed([], self.episodes.finish())
        return out

    def _enter(self, taken: Taken, out: Output) -> None:
        self.ledger.consumed += taken.consumed
        self.ledger.late += taken.late
        self.ledger.dead_lettered += len(taken.dead)
        out.dead += taken.dead
        self.spared.take(taken.summary)
        self.detect.add(taken.summary)

    def _advance(self, out: Output, *, early: bool) -> None:
        clocks = [intake.clock for intake in self._intakes.values()]
        marks = [clock.watermark for clock in clocks if clock.watermark is not None]
        if not marks:
            return
        results = self.detect.advance(min(marks), self.ledger.consumed)
        if early:
            results += self.detect.peek(self.ledger.consumed)
        self._publish(results, out)

    def _publish(self, results: list[Result], out: Output) -> None:
        self.ledger.scored = self.detect.windows.scored
        self.ledger.late += self.detect.windows.too_late - self._given_up
        self._given_up = self.detect.windows.too_late
        out.results += results
        out.alerts += self._observed(results, self.episodes.add(results))

    def _observed(self, results: list[Result], alerts: list[Alert]) -> list[Alert]:
        detect = self.detect
        self.observed.take(results, alerts, detect.feedback.labels, detect.promised)
        return alerts


def intake_of(options: PipelineOptions, decoder: Decoder, source: int) -> Intake:
    """What takes in one source under these options."""
    rules = TimeRules(
        slide=options.window.slide,
        lateness=options.lateness,
        max_lateness=options.window.max_lateness,
    )
    how = IntakeOptions(bool(options.detect.group_by), options.blank_level)
    summarizer = Summarizer(options.window.slide, options.masker)
    return Intake(decoder, rules, summarizer, how, source, compiled_after=options.compiled_after)
