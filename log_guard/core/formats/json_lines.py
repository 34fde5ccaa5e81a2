"""JSON lines, under the names that the usual loggers give their fields.

OpenTelemetry, ECS, Bunyan and pino, Docker's json-file, ``journalctl -o json``, structlog, zap, slog and
python-json-logger are read as they are. Most records take the fast path: polars parses the batch and only the
four fields that matter become columns. A record that lacks one of them, or that polars refuses,
is read on its own (:mod:`log_guard.core.formats.json_record`); which path a record takes depends on the record
alone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.formats.base import RAW_SCHEMA
from log_guard.core.formats.json_record import (
    ALIASES,
    OTEL_NUMBERS,
    SYSLOG_NUMBERS,
    Fields,
    has_deep_fields,
    parse_record,
)

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
        return JsonLines(
            Fields(best(f.timestamp), best(f.level), service, best(f.message)), f, self.group
        )

    def parse(self, records: pl.Series) -> pl.DataFrame:
        lines = [(line or "").encode() for line in records.to_list()]
        if any(b"\n" in line for line in lines):
            return pl.concat(
                [_rows([parse_record(line, self.fields, self.group)]) for line in lines]
            )
        return self.parse_data(b"\n".join(lines), len(lines))

    def parse_data(self, data: bytes, lines: int) -> pl.DataFrame:
        """Parse ``lines`` newline-separated records."""
        frame = self._fast(data, lines) if lines else None
        if frame is not None and not frame["slow"].any():
            return frame.drop("slow")
        split = data.split(b"\n")[:lines]
        if frame is None:
            return self._piecewise(split)
        return self._mend(frame, split)

    def _fast(self, data: bytes, lines: int) -> pl.DataFrame | None:
        """Let polars parse all; None if it refuses one of them. ``slow`` marks what needs a second look."""
        names = [
            key[0]
            for key in (self.keys.timestamp, self.keys.level, self.keys.service, self.keys.message)
            if key
        ]
        if not self.keys.timestamp or not self.keys.message or self.group:
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
        slow = pl.col("timestamp").is_null() | pl.col("message").is_null()
        if self.keys.level:
            slow = slow | pl.col("level").is_null()
        if self.keys.service:
            slow = slow | pl.col("service").is_null() | pl.col("service").str.starts_with("{")
        opening = pl.col("message").str.head(1)
        slow = (
            slow
            | (opening == "{")
            | (opening == "[")
            | pl.col("timestamp").str.contains("{", literal=True)
        )
        if self.keys.message[0] in ("log", "MESSAGE"):
            shaped = shaped.with_columns(pl.col("message").str.strip_chars_end("\r\n"))
        return shaped.with_columns(slow.fill_null(True).alias("slow"))

    def _level(self) -> pl.Expr:
        if not self.keys.level:
            return pl.lit(None, dtype=pl.String)
        key = self.keys.level[0]
        numbers = SYSLOG_NUMBERS.get(key) or OTEL_NUMBERS.get(key)
        return pl.col(key).replace(numbers) if numbers else pl.col(key)

    def _mend(self, frame: pl.DataFrame, split: list[bytes]) -> pl.DataFrame:
        at = frame["slow"].arg_true().to_list()
        mended = _rows([parse_record(split[i], self.fields, self.group) for i in at])
        rest = frame.drop("slow").with_row_index("i").filter(~frame["slow"])
        return (
            pl.concat(
                [
                    rest,
                    mended.with_columns(pl.Series("i", at, dtype=pl.UInt32)).select(
                        "i", *RAW_SCHEMA
                    ),
                ]
            )
            .sort("i")
            .drop("i")
        )

    def _piecewise(self, split: list[bytes]) -> pl.DataFrame:
        """Keep what cannot be JSON from the fast path, then halve until only the culprits are left."""
        good = [i for i, line in enumerate(split) if line[:1] == b"{" and line[-1:] in b"}\r"]
        frame = self._halve([split[i] for i in good])
        bad = sorted(set(range(len(split))) - set(good))
        mended = _rows([parse_record(split[i], self.fields, self.group) for i in bad])
        order = pl.Series("i", [*good, *bad], dtype=pl.UInt32)
        return pl.concat([frame, mended]).with_columns(order).sort("i").drop("i")

    def _halve(self, lines: list[bytes]) -> pl.DataFrame:
        if not lines:
            return pl.DataFrame(schema=RAW_SCHEMA)
        frame = self._fast(b"\n".join(lines), len(lines))
        if frame is not None:
            return self._mend(frame, lines) if frame["slow"].any() else frame.drop("slow")
        if len(lines) == 1:
            return _rows([parse_record(lines[0], self.fields, self.group)])
        if not (self.keys.timestamp and self.keys.message) or self.group:
            return _rows([parse_record(line, self.fields, self.group) for line in lines])
        middle = len(lines) // 2
        return pl.concat([self._halve(lines[:middle]), self._halve(lines[middle:])])


def _rows(rows: list[tuple[str | None, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=RAW_SCHEMA, orient="row")
