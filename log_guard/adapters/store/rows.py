"""What the core knows, as rows of the tables, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any

import numpy as np
import polars as pl

from log_guard.core.course import Course
from log_guard.core.events import DeadLetter, Level
from log_guard.core.features import FEATURES, TEXT_FEATURES, VOLUME_FEATURES
from log_guard.core.iso import from_iso, iso
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Bound, Evidence, Part, Result, Sample
from log_guard.core.summarising.intake import LINE_BITS
from log_guard.errors import StoreError

Row = Mapping[str, Any]


def result_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Rows of ``anomaly_results``; StoreError where a number is not finite (SQL has no NaN)."""
    if not results:
        return []
    numbers = np.stack([result.features for result in results])
    for row in np.flatnonzero(~np.isfinite(numbers).all(axis=1)).tolist():
        raise _not_finite(results[row])
    volumes = len(VOLUME_FEATURES)
    return [
        _result_row(result, f[:volumes], f[volumes:])
        for result, f in zip(results, numbers.tolist(), strict=True)
    ]


def _result_row(result: Result, volume: list[float], text: list[float]) -> dict[str, Any]:
    evidence = _evidence_entry(result.evidence)
    if not isfinite(result.anomaly_score) or not _finite(evidence):
        raise _not_finite(result)
    return {
        "window_start": result.window_start,
        "window_end": result.window_end,
        "service": result.service,
        "revision": result.revision,
        "final": result.final,
        "is_anomaly": result.is_anomaly,
        "anomaly_score": result.anomaly_score,
        "model_version": result.model_version,
        "warming": result.warming,
        "error": result.error,
        "run": "",
        **dict(zip(VOLUME_FEATURES, volume, strict=True)),
        "text_features": dict(zip(TEXT_FEATURES, text, strict=True)),
        "evidence": evidence,
    }


def result_of(row: Row) -> Result:
    """The result of a row: equal to the one that was written, down to the last bit."""
    features = {**row["text_features"], **{name: row[name] for name in VOLUME_FEATURES}}
    return Result(
        window_start=row["window_start"],
        window_end=row["window_end"],
        service=row["service"],
        revision=row["revision"],
        final=row["final"],
        is_anomaly=row["is_anomaly"],
        anomaly_score=row["anomaly_score"],
        features=np.array([features[name] for name in FEATURES], dtype=float),
        model_version=row["model_version"],
        warming=row["warming"],
        error=row["error"],
        evidence=None if row["evidence"] is None else _evidence_of(row["evidence"]),
    )


def alert_rows(alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """Rows of ``alerts``; StoreError where a number is not finite."""
    return [_alert_row(alert) for alert in alerts]


def _alert_row(alert: Alert) -> dict[str, Any]:
    row = {f.name: getattr(alert, f.name) for f in fields(alert)}
    row |= {"services": list(alert.services), "evidence": _evidence_entry(alert.evidence)}
    row |= {"course": alert.course.as_dict()}
    row |= {"run": "", "revision": 0}  # one writer, whose last word counts
    if not _finite(row):
        raise StoreError(
            f"alert {alert.id} holds a number that is not finite: report this, it is a bug"
        )
    return row


def alert_of(row: Row) -> Alert:
    """The alert of a row."""
    plain = {f.name: row[f.name] for f in fields(Alert)}
    services, evidence = tuple(row["services"]), _evidence_of(row["evidence"])
    course = Course.of(row["course"])
    return Alert(**{**plain, "services": services, "evidence": evidence, "course": course})


def dead_letter_rows(dead: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    """Rows of ``dead_letters``."""
    return [
        {
            "run": "",
            "topic": "",
            "partition": letter.source,
            "offset": letter.position,
            "line": 0,
            "reason": letter.reason,
            "raw": letter.raw,
        }
        for letter in dead
    ]


def dead_letter_of(row: Row) -> DeadLetter:
    """The dead letter of a row."""
    return DeadLetter(row["reason"], row["offset"], row["partition"], row["raw"])


def ledger_row(account: str, ledger: Ledger) -> dict[str, Any]:
    """A row of ``ledgers``."""
    return {"account": account, **ledger.as_dict()}


def ledger_of(row: Row) -> Ledger:
    """The ledger of a row."""
    return Ledger(**{f.name: row[f.name] for f in fields(Ledger)})


def _evidence_entry(evidence: Evidence | None) -> dict[str, Any] | None:
    return None if evidence is None else evidence.as_dict()


def _evidence_of(entry: Mapping[str, Any]) -> Evidence:
    return Evidence(
        sentence=entry["sentence"],
        parts=tuple(map(Part.of, entry["parts"])),
        samples=tuple(map(_sample_of, entry["samples"])),
        normal_if=tuple(Bound(**bound) for bound in entry["normal_if"]),
        nearest_normal=entry["nearest_normal"],
        weighed=entry.get("weighed", 0),  # earlier records have none, nor an onset
        onset=from_iso(entry["onset"]) if entry.get("onset") else None,
    )


def _finite(value: object) -> bool:
    """Whether all numbers in nested lists and objects are finite."""
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return True


def _not_finite(result: Result) -> StoreError:
    return StoreError(
        f"the result of {result.service} at {iso(result.window_end)} holds a number that is not "
        "finite: report this, it is a bug (or one of the --detector of your own)"
    )


def event_rows(topic: str, partition: int, events: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``log_events``."""
    place = {"topic": topic, "partition": partition}
    return [
        {
            **place,
            "offset": position >> LINE_BITS,
            "line": position & ((1 << LINE_BITS) - 1),
            "time": time,
            "level": Level(level).name,
            "service": service,
            "message": message,
        }
        for time, level, service, message, position in events.iter_rows()
    ]


def _sample_of(entry: Mapping[str, Any]) -> Sample:
    """A sample; one that came by Kafka says its place in full."""
    if "offset" not in entry:
        return Sample(**entry)
    position = entry["offset"] << LINE_BITS | entry["line"]
    return Sample(entry["level"], entry["message"], entry["partition"], position)
