"""A file, a pipe or standard input as a source of raw batches."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from log_guard.adapters.files.batches import BatchCutter, StartsEvent
from log_guard.adapters.files.follow import Tail, follow_file, follow_stream
from log_guard.adapters.files.reading import Stream, open_file, read_file, regular_size
from log_guard.adapters.files.unpacking import MAGIC_BYTES, open_stream, packing
from log_guard.core.events import RawBatch
from log_guard.errors import InputError

SAMPLE_BYTES = 4 << 20
"""How much of a source its first or last lines are taken from at most."""

SAMPLE_SECONDS = 1.0
"""How long a live pipe may take to fill a sample once its first bytes have come."""

ASK_SECONDS = 0.5
"""How long a pipe that is quiet is waited for before it is asked whether to stop."""


def never() -> bool:
    """Read on to the end."""
    return False


@dataclass
class _State:
    """What a source reads from at present."""

    reading: Stream | Tail | None = None
    once: Stream | None = None
    """A pipe, which cannot be opened again: the sample and the batches read the same one."""


@dataclass(frozen=True)
class FileSource:
    """Reads log lines from a file, plain or compressed with gzip or zstd, or from standard input.

    path:            the file, or ``-`` for standard input. A named pipe is read as a pipe.
    batch_bytes:     size of a batch. It has whole lines, so it may be somewhat larger; at the end,
                     and where a pipe has no more at the time, it is smaller.
    max_line_bytes:  a longer line is cut to exactly ``max_line_bytes + 1`` bytes, which shows that
                     it is too long; the rest of it is skipped, and it counts as one line.
    linger_seconds:  how long a batch of a live pipe waits for more once its first bytes have come.
    source:          the number that the batches name as their source.

    Positions are line numbers from 1; blank lines count. Memory is bounded, whatever the input is.
    Bytes that are no text are no error here. Whatever reads raises InputError if the path cannot be
    opened or read on, and if compressed data are damaged or end too early; what could be read is
    delivered before that.
    """

    path: str
    batch_bytes: int = 4 << 20  # about 20,000 lines of JSON
    max_line_bytes: int = 1 << 20
    linger_seconds: float = 0.05
    source: int = 0
    _state: _State = field(default_factory=_State, init=False, repr=False, compare=False)

    @property
    def total_bytes(self) -> int | None:
        """Size of the file now, as it lies on the disk; None for a pipe or standard input."""
        return regular_size(self.path)

    @property
    def changed(self) -> int | None:
        """When the file was written to last, µs UTC; None for a pipe or standard input."""
        if self.total_bytes is None:
            return None
        return Path(self.path).stat().st_mtime_ns // 1000

    @property
    def read_bytes(self) -> int:
        """How many of the ``total_bytes`` the latest ``batches`` or ``follow`` has read."""
        return self._state.reading.position if self._state.reading is not None else 0

    def sample(self, lines: int = 200) -> list[bytes]:
        """The first lines, at most so many, without their line endings.

        Takes nothing away from ``batches`` and ``follow``. On a live pipe: waits for the first
        line, then takes what comes within :data:`SAMPLE_SECONDS`. Raises InputError only if
        nothing at all can be read.
        """
        stream = self._stream()
        try:
            data = stream.gather(SAMPLE_BYTES, linger=SAMPLE_SECONDS) or b""
            with suppress(InputError):
                while b"\n" not in data and len(data) < SAMPLE_BYTES and not stream.ended:
                    data += stream.gather(SAMPLE_BYTES, linger=SAMPLE_SECONDS) or b""
            ended = stream.ended
            stream.unread(data)
        finally:
            if stream is not self._state.once:
                stream.close()
        found = data.split(b"\n", lines)
        # What follows the last line ending is a line only where nothing more will come. One that
        # is too long already is cut anyway.
        rest = found.pop()
        if len(found) < lines and rest and (ended or len(rest) > self.max_line_bytes):
            found.append(rest)
        return [self._trimmed(line) for line in found]

    def last_lines(self, lines: int = 200) -> list[bytes]:
        """The last lines, at most so many, without their line endings.

        Looks at the last :data:`SAMPLE_BYTES` of a plain file; reads a compressed one through. Of
        a damaged file, the last lines that can be read; of a pipe or standard input, none.
        """
        if self.total_bytes is None:
            return []
        with open_file(self.path) as file:
            if packing(read_file(file, MAGIC_BYTES, self.path)) is None:
                start = max(0, file.seek(0, os.SEEK_END) - SAMPLE_BYTES)
                file.seek(start)
                data = read_file(file, SAMPLE_BYTES, self.path)
                if start:  # most likely in the middle of a line
                    data = data.partition(b"\n")[2]
            else:
                data = self._unpacked_tail()
        if not data:
            return []
        found = data.removesuffix(b"\n").rsplit(b"\n", lines)
        return [self._trimmed(line) for line in found[-lines:]]

    def batches(
        self, starts_event: StartsEvent | None = None, stop: Callable[[], bool] = never
    ) -> Iterator[RawBatch]:
        """All lines to the end of the file or pipe, or until ``stop()``, which a pipe that is quiet asks, too.

        With ``starts_event`` (formats whose events span lines) batches are cut only before a line
        that starts an event; :class:`BatchCutter` says what becomes of events without end. Lines,
        positions and events depend on the bytes alone, never on when they came. A pipe can be read
        only once.
        """
        cutter = self._cutter(starts_event)
        with self._stream() as stream:
            self._state.reading = stream
            yield from _finished(self._batches(stream, cutter, self.batch_bytes, stop), cutter)

    def follow(
        self,
        starts_event: StartsEvent | None,
        stop: Callable[[], bool],
        poll_seconds: float = 1.0,
        wait: Callable[[float], object] = time.sleep,
    ) -> Iterator[RawBatch | None]:
        """All lines from the start, then, as ``tail -F``, those that are added, until ``stop()``.

        Gives None whenever nothing new came for ``poll_seconds``. A line is delivered when its end
        has come; the last event of a format with ``starts_event``, when the next one starts or
        nothing came for ``poll_seconds``; at the end, all of it. ``stop`` is asked after each
        batch and each wait. Line numbers go on counting when the file is emptied or replaced. A
        pipe or standard input is followed to its end. ``wait`` is how to wait between two looks at
        a file (on a pipe, the pipe itself is waited for). Compressed files cannot be followed
        (InputError), compressed pipes can.
        """
        cutter = self._cutter(starts_event)
        if self.total_bytes is None:
            with self._stream() as stream:
                self._state.reading = stream
                read = partial(stream.gather, self.batch_bytes, poll_seconds, self.linger_seconds)
                yield from _finished(follow_stream(read, cutter, stop), cutter)
        else:
            with closing(Tail(self.path)) as tail:
                self._state.reading = tail
                pause = partial(wait, poll_seconds)
                added = follow_file(tail, self.batch_bytes, cutter, stop, pause)
                yield from _finished(added, cutter)

    def _stream(self) -> Stream:
        """The source as a stream; a pipe is the same stream each time."""
        if self.total_bytes is not None:
            return open_stream(self.path)
        if self._state.once is None:
            self._state.once = open_stream(self.path)
        return self._state.once

    def _cutter(self, starts_event: StartsEvent | None) -> BatchCutter:
        return BatchCutter(self.max_line_bytes, starts_event, self.source)

    def _batches(
        self, stream: Stream, cutter: BatchCutter, size: int, stop: Callable[[], bool] = never
    ) -> Iterator[RawBatch]:
        while not stop() and (data := stream.gather(size, ASK_SECONDS, self.linger_seconds)) != b"":
            if data is not None:
                cutter.add(data)
                yield from cutter.take()

    def _unpacked_tail(self) -> bytes:
        """Whole lines from the end of a compressed file, :data:`SAMPLE_BYTES` or more."""
        tail: deque[bytes] = deque(maxlen=2)
        cutter = self._cutter(None)
        with open_stream(self.path) as stream, suppress(InputError):
            blocks = _finished(self._batches(stream, cutter, SAMPLE_BYTES), cutter)
            tail.extend(block.data for block in blocks)
        return b"".join(tail)

    def _trimmed(self, line: bytes) -> bytes:
        return line[: self.max_line_bytes + 1].rstrip(b"\r")


_Batch = TypeVar("_Batch", RawBatch, RawBatch | None)


def _finished(batches: Iterator[_Batch], cutter: BatchCutter) -> Iterator[_Batch]:
    """These batches, then what the cutter still has; also where the batches end in a failure."""
    try:
        yield from batches
    except InputError:
        yield from cutter.finish(broken=True)
        raise
    yield from cutter.finish()
