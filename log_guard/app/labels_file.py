"""A labels file: the truth about a log, as a person or a program wrote it down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from log_guard.app.times import microseconds
from log_guard.core.evaluation.evaluation import Incident, Labels
from log_guard.core.events import SECOND
from log_guard.errors import InputError

NEEDS = "a labels file needs test_start, end, and incidents with id, start and end"


def read_labels(path: str) -> Labels:
    """Read a labels file; raises InputError naming what is wrong, and where in it."""
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; name a labels file (what is in one: `logguard evaluate --help`; "
            "`logguard simulate --truth FILE` writes one)"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not a labels file, for it is no JSON ({error}); {NEEDS}"
        ) from None
    try:
        return _labels(raw, Path(path).stem)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def _labels(raw: Any, name: str) -> Labels:
    _object(raw, "what it holds")
    start, end = _span(raw, "", "test_start")
    incidents = tuple(
        Incident(str(_value(one, "id", at)), *_span(one, at)) for at, one in _each(raw, "incidents")
    )
    ignore = tuple(_span(one, at) for at, one in _each({"ignore": [], **raw}, "ignore"))
    return Labels(str(raw.get("name", name)), start, end, incidents, ignore)


def _each(raw: dict[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a list, each with how it is called in what people read."""
    found = _value(raw, key, "")
    if not isinstance(found, list):
        raise ValueError(f"{key} must be a list [...], and is {_kind(found)}; {NEEDS}")
    for i, one in enumerate(found):
        _object(one, f"{key}[{i}]")
    return [(f"{key}[{i}]", one) for i, one in enumerate(found)]


def _object(found: Any, at: str) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"{at} must be an object {{...}}, and is {_kind(found)}; {NEEDS}")


def _value(found: dict[str, Any], key: str, at: str) -> Any:
    if key not in found:
        raise ValueError(f"{at or 'it'} has no {key}; {NEEDS}")
    return found[key]


def _span(found: dict[str, Any], at: str, begin: str = "start") -> tuple[float, float]:
    """Two times, the first of which may not be after the second."""
    start, end = (_seconds(_value(found, key, at), at, key) for key in (begin, "end"))
    if start > end and at:  # an incident may be of a moment
        raise ValueError(
            f"{at} ends ({found['end']}) before it starts ({found[begin]}): correct one of them"
        )
    if start >= end and not at:
        raise ValueError(
            f"end ({found['end']}) is not after {begin} ({found[begin]}): correct one of them"
        )
    return start, end


def _seconds(found: Any, at: str, key: str) -> float:
    try:
        return microseconds(found) / SECOND
    except (ValueError, TypeError, OverflowError):
        name = f"{at}.{key}" if at else key
        raise ValueError(
            f"{name} is {_kind(found)}: write a time such as 2026-01-31T12:00:00Z"
        ) from None


def _kind(found: Any) -> str:
    """What somebody wrote, short."""
    if isinstance(found, dict | list):
        return "a list" if isinstance(found, list) else "an object"
    text = json.dumps(found)
    return text if len(text) <= 40 else f"{text[:39]}…"
