"""Files that an option names and a command writes: what goes wrong with one names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from log_guard.errors import InputError


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Turn an OSError within into one line that says which file could not be written, and why."""
    try:
        yield
    except BrokenPipeError:
        raise  # its reader has seen enough, which is no failure
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


class TextOutput:
    """A file of text that is written bit by bit; a disk may be full at any of them, and at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with naming(path):
            self._file = path.open("w", encoding="utf-8")

    def write(self, text: str) -> None:
        """Write what follows."""
        with naming(self._path):
            self._file.write(text)

    def __enter__(self) -> TextOutput:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with naming(self._path):
            self._file.close()
