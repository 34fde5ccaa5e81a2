"""What is said where there are more alerts than were promised, and what mends it."""

from __future__ import annotations

from log_guard.app.pipeline import Pipeline
from log_guard.core.evaluation.observed import Departure

REPAIR = (
    "label those that were real (logguard label real --from TIME --to TIME), suppress what is harmless "
    "(logguard suppress --template TEXT) and give both with --feedback FILE, or learn again from a longer history "
    "(logguard train)"
)


def departed(departure: Departure) -> dict[str, object]:
    """Fields of a log line."""
    promise, days = departure.promise, departure.days
    return {
        "alerts": promise.observed,
        "days": round(days, 1),
        "promised": round(promise.expected, 1),
        "by_chance_up_to": promise.most,
        "repair": REPAIR,
    }


def broken_promise(pipeline: Pipeline) -> str | None:
    """A sentence where the promise is broken at the end of what was judged, else None."""
    detect = pipeline.detect
    found = pipeline.observed.observed(detect.feedback.labels, detect.promised)
    if found is None or found.promise.kept:
        return None
    promise = found.promise
    return (
        f"{promise.observed} alerts in the last {found.days:.1f} days, where {detect.promised:g} a day are promised "
        f"(by chance up to {promise.most}): {REPAIR}"
    )
