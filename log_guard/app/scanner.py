"""The Python API for lines as they come: results come back when event time has passed their windows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from log_guard.adapters.feedback import read_feedback
from log_guard.adapters.files import BatchCutter
from log_guard.adapters.models import open_model
from log_guard.app.inspecting import ReadOptions, decoder_of, format_of, joins_lines, now
from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.app.scan import check_windows, choose_detector
from log_guard.core.decoding.decode import MAX_LINE_BYTES, Decoder
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, UNKNOWN_SERVICE, RawBatch
from log_guard.core.feedback.feedback import Feedback
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
    feedback: str | Path | None,
) -> PipelineOptions:
    """What the Python API takes, as the pipeline has it."""
    if train_until is not None:
        if not isinstance(train_until, datetime):
            raise TypeError(f"train_until is a datetime, not {_named(train_until)}")
        if train_until.tzinfo is None:
            train_until = train_until.replace(tzinfo=UTC)
    until = None if train_until is None else int(train_until.timestamp() * SECOND)
    return PipelineOptions(
        window=WindowSpec(window_seconds * SECOND, slide_seconds * SECOND),
        detect=DetectOptions(
            detector=detector,
            train_until=until,
            false_alarms_per_day=false_alarms_per_day,
            feedback=Feedback() if feedback is None else read_feedback(Path(feedback)),
        ),
    )


class Scanner:
    """Feed lines as they come; results come back when event time has passed their windows.

    The format is recognised from the first 20 lines, which are held until then, unless it is given.
    Lines of one event (stack traces) are joined, so the last event is held until the next one starts.

    Without a ``model`` it learns from the first 5 minutes (10 windows) of event time, and again
    each time that what it has seen has doubled. ``feedback`` is the file that ``logguard suppress`` and
    ``label`` write. Not safe for use by several threads at once.
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
        feedback: str | Path | None = None,
    ) -> None:
        options = pipeline_options(
            window_seconds, slide_seconds, None, detector, false_alarms_per_day, feedback
        )
        options, outlier = choose_detector(options)
        self._read = ReadOptions(service=service, timezone=timezone)
        known = None if format is None else format_of(format)
        decoder = Decoder(known or format_of("json"), service=service, timezone=timezone)
        trained = None if model is None else open_model(model)
        if trained is not None:
            check_windows(trained, options)
        self._pipeline = Pipeline(decoder, options, trained, outlier)
        self._first: list[bytes] = []  # lines before the format is known
        self._cutter = None if known is None else _cutter(decoder)
        self._finished = False

    @property
    def ledger(self) -> Ledger:
        """The accounts so far; lines that are held are not in it."""
        return self._pipeline.ledger

    def feed(self, lines: Iterable[bytes | str]) -> list[Result | Alert]:
        """Take in the next lines, in the order of the log; return what they brought to light.

        Lines may have their line ending or not; a text that holds several lines is several lines.
        Raises InputError where the first lines have no format, or no times, that could be recognised,
        and TypeError, with nothing taken in, where these are no lines.
        """
        if self._finished:
            raise RuntimeError("this Scanner is finished: make a new one for more lines")
        raw = [line for text in _texts(lines) for line in text.removesuffix(b"\n").split(b"\n")]
        if self._cutter is not None:
            return self._take(self._cutter, raw)
        self._first += raw
        if sum(bool(line.strip()) for line in self._first) < TELLING:
            return []
        return self._begin(may_wait=len(self._first) < MOST)

    def finish(self) -> list[Result | Alert | Ledger]:
        """End the stream: publish the windows still open, resolve the alerts, and give the ledger last.

        A finished scanner has nothing more to say: finished again, it returns nothing.
        """
        if self._finished:
            return []
        self._finished = True
        begun: list[Result | Alert] = []
        if self._cutter is None and any(line.strip() for line in self._first):
            begun = self._begin(may_wait=False)
        if self._cutter is not None:
            begun += self._fed(self._cutter.finish())
        return [*begun, *_items(self._pipeline.finish()), self.ledger]

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


def _texts(lines: Iterable[bytes | str]) -> list[bytes]:
    """What was fed, as bytes; TypeError where it is no batch of lines."""
    if isinstance(lines, str | bytes) or not isinstance(lines, Iterable):
        raise TypeError(
            f"feed takes a batch of lines, such as a list of str or bytes, not {_named(lines)}: one line is feed([line])"
        )
    texts = []
    for line in lines:
        if isinstance(line, str):
            # What is no Unicode becomes bytes that are no UTF-8, and is treated as such bytes in a file are.
            texts.append(line.encode("utf-8", errors="surrogatepass"))
        elif isinstance(line, bytes):
            texts.append(line)
        else:
            raise TypeError(
                f"feed takes lines that are str or bytes; there is {_named(line)} among them"
            )
    return texts


def _named(value: object) -> str:
    return "None" if value is None else f"an object of type {type(value).__name__}"


def _cutter(decoder: Decoder) -> BatchCutter:
    return BatchCutter(MAX_LINE_BYTES, joins_lines(decoder))


def _items(out: Output) -> list[Result | Alert]:
    return [*out.results, *out.alerts]
