"""OTLP's JSON: one line that holds many log records, as the OpenTelemetry collector writes it.

Its file and Kafka exporters write ``{"resourceLogs": [...]}``: by resource and by scope, the records of a
batch. Each record becomes a JSON line of its own under plain names, so that from here on they are
lines like any others; all of them keep the position of the line that they came in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from log_guard.core.decoding.formats.json_record import OTEL_NUMBERS

MARK = b'"resourceLogs"'
"""A line without it is no envelope; most batches have none in all of them."""

_SCALARS = ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue")


def unpack(data: bytes, positions: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Lines (newline-separated, positions (n,)) → lines with a record each, (m,) positions."""
    lines: list[bytes] = []
    counts: list[int] = []
    for line in data.split(b"\n"):
        records = unpacked(line)
        lines += records
        counts.append(len(records))
    return b"\n".join(lines), np.repeat(positions, counts)


def unpack_lines(lines: Sequence[str]) -> list[str]:
    """The same for sample lines."""
    return [
        record.decode("utf-8")
        for line in lines
        for record in unpacked(line.encode("utf-8", errors="replace"))
    ]


def unpacked(line: bytes) -> list[bytes]:
    """Records of an envelope; a line that is none, or that holds no record, as it is."""
    if MARK not in line:
        return [line]
    try:
        envelope = json.loads(line.decode("utf-8", errors="replace"), strict=False)
        if isinstance(envelope, dict) and isinstance(envelope.get("resourceLogs"), list):
            # By resource, they are out of order, and whoever comes second would be late.
            return [_line(r) for r in sorted(_records(envelope), key=_when)] or [line]
    except (ValueError, RecursionError):
        pass  # whoever reads the line next says what is wrong with it
    return [line]


def _records(envelope: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource_logs in _objects(envelope, "resourceLogs"):
        resource = resource_logs.get("resource")
        about = _attributes(resource if isinstance(resource, dict) else {})
        # "instrumentationLibraryLogs" is what scopes were called before OTLP 0.15.
        for name in ("scopeLogs", "instrumentationLibraryLogs"):
            for scope_logs in _objects(resource_logs, name):
                for record in _objects(scope_logs, "logRecords"):
                    yield _plain_record(record, about)


def _plain_record(record: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    """Unset fields are left out; in OTLP a time of 0 is an unset one."""
    fields = {
        "timestamp": _time(record.get("timeUnixNano")) or _time(record.get("observedTimeUnixNano")),
        "level": record.get("severityText") or OTEL_NUMBERS.get(str(record.get("severityNumber"))),
        "service": resource.get("service.name"),
        "message": _value(record.get("body")),
        "attributes": _attributes(record),
        "resource": resource,
    }
    return {name: value for name, value in fields.items() if value not in (None, {})}


def _time(value: object) -> object:
    return None if value in (0, "0", "") else value


def _when(record: dict[str, Any]) -> int:
    try:
        return int(record.get("timestamp", 0))
    except (TypeError, ValueError, OverflowError):
        return 0


def _objects(parent: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    children = parent.get(name)
    yield from (c for c in children if isinstance(c, dict)) if isinstance(children, list) else ()


def _attributes(parent: dict[str, Any]) -> dict[str, Any]:
    return {
        pair["key"]: _value(pair.get("value"))
        for pair in _objects(parent, "attributes")
        if isinstance(pair.get("key"), str)
    }


def _value(value: Any) -> Any:
    """OTLP's AnyValue as a plain one."""
    if not isinstance(value, dict):
        return value
    for kind in _SCALARS:
        if kind in value:
            return value[kind]
    if isinstance(array := value.get("arrayValue"), dict):
        return [_value(item) for item in _objects(array, "values")]
    if isinstance(pairs := value.get("kvlistValue"), dict):
        return _attributes({"attributes": pairs.get("values")})
    return value or None


def _line(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", errors="replace")
