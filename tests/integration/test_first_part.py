"""What is learnt from by default is the same of a log and of the summaries kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from log_guard.app.first_part import FirstPart, first_part
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import keep_summaries
from log_guard.errors import InputError
from tests.streams import START, Event, line

OPTIONS, READ = PipelineOptions(), ReadOptions()
BUSY = [Event(1_000.3 + i / 10) for i in range(6_000)]
"""Six events in seven come within ten minutes: a third of the events is not a third of the time."""
QUIET = [Event(0.7 + 3.0 * i) for i in range(1_000)]


def both(folder: Path, events: list[Event]) -> tuple[FirstPart | None, FirstPart | None]:
    log, kept = folder / "app.log", folder / "kept"
    log.write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")
    keep_summaries(str(log), kept, OPTIONS, READ)
    return first_part(str(log), OPTIONS, READ), first_part(str(kept), OPTIONS, READ)


@pytest.mark.parametrize("events", [BUSY + QUIET, QUIET])
def test_a_log_and_its_summaries_are_learnt_from_alike(tmp_path: Path, events: list[Event]) -> None:
    log, kept = both(tmp_path, events)
    assert log is not None
    assert kept is not None
    assert log.until == kept.until
    before = sum(e.time * 1e6 + START < log.until for e in events)
    assert log.events == (before, len(events))
    assert 0 <= before - len(events) // 3 <= 51


def test_little_is_learnt_from_for_as_long_as_it_takes(tmp_path: Path) -> None:
    """Where the third of the events comes within a minute, five minutes and a half are learnt from."""
    start = [Event(i / 100) for i in range(5_000)]
    log, kept = both(tmp_path, start + [Event(5.0 * i) for i in range(200)])
    assert log is not None
    assert log == FirstPart(START + 330_000_000, (5_066, 5_200))
    assert kept == FirstPart(log.until)


def test_what_is_too_short_is_refused_alike(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the log spans 340 s, too little to learn from"):
        both(tmp_path, [Event(float(i)) for i in range(341)])
    with pytest.raises(InputError, match="too little to learn from"):
        first_part(str(tmp_path / "kept"), OPTIONS, READ)
