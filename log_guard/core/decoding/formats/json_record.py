"""One JSON record, under any of the usual names: the exact path, a record at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from log_guard.core.decoding.formats import status
from log_guard.core.decoding.formats.json_cause import MARKS, with_cause


@dataclass(frozen=True)
class Fields:
    """Names under which each field is looked for, the first that has a value wins.

    ``a.b`` is a key with a dot in it or ``b`` within the object ``a``.
    """

    timestamp: tuple[str, ...]
    level: tuple[str, ...]
    service: tuple[str, ...]
    message: tuple[str, ...]

    def with_own(
        self, timestamp: str = "", level: str = "", service: str = "", message: str = ""
    ) -> Fields:
        """Put the user's names first."""

        def first(own: str, usual: tuple[str, ...]) -> tuple[str, ...]:
            return (own, *usual) if own else usual

        return Fields(
            first(timestamp, self.timestamp),
            first(level, self.level),
            first(service, self.service),
            first(message, self.message),
        )


ALIASES = Fields(
    timestamp=(
        "timestamp", "@timestamp", "time", "ts", "Timestamp", "timeUnixNano", "time_unix_nano",
        "observedTimeUnixNano", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "datetime",
        "date", "eventTime", "event_time", "asctime", "t", "t.$date", "@t", "time_iso8601",
        "start_time", "started_at", "TimeCreated", "instant.epochSecond", "timeMillis", "record.time.timestamp",
        "stageTimestamp",
    ),
    level=(
        "level_name", "level", "log.level", "severity", "severityText", "severity_text", "SeverityText", "levelname",
        "loglevel", "log_level", "lvl", "PRIORITY", "severityNumber", "severity_number", "SeverityNumber",
        "@l", "@level", "s", "sev", "error_severity", "LevelDisplayName", "LogLevel", "Level", "record.level.name",
    ),
    service=(
        "service", "service.name", "service_name", "serviceName", "resource.service.name",
        "Resource.service.name", "resource.attributes.service.name", "app", "application",
        "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "kubernetes.container_name", "container_name", "component",
        "name", "logger", "_COMM", "resource.labels.container_name", "svc",
        "_service", "_app", "_container_name",
    ),
    message=("message", "msg", "MESSAGE", "body", "Body", "log", "event", "text", "@m", "@mt",
             "jsonPayload.message", "jsonPayload.msg", "textPayload", "txt", "short_message", "@message", "Message",
             "RenderedMessage", "MessageTemplate", "fields.message", "alert.signature", "output"),
)  # fmt: skip

MAY_BE_EMPTY = ("msg", "message")
"""Messages that are as good as none where they are empty, as in Traefik's access log."""

SYSLOG_WORDS = ("fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug")
_SYSLOG = {str(n): word for n, word in enumerate(SYSLOG_WORDS)}
_OTEL_WORDS = ("trace", "debug", "info", "warn", "error", "fatal")
OTEL_NUMBERS = {str(n): _OTEL_WORDS[(n - 1) // 4] for n in range(1, 25)}
_NUMBERS = {
    "PRIORITY": _SYSLOG,
    **dict.fromkeys(("severityNumber", "severity_number", "SeverityNumber"), OTEL_NUMBERS),
}


def numbers_of(level: str | None, message: str | None) -> dict[str, str]:
    """What numbers mean as levels in a record with fields of these names; nothing of their own: empty.

    ``short_message`` is GELF's, whose levels are those of syslog.
    """
    return _SYSLOG if message == "short_message" else _NUMBERS.get(level or "", {})


Row = tuple[str | None, str | None, str | None, str | None, str | None]
"""timestamp, level, service, message, reason: as in ``RAW_COLUMNS``."""


def parse_record(raw: bytes, fields: Fields = ALIASES, group: tuple[str, ...] = ()) -> Row:
    """Read one record; never raises. ``group``: fields that take the place of the service."""
    text = raw.decode("utf-8", errors="replace").removeprefix("\ufeff").strip()
    if not text:
        return _dead("empty line")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        return _dead("nested too deep")
    except ValueError:
        return _dead("invalid JSON")
    if not isinstance(value, dict):
        return _dead("not a JSON object")
    try:
        row = _read(value, fields, text)
        return (*row[:2], _joined(value, fields, group), *row[3:]) if group else row
    except RecursionError:
        return _dead("nested too deep")


def _dead(reason: str) -> Row:
    return (None, None, None, None, reason)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key given twice the first counts, as on the fast path."""
    return dict(reversed(pairs)) if len(pairs) > 1 else dict(pairs)


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_first_wins)
"""``json.loads`` would build one a record."""


def _read(record: dict[str, Any], fields: Fields, text: str) -> Row:
    """``text``: the record as it was written, for most fields of a cause or a status are in few."""
    has_status = any(mark in text for mark in status.MARKS)
    timestamp_key, timestamp = _find(record, fields.timestamp)
    if timestamp is None or isinstance(timestamp, bool):
        return _dead("no timestamp")
    level_key, level = _find(record, fields.level)
    service_key, service = _find(record, fields.service)
    message_key, message = _find(record, fields.message, scalar=False)
    known = (timestamp_key, level_key, service_key, message_key)
    if message_key is None or (message == "" and message_key in MAY_BE_EMPTY):
        rest = _pairs(record, known)
        told_level, more = _status(record, known) if has_status else (None, "")
        said = _level(level, level_key) or told_level
        return (_text(timestamp), said, _text(service), status.with_status(rest, more), None)
    told = record
    inner = _nested(message)
    if inner is not None:
        _, deeper = _find(inner, fields.message, scalar=False)
        if deeper is not None:
            inner_key, inner_level = _find(inner, fields.level)
            _, inner_service = _find(inner, fields.service)
            if inner_level is not None:
                level_key, level = inner_key, inner_level
            service = service if service is not None else inner_service
            message, told = deeper, inner
    shown = (_text(_unwrap(message)) or "").rstrip("\r\n")
    level = _level(level, level_key, message_key)
    if has_status:
        told_level, more = _status(told, known)
        level = level if level is not None else told_level
        shown = status.with_status(shown, more)
    if any(mark in text for mark in MARKS):
        shown = with_cause(shown, lambda name: _find(told, (name,))[1], known)
    return (_text(timestamp), level, _text(service), _text(shown), None)


def _status(record: dict[str, Any], known: tuple[str | None, ...]) -> tuple[str | None, str]:
    """Level that a status gives, and what it adds to the message. ``known``: fields that are something else."""
    for name in status.NAMES:
        text = None if name in known else _text(_find(record, (name,))[1])
        if text is not None and (found := status.said(text)):
            return found
    worded = None if status.WORDED in known else record.get(status.WORDED)
    return (status.WORD_LEVELS.get(worded.lower()) if isinstance(worded, str) else None), ""


def _pairs(record: dict[str, Any], known: tuple[str | None, ...]) -> str:
    """What a record without a message says: its other fields as ``key=value``, sorted by key.

    So the same fields in another order make no other template. ``known``: fields that are left out.
    """
    said = sorted((key, value) for key, value in _leaves(record, "") if key not in known)
    return _text(" ".join(f"{key}={value}" for key, value in said)) or ""


def _leaves(record: dict[str, Any], within: str) -> Iterator[tuple[str, str]]:
    """Names (``a.b`` is ``b`` within ``a``) and values; those with a space or a quote in them in quotes."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{within}{key}.")
            continue
        text = _text(_unwrap(value))
        if text is not None:
            odd = not text or any(c in ' "=' or c < " " for c in text)
            yield f"{within}{key}", json.dumps(text, ensure_ascii=False) if odd else text


def _joined(record: dict[str, Any], fields: Fields, group: tuple[str, ...]) -> str:
    """Values of several fields as one name; ``service`` stands for any of its usual names."""
    values = (_find(record, fields.service if name == "service" else (name,))[1] for name in group)
    return "/".join(_text(value) or "" for value in values)


def has_field(record: dict[str, Any], *names: str, scalar: bool = False) -> bool:
    """Whether a field of one of these names, of whatever kind or no object, has a value."""
    return _find(record, names, scalar=scalar)[0] is not None


def has_deep_fields(record: dict[str, Any], fields: Fields) -> bool:
    """Whether a field is found only inside another, or two fields would be at odds."""
    each = (fields.timestamp, fields.level, fields.service, fields.message)
    found = (_find(record, names, scalar=i < 3)[0] for i, names in enumerate(each))
    return any(name is not None and name not in record for name in found)


def _nested(message: Any) -> dict[str, Any] | None:
    """Return the object that a container runtime wrapped as text, if the message is one."""
    if isinstance(message, str) and message.startswith("{"):
        try:
            value = json.loads(message, strict=False)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None
    return None


def _unwrap(value: Any) -> Any:
    """OpenTelemetry's AnyValue and journald's byte arrays."""
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in ("stringValue", "intValue", "doubleValue", "boolValue", "Value"):
            return inner
    if (
        isinstance(value, list)
        and value
        and all(isinstance(b, int) and 0 <= b < 256 for b in value)
    ):
        return bytes(value).decode("utf-8", errors="replace")
    return value


def _find(
    record: dict[str, Any], names: tuple[str, ...], *, scalar: bool = True
) -> tuple[str | None, Any]:
    """Find the first of these names that has a value; an object is one for a message only."""
    for name in names:
        value = record.get(name)
        if value is None and "." in name:
            value = _walk(record, name)
        if value is not None and not (scalar and isinstance(value, dict | list)):
            return name, value
    return None, None


def _walk(record: dict[str, Any], name: str) -> Any:
    head, _, tail = name.partition(".")
    inner = record.get(head)
    if isinstance(inner, list):  # OpenTelemetry's [{"key": ..., "value": ...}]
        for item in inner:
            if isinstance(item, dict) and item.get("key") == tail:
                return _unwrap(item.get("value"))
        return None
    if not isinstance(inner, dict) or not tail:
        return None
    value = inner.get(tail)
    if value is None and "." in tail:
        return _walk(inner, tail)
    return value


def _level(value: Any, key: str | None, message: str | None = None) -> str | None:
    text = _text(value)
    return None if text is None else numbers_of(key, message).get(text, text)


def _text(value: Any) -> str | None:
    """Values as text; lone surrogates, which JSON can smuggle in, become U+FFFD."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, int | float):
        text = repr(value)
    else:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", errors="replace").decode("utf-8")
