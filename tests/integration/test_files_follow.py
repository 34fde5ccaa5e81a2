"""Following what grows: files that are added to, emptied, replaced; no test waits for a clock."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from log_guard.adapters.files import FileSource, StartsEvent
from log_guard.core.events import RawBatch
from log_guard.errors import InputError

Step = Callable[[], object]


class Following:
    """Follows a file; each wait does the next of some steps instead. Stops after the last one."""

    def __init__(self, path: Path, *steps: Step, starts_event: StartsEvent | None = None) -> None:
        self._steps = list(steps)
        self._stopped = False
        source = FileSource(str(path))
        self.given: list[RawBatch | None] = list(
            source.follow(starts_event, lambda: self._stopped, 0.5, self._wait)
        )

    def _wait(self, seconds: float) -> None:
        assert seconds == 0.5
        if self._steps:
            self._steps.pop(0)()
        else:
            self._stopped = True

    @property
    def lines(self) -> list[tuple[int, bytes]]:
        return [
            (number, line)
            for batch in self.given
            if batch is not None
            for number, line in enumerate(batch.data.removesuffix(b"\n").split(b"\n"), batch.first)
        ]


def quiet() -> None:
    """Nothing happens while this wait lasts."""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\ntwo\n")
    return path


def add(path: Path, data: bytes) -> Step:
    def step() -> None:
        with path.open("ab") as file:
            file.write(data)

    return step


def rotate(path: Path, data: bytes) -> Step:
    def step() -> None:
        path.rename(path.with_suffix(".log.1"))
        path.write_bytes(data)

    return step


def test_what_is_there_comes_first_then_what_is_added(log: Path) -> None:
    following = Following(log, quiet, add(log, b"three\n"), quiet)
    assert following.given == [
        RawBatch(b"one\ntwo\n", 1),
        None,
        RawBatch(b"three\n", 3),
        None,
    ]


def test_a_line_comes_when_its_end_has_come(log: Path) -> None:
    following = Following(log, add(log, b"thr"), quiet, add(log, b"ee\nfo"), quiet)
    assert following.given == [
        RawBatch(b"one\ntwo\n", 1),
        None,
        RawBatch(b"three\n", 3),
        None,
        RawBatch(b"fo\n", 4),  # the rest, on stop
    ]


def test_the_last_event_waits_for_the_next_one_or_for_silence(log: Path) -> None:
    following = Following(
        log,
        add(log, b" more\n"),
        add(log, b"three\n"),
        quiet,
        quiet,
        add(log, b"four\n"),
        starts_event=re.compile(rb"^\w"),
    )
    assert [batch and (batch.first, batch.data) for batch in following.given] == [
        (1, b"one\n"),
        (2, b"two\n more\n"),
        (4, b"three\n"),
        None,
        None,
        (5, b"four\n"),
    ]


def test_an_emptied_file_is_read_from_its_start_and_lines_count_on(log: Path) -> None:
    following = Following(
        log,
        add(log, b"unfinished"),
        lambda: log.write_bytes(b"new\n"),
        add(log, b"newer\n"),
    )
    assert following.lines == [
        (1, b"one"),
        (2, b"two"),
        (3, b"unfinished"),
        (4, b"new"),
        (5, b"newer"),
    ]


def test_a_renamed_file_is_read_to_its_end_before_its_successor(log: Path) -> None:
    old = log.with_suffix(".log.1")
    following = Following(
        log,
        rotate(log, b"first of new\n"),
        add(old, b"late\n"),  # by a writer that has not opened the new file yet
        add(old, b"latest"),
        quiet,
        add(log, b"second of new\n"),
    )
    assert following.lines == [
        (1, b"one"),
        (2, b"two"),
        (3, b"late"),
        (4, b"latest"),
        (5, b"first of new"),
        (6, b"second of new"),
    ]


def test_what_came_just_before_the_rename_is_not_lost(log: Path) -> None:
    def step() -> None:
        add(log, b"three\n")()
        rotate(log, b"four\n")()

    assert Following(log, step, quiet, quiet).lines[2:] == [(3, b"three"), (4, b"four")]


def test_two_rotations(log: Path) -> None:
    following = Following(log, rotate(log, b"three\n"), quiet, rotate(log, b"four\n"), quiet, quiet)
    assert [line for _, line in following.lines] == [b"one", b"two", b"three", b"four"]


def test_a_name_that_is_gone_for_a_while_is_waited_for(log: Path) -> None:
    following = Following(
        log,
        lambda: log.rename(log.with_suffix(".log.1")),
        quiet,
        quiet,
        lambda: log.write_bytes(b"three\n"),
        quiet,
        quiet,
    )
    assert following.lines == [(1, b"one"), (2, b"two"), (3, b"three")]


def test_a_successor_that_vanishes_before_it_is_opened_is_waited_for(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open
    vanished: list[Path] = []

    def vanishing(path: Path, mode: str = "r", buffering: int = -1) -> object:
        if not vanished and mode == "rb" and log.with_suffix(".log.1").exists():
            vanished.append(path)
            raise FileNotFoundError
        return real(path, mode, buffering)

    monkeypatch.setattr(Path, "open", vanishing)
    following = Following(log, rotate(log, b"three\n"), quiet, quiet, quiet)
    assert vanished
    assert following.lines == [(1, b"one"), (2, b"two"), (3, b"three")]


def test_a_successor_that_is_a_directory_is_an_error(log: Path) -> None:
    def step() -> None:
        log.rename(log.with_suffix(".log.1"))
        log.mkdir()

    with pytest.raises(InputError, match="is a directory"):
        Following(log, step, quiet, quiet)


def test_a_file_that_is_not_there_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        Following(tmp_path / "missing.log")


def test_a_compressed_file_cannot_be_followed(log: Path) -> None:
    log.write_bytes(gzip.compress(b"one\n"))
    with pytest.raises(InputError, match=r"compressed \(gzip\) and cannot be followed"):
        Following(log)


def test_an_empty_file_may_fill(log: Path) -> None:
    log.write_bytes(b"")
    assert Following(log, quiet, add(log, b"one\n")).given == [None, RawBatch(b"one\n", 1)]


def test_progress_and_stop_before_the_end(log: Path) -> None:
    source = FileSource(str(log), batch_bytes=4)
    given: list[RawBatch | None] = []
    for batch in source.follow(None, lambda: bool(given), 0.5):
        given.append(batch)
        assert source.read_bytes == 4
    assert given == [RawBatch(b"one\n", 1)]
