"""The Python API: scan a file, or feed batches of lines, and get results with their evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from log_guard.adapters.models import load_model
from log_guard.app.inspecting import ReadOptions, format_of, now
from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.app.scan import choose_detector, open_scan
from log_guard.core.decode import Decoder
from log_guard.core.detect import DetectOptions
from log_guard.core.events import SECOND, UNKNOWN_SERVICE, RawBatch
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Result
from log_guard.core.windows import WindowSpec
from log_guard.errors import LogGuardError

__all__ = ["Alert", "Ledger", "LogGuardError", "Result", "Scanner", "scan"]


def _options(
    window_seconds: int,
    slide_seconds: int,
    train_until: datetime | None,
    detector: str,
    false_alarms_per_day: float,
) -> PipelineOptions:
    until = None if train_until is None else int(train_until.timestamp() * SECOND)
    return PipelineOptions(
        window=WindowSpec(window_seconds * SECOND, slide_seconds * SECOND),
        detect=DetectOptions(
            detector=detector, train_until=until, false_alarms_per_day=false_alarms_per_day
        ),
    )


def scan(
    path: str | Path,
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
) -> Iterator[Result | Alert | Ledger]:
    """Scan a log file: what ``logguard try`` does.

    Learns from the first third, or from what lies before ``train_until``, or from the log
    ``history``, or judges by the model directory ``model``. Yields results and alerts as the log
    is read, and the ledger last. Raises :class:`LogGuardError`, whose text names the repair.
    """
    options = _options(window_seconds, slide_seconds, train_until, detector, false_alarms_per_day)
    read = ReadOptions(format=format, service=service, timezone=timezone)
    opened = open_scan(
        str(path), options, read, history=None if history is None else str(history), model=model
    )
    for out in opened.run():
        yield from out.results
        yield from out.alerts
    yield opened.pipeline.ledger


class Scanner:
    """Feed lines as they come; results come back when event time has passed their windows.

    Without a ``model`` it learns from the first 5 minutes (10 windows) of event time, and again
    each time that what it has seen has doubled. Not safe for use by several threads at once.
    """

    def __init__(
        self,
        *,
        model: str | Path | None = None,
        format: str = "json",
        window_seconds: int = 30,
        slide_seconds: int = 5,
        detector: str = "fusion",
        false_alarms_per_day: float = 2.0,
        service: str = UNKNOWN_SERVICE,
        timezone: str = "UTC",
    ) -> None:
        options = _options(window_seconds, slide_seconds, None, detector, false_alarms_per_day)
        options, outlier = choose_detector(options)
        decoder = Decoder(format_of(format), service=service, timezone=timezone)
        trained = None if model is None else load_model(model)
        self._pipeline = Pipeline(decoder, options, trained, outlier)
        self._line = 1

    @property
    def ledger(self) -> Ledger:
        """The accounts so far."""
        return self._pipeline.ledger

    def feed(self, lines: Iterable[bytes | str]) -> list[Result | Alert]:
        """Take in the next lines, in the order of the log; return what they brought to light."""
        raw = [line.encode() if isinstance(line, str) else line for line in lines]
        if not raw:
            return []
        data = b"\n".join(line.removesuffix(b"\n") for line in raw) + b"\n"
        self._pipeline.written_by(now())
        batch = RawBatch(data, self._line)
        self._line += data.count(b"\n")
        return _items(self._pipeline.feed(batch))

    def finish(self) -> list[Result | Alert]:
        """End the stream: publish the windows still open and resolve the alerts."""
        return _items(self._pipeline.finish())


def _items(out: Output) -> list[Result | Alert]:
    return [*out.results, *out.alerts]
