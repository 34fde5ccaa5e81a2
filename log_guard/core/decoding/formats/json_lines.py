"""JSON lines, under the names that the usual loggers give their fields.

OpenTelemetry, ECS, Bunyan and pino, Docker's json-file, ``journalctl -o json``, structlog, zap, slog and
python-json-logger are read as they are. Most records take the fast path: polars parses the batch and only the
four fields that matter become columns. A record that lacks one of them, or that polars refuses,
is read on its own (:mod:`log_guard.core.decoding.formats.json_record`); which path a record takes depends on the record
alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from log_guard.core.decoding.formats import json_cause, status
from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.decoding.formats.json_record import (
    ALIASES,
    MAY_BE_EMPTY,
    Fields,
    has_deep_fields,
    numbers_of,
    parse_record,
)

_Bounds = npt.NDArray[np.int64]

_FEW = 1_000
"""Up to so many lines it is cheaper to look at each than to let polars find that it cannot read one."""

# One expression each, for polars remembers few.
_SEEN = "|".join((*json_cause.MARKS, *status.MARKS))
_BADLY = f"{json_cause.TOLD}|{status.BADLY}"
_SAYING = f"{json_cause.TOLD}|{status.SAYING}"

_PACKED = (b"\x1f\x8b", b"x", b"(\xb5/\xfd")
"""What polars takes for the beginning of data to be unpacked."""

PLAIN_NAMES = Fields(("timestamp",), ("level",), ("service",), ("message",))


@dataclass(frozen=True)
class JsonLines:
    """JSON lines; ``keys`` are the top-level names that the fast path reads.

    ``group``: fields that together take the place of the service, joined by ``/``.
    """

    keys: Fields = PLAIN_NAMES
    fields: Fields = ALIASES
    group: tuple[str, ...] = ()
    name: str = "json"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        return sum(self._is_object(line) for line in lines) / max(len(lines), 1)

    @staticmethod
    def _is_object(line: str) -> bool:
        if not line.lstrip().startswith("{"):
            return False
        try:
            return isinstance(json.loads(line, strict=False), dict)
        except (ValueError, RecursionError):
            return False

    def tuned(self, lines: Sequence[str]) -> JsonLines:
        """Aim the fast path at the names that these sample lines use."""
        seen: dict[str, int] = {}
        deep = 0
        for line in lines:
            if self._is_object(line):
                record = json.loads(line, strict=False)
                deep += has_deep_fields(record, self.fields)
                for key, value in record.items():
                    seen[key] = seen.get(key, 0) + (value is not None)
        if deep:
            # The fast path reads top-level names only, and would miss what lies deeper.
            return JsonLines(Fields((), (), (), ()), self.fields, self.group)

        def best(names: tuple[str, ...]) -> tuple[str, ...]:
            found = [name for name in names if seen.get(name)]
            return (max(found, key=lambda name: (seen[name], -names.index(name))),) if found else ()

        f = self.fields
        service = () if self.group else best(f.service)
        named = any("status" in names for names in (f.timestamp, f.service, f.message))
        level = best(f.level) or (() if named else best(("status",)) or best((status.WORDED,)))
        return JsonLines(Fields(best(f.timestamp), level, service, best(f.message)), f, self.group)

    def parse(self, records: pl.Series) -> pl.DataFrame:
        lines = [(line or "").encode() for line in records.to_list()]
        if any(b"\n" in line for line in lines):
            return pl.concat(
                [_rows([parse_record(line, self.fields, self.group)]) for line in lines]
            )
        return self.parse_data(b"\n".join(lines), len(lines))

    def parse_data(self, data: bytes, lines: int) -> pl.DataFrame:
        """Parse ``lines`` newline-separated records."""
        if not lines:
            return pl.DataFrame(schema=RAW_SCHEMA)
        starts, ends = _line_bounds(data, lines)
        is_odd, lacking = _no_object(data, starts, ends), None
        if lines <= _FEW:
            lacking = self._lacking([data[a:b] for a, b in zip(starts, ends, strict=True)])
            is_odd |= lacking
        odd = np.flatnonzero(is_odd)
        if not len(odd):
            return self._parse_objects(data, starts, ends)
        # What cannot be an object goes its own way, and the rest stays one batch.
        good = np.delete(np.arange(lines), odd)
        rest = _without(data, starts, ends, odd)
        alone = [data[starts[i] : ends[i]] for i in odd.tolist()]
        others = self._parse_odd(alone, self._lacking(alone) if lacking is None else lacking[odd])
        if not len(good):
            return others
        return _in_order(self.parse_data(rest, len(good)), good, others, odd)

    def _parse_odd(self, lines: list[bytes], lacking: npt.NDArray[np.bool_]) -> pl.DataFrame:
        """Lines that do not look like objects; all of a log does that puts spaces around them.

        lacking:  as :meth:`_lacking` tells, (lines,).
        """
        if lacking.all():
            return _rows([self._record(line) for line in lines])
        frame = self._fast(b"\n".join(lines), len(lines))
        if frame is None:
            return _rows([self._record(line) for line in lines])
        return self._mended(frame, lines.__getitem__)

    def _lacking(self, lines: list[bytes]) -> npt.NDArray[np.bool_]:
        """In which lines the fast path would miss a field: its name stands nowhere in them, (lines,)."""
        keys = self.keys
        names = (*keys.timestamp, *keys.level, *keys.service, *keys.message)
        quoted = [f'"{name}"'.encode() for name in names]
        lacking = [b"\\" not in line and any(name not in line for name in quoted) for line in lines]
        return np.array(lacking, np.bool_)

    def _mended(self, frame: pl.DataFrame, line: Callable[[int], bytes]) -> pl.DataFrame:
        """What polars made of lines, those that need a second look read again one by one."""
        slow = frame["slow"].to_numpy()
        shaped = frame.drop("slow")
        if not slow.any():
            return shaped
        at = np.flatnonzero(slow)
        again = _rows([self._record(line(i)) for i in at.tolist()])
        return _in_order(shaped.filter(~frame["slow"]), np.flatnonzero(~slow), again, at)

    def _parse_objects(self, data: bytes, starts: _Bounds, ends: _Bounds) -> pl.DataFrame:
        """Parse lines that look like objects: all at once or, where one spoils it, by halves."""
        lines = len(starts)
        frame = self._fast(data, lines)
        if frame is not None:
            return self._mended(frame, lambda i: data[starts[i] : ends[i]])
        if lines == 1 or not self._may_be_fast:
            return _rows(
                [
                    self._record(data[a:b])
                    for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
                ]
            )
        middle = lines // 2
        cut = int(starts[middle])
        return pl.concat(
            [
                self._parse_objects(data[: cut - 1], starts[:middle], ends[:middle]),
                self._parse_objects(data[cut:], starts[middle:] - cut, ends[middle:] - cut),
            ]
        )

    def _record(self, line: bytes) -> tuple[str | None, ...]:
        return parse_record(line, self.fields, self.group)

    @property
    def _may_be_fast(self) -> bool:
        return bool(self.keys.timestamp and self.keys.message) and not self.group

    @property
    def _by_status(self) -> bool:
        """Whether the fast path takes the level from what a status says."""
        level = self.keys.level
        return level in (("status",), (status.WORDED,)) and level[0] not in self.fields.level

    @property
    def flat_keys(self) -> tuple[str, str, str, str] | None:
        """Names of time, level, service ("": none) and message, if compiled code can look for them."""
        if not self._may_be_fast or not self.keys.level or self._by_status:
            return None
        level = self.keys.level[0]
        if numbers_of(level, self.keys.message[0]):
            return None
        service = self.keys.service[0] if self.keys.service else ""
        return self.keys.timestamp[0], level, service, self.keys.message[0]

    @property
    def names_before(self) -> tuple[str, ...]:
        """Names that go before those of ``flat_keys`` where a record is read on its own."""
        f, k = self.fields, self.keys
        pairs = ((f.timestamp, k.timestamp), (f.level, k.level), (f.service, k.service))
        return tuple(
            name
            for names, taken in (*pairs, (f.message, k.message))
            for name in (names[: names.index(taken[0])] if taken and taken[0] in names else names)
        )

    def _fast(self, data: bytes, lines: int) -> pl.DataFrame | None:
        """Let polars parse all; None if it refuses one of them. ``slow`` marks what needs a second look."""
        names = [
            key[0]
            for key in (self.keys.timestamp, self.keys.level, self.keys.service, self.keys.message)
            if key
        ]
        if not self._may_be_fast or data.startswith(_PACKED):
            return None
        try:
            frame = pl.read_ndjson(data, schema=dict.fromkeys(names, pl.String), ignore_errors=True)
        except (pl.exceptions.PolarsError, UnicodeDecodeError):
            return None
        if frame.height != lines:
            return None
        column = {
            "timestamp": pl.col(self.keys.timestamp[0]),
            "level": self._level(),
            "service": pl.col(self.keys.service[0])
            if self.keys.service
            else pl.lit(None, dtype=pl.String),
            "message": pl.col(self.keys.message[0]),
        }
        shaped = frame.select(
            **column,
            reason=pl.lit(None, dtype=pl.String),
        )
        message = pl.col("message")
        slow = pl.col("timestamp").is_null() | message.is_null()
        if self.keys.message[0] in MAY_BE_EMPTY:
            slow = slow | (message == "")
        if self.keys.level:
            slow = slow | pl.col("level").is_null()
        if self.keys.service:
            slow = slow | pl.col("service").is_null() | pl.col("service").str.starts_with("{")
        opening = message.str.head(1)
        slow = (
            slow
            | (opening == "{")
            | (opening == "[")
            | pl.col("timestamp").str.contains("{", literal=True)
        )
        if self.keys.message[0] in ("log", "MESSAGE"):
            shaped = shaped.with_columns(pl.col("message").str.strip_chars_end("\r\n"))
        more = _may_tell_more(data, lines, has_level=bool(self.keys.level))
        return shaped.with_columns((slow.fill_null(True) | more).alias("slow"))

    def _level(self) -> pl.Expr:
        if not self.keys.level:
            return pl.lit(None, dtype=pl.String)
        key = self.keys.level[0]
        if self._by_status:
            levels = status.LEVEL_OF if key == "status" else status.WORD_LEVELS
            return pl.col(key).str.to_lowercase().replace_strict(levels, default=None)
        numbers = numbers_of(key, self.keys.message[0])
        return pl.col(key).replace(numbers) if numbers else pl.col(key)


def _may_tell_more(data: bytes, lines: int, *, has_level: bool) -> pl.Series:
    """Which newline-separated records may tell, beside the four fields, a cause or a status, (lines,)."""
    text = pl.Series([data.decode("utf-8", errors="replace")]).str.split("\n").explode()
    text = text.head(lines)
    found = text.str.contains(_SEEN)
    at = found.arg_true()
    told = _BADLY if has_level else _SAYING
    return found.scatter(at, text.gather(at).str.contains(told)) if len(at) else found


def _line_bounds(data: bytes, lines: int) -> tuple[_Bounds, _Bounds]:
    """Where each line starts and ends (its newline not included), each (lines,)."""
    breaks = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))[: lines - 1]
    starts = np.concatenate([np.zeros(1, np.int64), breaks + 1])
    after = data.find(b"\n", int(starts[-1]))
    return starts, np.append(breaks, len(data) if after < 0 else after)


def _no_object(data: bytes, starts: _Bounds, ends: _Bounds) -> npt.NDArray[np.bool_]:
    """Which lines do not begin and end as an object does, (lines,)."""
    text = np.frombuffer(data + b"\n", np.uint8)
    last = text[np.maximum(ends - 1, starts)]
    odd: npt.NDArray[np.bool_] = (text[starts] != ord("{")) | (
        (last != ord("}")) & (last != ord("\r"))
    )
    return odd


def _without(data: bytes, starts: _Bounds, ends: _Bounds, odd: _Bounds) -> bytes:
    """The other lines, newline-separated."""
    view = memoryview(data)
    froms = [0, *(ends[odd] + 1).tolist()]
    tos = [*starts[odd].tolist(), int(ends[-1]) + 1]
    joined = b"".join(view[a:b] for a, b in zip(froms, tos, strict=True) if a < b)
    return joined.removesuffix(b"\n")


def _in_order(
    some: pl.DataFrame, at: _Bounds, others: pl.DataFrame, others_at: _Bounds
) -> pl.DataFrame:
    """Rows of both frames by the line that each was made of."""
    place = np.empty(len(at) + len(others_at), np.int64)
    place[np.concatenate([at, others_at])] = np.arange(len(place))
    return pl.concat([some, others])[place]


def _rows(rows: list[tuple[str | None, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=RAW_SCHEMA, orient="row")
