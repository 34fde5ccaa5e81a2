"""The Python API for lines as they come: results come back when event time has passed their windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from log_guard.adapters.files import BatchCutter
from log_guard.adapters.models import load_model
from log_guard.app.inspecting import ReadOptions, decoder_of, format_of, joins_lines, now
from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.app.scan import choose_detector
from log_guard.core.decoding.decode import MAX_LINE_BYTES, Decoder
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, UNKNOWN_SERVICE, RawBatch
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Result
from log_guard.core.windows import WindowSpec
from log_guard.errors import InputError

TELLING = 20
"""Lines that are waited for before the format is recognised: one alone may be a banner, or within a stack trace."""
MOST = 200
"""Lines after which it must have been."""
_CALLED = "the lines fed"


def pipeline_options(
    window_seconds: int,
    slide_seconds: int,
    train_until: datetime | None,
    detector: str,
    false_alarms_per_day: float,
) -> PipelineOptions:
    """What the Python API takes, as the pipeline has it."""
    until = None if train_until is None else int(train_until.timestamp() * SECOND)
    return PipelineOptions(
        window=WindowSpec(window_seconds * SECOND, slide_seconds * SECOND),
        detect=DetectOptions(
            detector=detector, train_until=until, false_alarms_per_day=false_alarms_per_day
        ),
    )


class Scanner:
    """Feed lines as they come; results come back when event time has passed their windows.

    The format is recognised from the first 20 lines, which are held until then, unless it is given.
    Lines of one event (stack traces) are joined, so the last event is held until the next one starts.

    Without a ``model`` it learns from the first 5 minutes (10 windows) of event time, and again
    each time that what it has seen has doubled. Not safe for use by several threads at once.
    """

    def __init__(
        self,
        *,
        model: str | Path | None = None,
        format: str | None = None,
        window_seconds: int = 30,
        slide_seconds: int = 5,
        detector: str = "fusion",
        false_alarms_per_day: float = 2.0,
        service: str = UNKNOWN_SERVICE,
        timezone: str = "UTC",
    ) -> None:
        options = pipeline_options(
            window_seconds, slide_seconds, None, detector, false_alarms_per_day
        )
        options, outlier = choose_detector(options)
        self._read = ReadOptions(service=service, timezone=timezone)
        known = None if format is None else format_of(format)
        decoder = Decoder(known or format_of("json"), service=service, timezone=timezone)
        trained = None if model is None else load_model(model)
        self._pipeline = Pipeline(decoder, options, trained, outlier)
        self._first: list[bytes] = []  # lines before the format is known
        self._cutter = None if known is None else _cutter(decoder)

    @property
    def ledger(self) -> Ledger:
        """The accounts so far; lines that are held are not in it."""
        return self._pipeline.ledger

    def feed(self, lines: Iterable[bytes | str]) -> list[Result | Alert]:
        """Take in the next lines, in the order of the log; return what they brought to light.

        Raises InputError where the first lines have no format, or no times, that could be recognised.
        """
        raw = [line.encode() if isinstance(line, str) else line for line in lines]
        raw = [line.removesuffix(b"\n") for line in raw]
        if self._cutter is not None:
            return self._take(self._cutter, raw)
        self._first += raw
        if sum(bool(line.strip()) for line in self._first) < TELLING:
            return []
        return self._begin(may_wait=len(self._first) < MOST)

    def finish(self) -> list[Result | Alert]:
        """End the stream: publish the windows still open and resolve the alerts."""
        begun: list[Result | Alert] = []
        if self._cutter is None and any(line.strip() for line in self._first):
            begun = self._begin(may_wait=False)
        if self._cutter is not None:
            begun += self._fed(self._cutter.finish())
        return begun + _items(self._pipeline.finish())

    def _begin(self, *, may_wait: bool) -> list[Result | Alert]:
        """Take in the lines held, if they tell the format; InputError if not and no more is waited for."""
        try:
            decoder = decoder_of(self._first[:MOST], _CALLED, self._read)
        except InputError:
            if may_wait:
                return []
            raise
        self._pipeline.decoder = decoder
        self._cutter = _cutter(decoder)
        first, self._first = self._first, []
        return self._take(self._cutter, first)

    def _take(self, cutter: BatchCutter, lines: list[bytes]) -> list[Result | Alert]:
        if not lines:
            return []
        cutter.add(b"\n".join(lines) + b"\n")
        return self._fed(cutter.take())

    def _fed(self, batches: Iterator[RawBatch]) -> list[Result | Alert]:
        self._pipeline.written_by(now())
        return [item for batch in batches for item in _items(self._pipeline.feed(batch))]


def _cutter(decoder: Decoder) -> BatchCutter:
    return BatchCutter(MAX_LINE_BYTES, joins_lines(decoder))


def _items(out: Output) -> list[Result | Alert]:
    return [*out.results, *out.alerts]
