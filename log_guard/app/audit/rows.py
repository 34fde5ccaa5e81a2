"""The rows of the database against the records that they were written from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from log_guard.app.audit.findings import IN_FLIGHT, MISSING, WRONG, Finding

Key = tuple[str, str]
"""Start of the window (ISO 8601) and service."""

COMPARED = ("final", "is_anomaly", "anomaly_score", "log_count")


def check_rows(
    published: Mapping[Key, Mapping[str, Any]],
    stored: Mapping[Key, Mapping[str, Any]],
    read_to: Mapping[int, int],
) -> Iterator[Finding]:
    """Findings on each window.

    published:  the latest record of each window in ``anomaly-results``, as :func:`latest` gives it.
    stored:     the row of each window.
    read_to:    partition of ``anomaly-results`` → offset up to which the writer has read it.
    """
    for key, record in sorted(published.items()):
        where = f"anomaly_results {key[0]} {key[1]}"
        row = stored.get(key)
        lacking = IN_FLIGHT if record["offset"] >= read_to.get(record["partition"], 0) else MISSING
        if row is None:
            yield Finding(lacking, where, "published, but no row")
        elif row["revision"] < record["revision"]:
            why = f"the row is of revision {row['revision']}, published was {record['revision']}"
            yield Finding(lacking, where, why)
        elif row["revision"] == record["revision"]:
            other = [name for name in COMPARED if _differ(row[name], record[name])]
            if other:
                yield Finding(WRONG, where, f"{', '.join(other)}: not what was published")
    for key in sorted(stored.keys() - published.keys()):
        yield Finding(WRONG, f"anomaly_results {key[0]} {key[1]}", "a row that was never published")


def _differ(a: Any, b: Any) -> bool:
    if isinstance(a, float) or isinstance(b, float):
        return abs(float(a) - float(b)) > 1e-9 * max(1.0, abs(float(b)))
    return bool(a != b)


def latest(
    records: Iterator[tuple[int, int, Mapping[str, Any]]],
    run: str,
    start: str | None,
    end: str | None,
) -> dict[Key, Mapping[str, Any]]:
    """The record with the greatest revision for each window of a run in ``[start, end)``.

    records:  partition, offset and record.

    Each comes with its ``revision``, its place and what is compared.
    Times are ISO 8601 in UTC as results write them; they sort like the times they mean to the second.
    """
    found: dict[Key, Mapping[str, Any]] = {}
    for partition, offset, record in records:
        if record.get("kind") != "result" or record.get("run", "") != run:
            continue
        at = record["window_start"]
        if (start is not None and at < start) or (end is not None and at >= end):
            continue
        key = (at, record["service"])
        known = found.get(key)
        if known is None or record["revision"] >= known["revision"]:
            slim = {name: record[name] for name in ("revision", *COMPARED)}
            found[key] = {**slim, "partition": partition, "offset": offset}
    return found
