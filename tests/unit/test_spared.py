"""Events that each suppression takes out of judging."""

from __future__ import annotations

import polars as pl
import pytest

from log_guard.core.events import SECOND, Level
from log_guard.core.feedback.spared import Spared
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.summarising.summaries import Summarizer
from log_guard.core.windows import WHOLE_STREAM
from tests.streams import Event, micros, table

SLIDE = 5 * SECOND
EVENTS = [
    *(Event(i, "api", Level.INFO, f"cache filled in {i} ms") for i in range(20)),
    *(Event(i, "db", Level.ERROR, f"cache filled in {i} ms") for i in range(20)),
    *(Event(i, "db", Level.INFO, "other") for i in range(20)),
]


def summary(*events: Event, whole: bool = False) -> pl.DataFrame:
    group = pl.lit(WHOLE_STREAM) if whole else pl.col("service")
    frame = table(events).with_columns(group.alias("group"), pl.lit(False).alias("late"))
    return Summarizer(SLIDE).summarize(frame)


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ({"matches": "^cache"}, 40),
        ({"template": "cache filled in <num> ms"}, 40),
        ({"matches": "^cache", "service": "db"}, 20),
        ({"matches": "^cache", "level": Level.ERROR}, 20),
        ({"matches": "^cache", "until": micros(10)}, 10),  # a window that ends then is judged
        ({"matches": "^nothing"}, 0),
    ],
)
def test_events_are_counted_that_a_suppression_covers(
    changes: dict[str, object], events: int
) -> None:
    entry = Suppression("harmless", "me", **changes)  # type: ignore[arg-type]  # what the case names
    spared = Spared([entry], SLIDE, None)
    for event in EVENTS:
        spared.take(summary(event))
    assert spared.events == [events]


def test_what_is_learnt_from_is_not_judged_anyway() -> None:
    entries = [
        Suppression("harmless", "me", matches="^cache"),
        Suppression("all", "me", matches="."),
    ]
    spared = Spared(entries, SLIDE, micros(10))
    spared.take(summary(*EVENTS))
    assert spared.events == [20, 30]


def test_in_the_whole_stream_a_suppression_of_one_service_holds_for_all() -> None:
    spared = Spared([Suppression("x", "me", matches="^cache", service="db")], SLIDE, None)
    spared.take(summary(*EVENTS, whole=True))
    assert spared.events == [40]
