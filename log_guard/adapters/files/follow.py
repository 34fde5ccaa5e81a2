"""Keeping up with a source that grows: a pipe that is still written to, or a file, as ``tail -F``.

Both give a batch as soon as there are whole lines, and None after every wait in which nothing came,
so that whoever reads can let its idle clocks run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from log_guard.adapters.files.batches import BatchCutter
from log_guard.adapters.files.reading import READ_BYTES, STDIN, open_file, read_file, regular_size
from log_guard.adapters.files.unpacking import MAGIC_BYTES, packing
from log_guard.core.events import RawBatch
from log_guard.errors import InputError


def has_line(path: str) -> bool:
    """Whether a file that is to be followed has a line that is not blank; True of a pipe, which is waited for anyway.

    A file that is not there has none yet. InputError if it cannot be opened.
    """
    if regular_size(path) is None:
        return path == STDIN or Path(path).exists()
    with open_file(path) as file:
        data = read_file(file, READ_BYTES, path)
    whole = data[: data.rfind(b"\n") + 1]
    return bool(whole.strip()) or len(data) == READ_BYTES or packing(data) is not None


def follow_stream(
    read: Callable[[], bytes | None], cutter: BatchCutter, stop: Callable[[], bool]
) -> Iterator[RawBatch | None]:
    """Deliver a stream as it comes, until it ends or ``stop()``.

    ``read`` gives the next bytes, ``b""`` at the end, None when it has waited in vain.
    """
    while not stop():
        data = read()
        if data:
            cutter.add(data)
            yield from cutter.take()
        elif data is None:
            yield from cutter.release()
            yield None
        else:
            return


def follow_file(
    tail: Tail,
    batch_bytes: int,
    cutter: BatchCutter,
    stop: Callable[[], bool],
    pause: Callable[[], object],
) -> Iterator[RawBatch | None]:
    """Deliver a file from its start, then what is added to it, until ``stop()``.

    ``pause`` waits until it is time to look at the file again.
    """
    paused = False
    while not stop():
        if data := tail.read(batch_bytes):
            cutter.add(data)
            yield from cutter.take()
            paused = False
        elif tail.begins_anew():
            yield from cutter.finish()
            paused = False
        else:
            if paused:
                yield from cutter.release()
                yield None
            pause()
            paused = True


class Tail:
    """A growing file that is known by its name, whichever file has the name at the time."""

    def __init__(self, path: str) -> None:
        """Open it; InputError if it is not there, or compressed."""
        self._path = path
        self._file = open_file(path)
        self._replaced = False
        self.position = 0
        """Bytes read so far, of all files that had the name."""
        kind = packing(read_file(self._file, MAGIC_BYTES, path))
        self._file.seek(0)
        if kind is not None:
            self.close()
            raise InputError(
                f"{path} is compressed ({kind}) and cannot be followed: read it as a whole, or "
                "follow the file that is written to"
            )

    def read(self, size: int) -> bytes:
        """At most ``size`` more bytes; ``b""`` if there is nothing new."""
        data = read_file(self._file, size, self._path)
        if data:
            self._replaced = False
            self.position += len(data)
        return data

    def begins_anew(self) -> bool:
        """Ask after ``read`` gave nothing: was the file emptied, or is the name another file's now?

        If so, the next read gives the beginning of the new content. A file that was renamed is left
        only at the second time of asking without anything new in between: whoever writes to it may
        take a moment until it opens the new file. A name that is gone for a moment is waited for.

        Cannot see: a file that was emptied and has outgrown its old size since the last look, and
        a file that had the name only between two looks.
        """
        own = os.fstat(self._file.fileno())
        if own.st_size < self._file.tell():
            self._file.seek(0)
            return True
        try:
            named = Path(self._path).stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise InputError(
                f"cannot look at {self._path}: {error.strerror or error} (check its directory)"
            ) from error
        if os.path.samestat(own, named):
            self._replaced = False
            return False
        if not self._replaced:
            self._replaced = True
            return False
        try:
            successor = open_file(self._path)
        except InputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise
        self.close()
        self._file = successor
        self._replaced = False
        return True

    def close(self) -> None:
        self._file.close()
