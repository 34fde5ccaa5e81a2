"""What a source is: its format, its times, and where its events begin; or a sentence on why not."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from log_guard.adapters.files import FileSource, StartsEvent, UnlessAfter
from log_guard.adapters.summaries import is_summaries
from log_guard.app.named_fields import no_message, unknown_field
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS, Format, recognise
from log_guard.core.decoding.formats.container import Container
from log_guard.core.decoding.formats.cri import PIECE, Cri
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.json_record import ALIASES, Fields
from log_guard.core.decoding.formats.otlp import unpack_lines
from log_guard.core.decoding.formats.plain import GOES_ON, PlainText
from log_guard.core.events import SECOND, UNKNOWN_SERVICE, RawBatch
from log_guard.core.masking import redact
from log_guard.errors import InputError, OptionError

NEWEST_FIRST = "is the log sorted newest first? Turn it round (tac FILE | logguard try -)"
_SHOWN_CHARS = 80
_CARRIAGE_RETURNS = 10
"""So many in a file's only line are line ends."""
_NO_LOGS_BEFORE = 946_684_800 * SECOND  # the year 2000


def _silent(_text: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read a source. ``format`` None: recognise it. The four names: fields of JSON lines."""

    format: str | None = None
    service: str | None = None
    timezone: str = "UTC"
    timestamp_field: str = ""
    level_field: str = ""
    service_field: str = ""
    message_field: str = ""
    group_by: tuple[str, ...] = ("service",)
    year: int | None = None
    """Of the last of the times that name none; None: what the file's own date or the clock suggests."""
    tell: Callable[[str], object] = _silent
    """Takes sentences for a person, on what is odd about these options and this source."""

    @property
    def named(self) -> list[tuple[str, str]]:
        """Options, and the field of JSON lines that each names."""
        given = [
            ("--timestamp-field", self.timestamp_field),
            ("--level-field", self.level_field),
            ("--service-field", self.service_field),
            ("--message-field", self.message_field),
            *(("--group-by", name) for name in self.group_by if name != "service"),
        ]
        return [(option, name) for option, name in given if name]


def inspect(source: FileSource, read: ReadOptions) -> tuple[Decoder, tuple[int, int] | None]:
    """Recognise the format; also return the first and last event time, where the end can be seen."""
    if is_summaries(source.path):
        raise InputError(
            f"{source.path}: these are summaries, not a log: `logguard whatif` judges them, `logguard train` and "
            "--history learn from them"
        )
    sample = source.sample()
    lines = [line.decode("utf-8", errors="replace") for line in sample]
    if not any(line.strip() for line in lines):
        raise InputError(f"{_called(source)}: no lines in it")
    if len(lines) == 1 and lines[0].count("\r") >= _CARRIAGE_RETURNS:
        raise InputError(
            f"{_called(source)}: its lines end in a carriage return alone, as on old Macs, and so it is one line: "
            "tr '\\r' '\\n' < FILE | logguard try -"
        )
    decoder = Decoder(
        _format(lines, _called(source), read),
        service=read.service or _service_name(source.path),
        timezone=read.timezone,
        reference=_written_by(source, read.year),
    )
    tail = source.last_lines()
    end = _times(decoder, tail) if tail else None
    if read.year is not None and end is not None and not end.is_empty():
        # All lines lie before the last one, which is of that year: those of December maybe not.
        decoder = replace(decoder, reference=int(end[-1]))
    times = _times(decoder, sample)
    if times.is_empty():
        raise InputError(_no_timestamps(decoder, _called(source), lines))
    if _descends(times) and (end is None or end.is_empty() or int(end[-1]) < int(times[0])):
        raise InputError(f"{_called(source)}: its times go backwards; {NEWEST_FIRST}")
    if end is None or end.is_empty():
        return decoder, None
    # A stray line from another year at the end must not stretch the span.
    first = int(times.to_numpy().min())
    *_, second, last = [first, *end.sort().to_list()]
    if last - second > 366 * 86_400 * SECOND:
        last = second
    return decoder, (first, max(first, last))


def decoder_of(sample: list[bytes], called: str, read: ReadOptions) -> Decoder:
    """How to read lines that are handed over, of which these are the first; InputError as ``inspect``."""
    lines = [line.decode("utf-8", errors="replace") for line in sample]
    service = read.service or UNKNOWN_SERVICE
    decoder = Decoder(_format(lines, called, read), service, read.timezone, now())
    if _times(decoder, sample).is_empty():
        raise InputError(_no_timestamps(decoder, called, lines))
    return decoder


def joins_lines(decoder: Decoder) -> StartsEvent | None:
    """Where lines are joined to events: what tells which of them start one."""
    if isinstance(decoder.format, Cri):
        return UnlessAfter(re.compile(PIECE.encode()))
    starts = decoder.format.starts_event
    if not starts:
        return None
    begins, goes_on = re.compile(starts.encode()), re.compile(GOES_ON.encode())
    if isinstance(decoder.format, PlainText):
        return lambda line: begins.search(line) and not goes_on.search(line)
    return begins


def _written_by(source: FileSource, year: int | None) -> int:
    """When the lines of a source were written at the latest, µs."""
    if year is not None:
        # A text may lie a day after it, and is then still of this year.
        return int(datetime(year, 12, 30, 23, 59, 59, tzinfo=UTC).timestamp()) * SECOND
    changed = source.changed
    # Who packs files reproducibly dates them 1970 or 1980; there are no logs of then to be read.
    return now() if changed is None or changed < _NO_LOGS_BEFORE else changed


def year_taken(decoder: Decoder, source: FileSource) -> int | None:
    """The year that the last line was taken to be of, if its time names none."""
    last = (source.last_lines(1) or source.sample(1))[-1:]
    if not _times(replace(decoder, reference=None), last).is_empty():
        return None
    times = _times(decoder, last)
    return None if times.is_empty() else datetime.fromtimestamp(int(times[-1]) / SECOND, UTC).year


def now() -> int:
    """The clock, µs."""
    return int(datetime.now(UTC).timestamp() * SECOND)


def _descends(times: pl.Series) -> bool:
    """Whether these times (µs) go backwards: ten steps or more, and hardly any in the other direction."""
    steps = np.diff(times.to_numpy())
    back = int((steps < 0).sum())
    return back >= 10 and back > 10 * int((steps > 0).sum())


def named_services(source: FileSource, decoder: Decoder) -> list[str]:
    """The services that sample lines say they are of, sorted."""
    return [name for name in sampled_services(source, decoder) if name != decoder.service]


def sampled_services(source: FileSource, decoder: Decoder) -> list[str]:
    """The services that sample lines are of, or are taken for, sorted."""
    return sorted(_events(decoder, source.sample())["service"].unique().to_list())


def _times(decoder: Decoder, lines: list[bytes]) -> pl.Series:
    return _events(decoder, lines)["time"]


def _events(decoder: Decoder, lines: list[bytes]) -> pl.DataFrame:
    return decoder.decode(RawBatch(b"\n".join(lines), 1, multiline=True)).events


def _format(lines: list[str], called: str, read: ReadOptions) -> Format:
    fields: Fields = ALIASES.with_own(
        read.timestamp_field, read.level_field, read.service_field, read.message_field
    )
    found = format_of(read.format) if read.format is not None else recognise(lines)
    if found is None:
        raise InputError(
            f"{called}: format not recognised; looked for {', '.join(FORMATS)}. "
            f"Each event needs a date and a time of day, among the first words of its line or in a JSON field; "
            f"its first line is {_first_line(lines)}"
        )
    if isinstance(found, JsonLines):
        if not found.sniff(lines):
            raise InputError(
                f"{called}: no line of it is JSON; leave --input-format out, and its format is recognised; the first line "
                f"is {_first_line(lines)}"
            )
        group = () if read.group_by in ((), ("service",)) else read.group_by
        for option, name in read.named:
            alone = option == "--group-by" and len(read.group_by) == 1
            so = ", and so all are judged as one" if alone else ""
            text = unknown_field(option, name, lines, so)
            if text is not None:
                read.tell(f"{called}: {text}")
        text = no_message(fields, lines) if not read.message_field else None
        if text is not None:
            read.tell(f"{called}: {text}")
        return JsonLines(fields=fields, group=group).tuned(unpack_lines(lines))
    for option, name in read.named:
        raise OptionError(
            f"{option} {name}: {found.name} lines have no fields; "
            + ("use service or none" if option == "--group-by" else "leave it out")
        )
    return found.tuned(lines) if isinstance(found, Cri | Container) else found


def format_of(name: str) -> Format:
    """Return the format of this name; raises OptionError naming those there are."""
    if name not in FORMATS:
        raise OptionError(f"no format {name!r}: use {', '.join(FORMATS)}")
    return FORMATS[name]


def _no_timestamps(decoder: Decoder, called: str, lines: list[str]) -> str:
    if isinstance(decoder.format, JsonLines):
        looked = ", ".join(decoder.format.fields.timestamp[:8])
        return (
            f"{called}: JSON lines, but no timestamp found in them; looked for the fields {looked} and others, "
            "as ISO 8601 or as seconds, ms, µs or ns since 1970. Name the field with --timestamp-field NAME; "
            f"the first line is {_first_line(lines)}"
        )
    return f"{called}: {decoder.format.name} lines, but no timestamp could be read in {_first_line(lines)}"


def _first_line(lines: list[str]) -> str:
    """The first line that is not blank, as it can be shown."""
    first = redact(pl.Series([next((line for line in lines if line.strip()), "")]))[0]
    return repr(first if len(first) <= _SHOWN_CHARS else first[:_SHOWN_CHARS] + "…")


def _called(source: FileSource) -> str:
    return "standard input" if source.path == "-" else source.path


def _service_name(path: str) -> str:
    """Name of a log that names no service: its file's, without what was appended to it."""
    if path == "-":
        return UNKNOWN_SERVICE
    name = re.sub(r"(\.(gz|zst|log|txt|json|jsonl|ndjson|\d+))+$", "", Path(path).name)
    return name or UNKNOWN_SERVICE
