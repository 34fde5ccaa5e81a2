"""Pipes and standard input: given as they come, looked at without being used up."""

from __future__ import annotations

import gzip
import io
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from log_guard.adapters.files import FileSource, source
from log_guard.core.events import RawBatch
from log_guard.errors import InputError


class Pipe:
    """A pipe that is this process's standard input."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self.stdin = io.TextIOWrapper(os.fdopen(reading, "rb"))

    def write(self, data: bytes) -> None:
        os.write(self._writing, data)

    def end(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipe]:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stdin", pipe.stdin)
    monkeypatch.setattr(source, "SAMPLE_SECONDS", 0.0)
    yield pipe
    pipe.end()
    pipe.stdin.close()


def stdin(linger_seconds: float = 0.0) -> FileSource:
    return FileSource("-", linger_seconds=linger_seconds)


def never() -> bool:
    return False


def test_lines_come_as_they_are_written(pipe: Pipe) -> None:
    batches = stdin().batches()
    pipe.write(b"one\ntwo\nthr")
    assert next(batches) == RawBatch(b"one\ntwo\n", 1)
    pipe.write(b"ee\n")
    assert next(batches) == RawBatch(b"three\n", 3)
    pipe.write(b"\nlast")
    assert next(batches) == RawBatch(b"\n", 4)
    pipe.end()
    assert list(batches) == [RawBatch(b"last\n", 5)]


def test_what_flows_is_read_in_large_batches(pipe: Pipe) -> None:
    data = b"a line of some length\n" * 50_000  # many times what a pipe holds

    def write() -> None:
        for at in range(0, len(data), 5_000):
            pipe.write(data[at : at + 5_000])
        pipe.end()

    writer = threading.Thread(target=write)
    writer.start()
    batches = list(stdin(linger_seconds=30).batches())
    writer.join()
    assert batches == [RawBatch(data, 1)]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_sample_is_not_used_up(pipe: Pipe, pack: Callable[[bytes], bytes]) -> None:
    pipe.write(pack(b"one\r\ntwo\nthree"))
    pipe.end()
    logs = stdin()
    assert logs.sample(1) == [b"one"]
    assert logs.sample() == [b"one", b"two", b"three"]
    assert logs.last_lines() == []
    assert logs.total_bytes is None
    assert b"".join(batch.data for batch in logs.batches()) == b"one\r\ntwo\nthree\n"
    assert list(logs.batches()) == []


def test_a_sample_of_a_live_pipe_takes_what_is_there(pipe: Pipe) -> None:
    pipe.write(b"one\ntwo\nthr")
    logs = stdin()
    assert logs.sample() == [b"one", b"two"]
    pipe.write(b"ee\n")
    assert next(logs.batches()) == RawBatch(b"one\ntwo\nthree\n", 1)


def test_a_damaged_pipe_gives_what_it_has_also_after_a_sample(pipe: Pipe) -> None:
    pipe.write(gzip.compress(b"one\ntwo\n")[:-4])
    pipe.end()
    logs = stdin()
    assert logs.sample() == [b"one", b"two"]
    batches = logs.batches()
    assert next(batches) == RawBatch(b"one\ntwo\n", 1)
    with pytest.raises(InputError, match="standard input cannot be unpacked"):
        next(batches)


def test_compressed_data_in_small_pieces(pipe: Pipe) -> None:
    packed = zstandard.compress(b"one\n") + zstandard.compress(b"two\n")
    given = stdin().follow(None, never, poll_seconds=0.0)
    lines = b""
    for at in range(len(packed)):
        pipe.write(packed[at : at + 1])
        while (batch := next(given)) is not None:
            lines += batch.data
    pipe.end()
    assert lines == b"one\ntwo\n"
    assert list(given) == []


def test_following_says_when_nothing_came(pipe: Pipe) -> None:
    given = stdin().follow(re.compile(rb"^\w"), never, poll_seconds=0.0)
    assert next(given) is None
    pipe.write(b"o")
    assert next(given) is None
    pipe.write(b"ne\n more\ntwo\nthr")
    assert next(given) == RawBatch(b"one\n more\n", 1, multiline=True)
    assert next(given) == RawBatch(b"two\n", 3, multiline=True)  # after a silence
    assert next(given) is None
    pipe.end()
    assert list(given) == [RawBatch(b"thr\n", 4, multiline=True)]


def test_following_stops_though_the_pipe_goes_on(pipe: Pipe) -> None:
    pipe.write(b"one\ntwo")
    stops = iter([False, True])
    given = list(stdin().follow(None, lambda: next(stops), poll_seconds=0.0))
    assert given == [RawBatch(b"one\n", 1), RawBatch(b"two\n", 2)]


def test_a_named_pipe_is_read_as_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        path.write_bytes(b"one\ntwo\n")

    writer = threading.Thread(target=write)
    writer.start()
    logs = FileSource(str(path))
    assert logs.sample() == [b"one", b"two"]
    writer.join()
    assert list(logs.batches()) == [RawBatch(b"one\ntwo\n", 1)]


def test_standard_input_may_be_a_file_or_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\n")
    with path.open() as file:
        for replacement in (file, io.TextIOWrapper(io.BytesIO(b"one\ntwo\n"))):
            monkeypatch.setattr(sys, "stdin", replacement)
            logs = stdin()
            assert logs.sample() == [b"one", b"two"]
            assert list(logs.batches()) == [RawBatch(b"one\ntwo\n", 1)]


def test_standard_input_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        stdin().sample()
