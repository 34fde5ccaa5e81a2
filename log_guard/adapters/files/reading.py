"""Bytes from a file, a pipe or standard input, as they lie there."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import IO

from log_guard.errors import InputError

STDIN = "-"
"""The path that stands for standard input."""

READ_BYTES = 256 << 10
"""How much is asked for in one read."""


class Stream(ABC):
    """Bytes in order, read once. The end and a failure are final: asked again, it says the same."""

    def __init__(self, live: bool) -> None:
        self.live = live
        """Whether more may still come later (a pipe, a terminal), so that reading may wait."""
        self.ended = False
        """Whether the end was read (what was handed back is still to come)."""
        self._returned = b""
        self._failure: InputError | None = None

    @property
    @abstractmethod
    def position(self) -> int:
        """Bytes read so far from the underlying file, as they lie there (compressed or not)."""

    @abstractmethod
    def _next(self, timeout: float | None) -> bytes | None: ...

    @abstractmethod
    def _release(self) -> None: ...

    def close(self) -> None:
        """Let go of the underlying file (not of standard input); nothing more is read."""
        self.ended = True
        self._returned = b""
        self._release()

    def read(self, timeout: float | None = None) -> bytes | None:
        """The next bytes, as many as are there; ``b""`` at the end.

        Waits for the first byte, but no longer than ``timeout`` seconds if that is given: None then
        says that nothing came. Raises InputError where the data are damaged or cannot be read.
        """
        if self._returned:
            data, self._returned = self._returned, b""
            return data
        if self._failure is not None:
            raise self._failure
        if self.ended:
            return b""
        try:
            following = self._next(timeout)
        except InputError as failure:
            self._failure = failure
            raise
        self.ended = following == b""
        return following

    def gather(self, size: int, timeout: float | None = None, linger: float = 0.0) -> bytes | None:
        """Like :meth:`read`, but goes on reading until there are ``size`` bytes or more.

        Stops before that at the end, at a failure (which the next read raises) and, if the stream
        is live, ``linger`` seconds after the first bytes came: a stream that trickles is not kept
        waiting for a full batch, and one that flows is not read in crumbs.
        """
        data = self.read(timeout)
        if not data:
            return data
        parts, got, deadline = [data], len(data), time.monotonic() + linger
        while got < size:
            try:
                data = self.read(max(0.0, deadline - time.monotonic()))
            except InputError:
                break
            if not data:
                break
            parts.append(data)
            got += len(data)
        return b"".join(parts)

    def unread(self, data: bytes) -> None:
        """Hand bytes back: they come first in the next read."""
        self._returned = data + self._returned

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_file(path: str) -> IO[bytes]:
    """Open a path for unbuffered reading; InputError, with its repair, if that cannot be."""
    try:
        return Path(path).open("rb", buffering=0)
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path} (check the path)") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a directory: name a file in it") from error
    except PermissionError as error:
        raise InputError(
            f"no permission to read {path}: run as a user who may, or grant it with chmod"
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot open {path}: {error.strerror or error} (check the path and its disk)"
        ) from error


def read_file(file: IO[bytes], size: int, name: str) -> bytes:
    """One read of at most ``size`` bytes; where it fails, InputError."""
    try:
        return file.read1(size) if isinstance(file, io.BufferedIOBase) else file.read(size)
    except OSError as error:
        raise InputError(
            f"cannot read on in {name}: {error.strerror or error} (check its disk or mount)"
        ) from error


def regular_size(path: str) -> int | None:
    """Size in bytes of a regular file; None for anything else (a pipe, nothing at all)."""
    if path == STDIN:
        return None
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class RawStream(Stream):
    """The bytes as they lie in the file or come through the pipe."""

    def __init__(self, path: str) -> None:
        self._position = 0
        self._owned = path != STDIN
        if path == STDIN:
            self.name = "standard input"
            if sys.stdin is None:
                raise InputError("standard input is closed: pipe logs into it, or name a file")
            self._file: IO[bytes] = sys.stdin.buffer
        else:
            self.name = path
            self._file = open_file(path)
        try:
            regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        except io.UnsupportedOperation:  # standard input was replaced by an object in memory
            regular = True
        super().__init__(live=not regular)

    @property
    def position(self) -> int:
        return self._position

    def _next(self, timeout: float | None) -> bytes | None:
        # Asked even where waiting may last: a pipe that was set not to block says "nothing" then.
        if self.live and not select.select([self._file], [], [], timeout)[0]:
            return None
        data = read_file(self._file, READ_BYTES, self.name)
        self._position += len(data)
        return data

    def _release(self) -> None:
        if self._owned:
            self._file.close()
