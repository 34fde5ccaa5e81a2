"""Summaries as files: what comes out is what went in, and nothing half-written is taken for whole."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from log_guard.adapters.summaries import StoredSummaries, SummaryWriter, directory, is_summaries
from log_guard.core.summarising.summaries import SUMMARY_SCHEMA, add
from log_guard.errors import InputError
from tests.streams import Event
from tests.unit.test_gathering import SLIDE, made, summary


def total(*frames: pl.DataFrame) -> pl.DataFrame:
    return add(*frames, max_templates=1 << 62).sort(list(SUMMARY_SCHEMA))


def test_the_parts_add_up_to_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PART_ROWS", 50)  # several parts of a small log
    written = [summary(made(seed)) for seed in range(5)]
    with SummaryWriter(tmp_path / "kept", SLIDE, ("service",)) as writer:
        for one in written:
            writer.add(one)
    stored = StoredSummaries(tmp_path / "kept")
    assert (stored.slide, stored.group_by) == (SLIDE, ("service",))
    parts = list(stored.parts())
    assert len(parts) > 1
    assert total(*(part for part, _ in parts)).equals(total(*written))
    for i, (_, watermark) in enumerate(parts):
        later = [int(part["pane"].to_numpy().min()) for part, _ in parts[i + 1 :]]
        end = max(int(part["pane"].to_numpy().max()) for part, _ in parts) + SLIDE
        assert watermark == min(later, default=end)


def test_late_events_hold_no_time_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "PART_ROWS", 1)
    new, old = Event(1_000, "api"), Event(0, "api")
    with SummaryWriter(tmp_path / "kept", SLIDE, ("service",)) as writer:
        for events, late in (([old], False), ([new], False), ([old], True), ([new], False)):
            writer.add(summary(events, late=late))
    pane = int(summary([new])["pane"][0])
    marks = [watermark for _, watermark in StoredSummaries(tmp_path / "kept").parts()]
    assert marks == [pane, pane, pane, pane + SLIDE]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), SummaryWriter(tmp_path / "kept", SLIDE, ()) as writer:
        writer.add(summary(made(1)))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_there_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists"), SummaryWriter(tmp_path, SLIDE, ()):
        pass
    assert not is_summaries(tmp_path)


def test_damage_is_named(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path / "kept", SLIDE, ()) as writer:
        writer.add(summary(made(1)))
    part = tmp_path / "kept" / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"part-000001\.parquet: no summaries that can be read"):
        list(StoredSummaries(tmp_path / "kept").parts())
    (tmp_path / "kept" / "summaries.json").write_text('{"kind": "other"}')
    with pytest.raises(InputError, match="damaged, or of another version"):
        StoredSummaries(tmp_path / "kept")
