"""A directory of models, one of which is the current one.

::

    DIR/0001-5f0c…/      a model directory for each version; none is ever changed or removed here
    DIR/0002-9be1…/
    DIR/registry.json    which is current, and the history of how it came to be

``registry.json`` is replaced as a whole: pointer and history are one file, so that they cannot
disagree, and a reader sees the old one or the new one. A command that dies leaves at worst a model
that nobody has promoted. Commands that change the registry wait for one another.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from log_guard.adapters.models.directory import load_model, save_model, verify_model
from log_guard.adapters.models.manifest import MANIFEST, is_model
from log_guard.core.learning.model import Model
from log_guard.errors import ModelError

REGISTRY = "registry.json"
FORMAT: Final = 2
"""2: models that were not promoted are in the history, with why."""
_LOCK = ".lock"
NAME = re.compile(r"(\d{4,})-[0-9a-f]+")
"""Names that the registry gives."""


class Entry(BaseModel):
    """One change of the current model, or one that was refused; ``time`` in ISO 8601.

    before:  the one that was current, None for the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    time: str
    action: Literal["promote", "rollback", "refuse"]
    model: str
    before: str | None
    author: str
    reason: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: Literal["logguard-registry"] = "logguard-registry"
    format: Annotated[int, Field(ge=1)] = FORMAT
    current: str | None = None
    history: tuple[Entry, ...] = ()


class Registry:
    """The models in a directory; ModelError, with its repair, from whatever cannot be done."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    @property
    def current(self) -> str | None:
        """Name of the current model; None before the first was promoted."""
        return self._read().current

    @property
    def history(self) -> tuple[Entry, ...]:
        """All changes, oldest first."""
        return self._read().history

    def load(self, name: str) -> Model:
        """Load a model of this registry."""
        return load_model(self._place(name))

    def add(self, model: Model) -> str:
        """Keep a model, without promoting it; its name. One that is here already is not kept twice."""
        with self._alone():
            fresh = save_model(model, self.directory / ".new")
            try:
                names = self._names()
                for name in names:
                    # The manifest holds the digests of all arrays: equal manifests, equal models.
                    manifest = self.directory / name / MANIFEST
                    if manifest.read_bytes() == (fresh / MANIFEST).read_bytes():
                        return name
                number = max((int(name.split("-")[0]) for name in names), default=0) + 1
                name = f"{number:04d}-{model.version}"
                fresh.rename(self.directory / name)
                self._flush()
                return name
            except OSError as error:
                raise self._cannot("write", error) from error
            finally:
                _remove(fresh)

    def promote(self, name: str, *, time: str, author: str, reason: str = "") -> str | None:
        """Make a model the current one; the name of the one before."""
        problems = verify_model(self._place(name))
        if problems:
            raise ModelError(problems[0])
        with self._alone():
            return self._change("promote", name, time, author, reason)

    def refuse(self, name: str, *, time: str, author: str, reason: str) -> None:
        """Note why a model that is kept was not promoted."""
        with self._alone():
            file = self._read()
            entry = Entry(
                time=time,
                action="refuse",
                model=name,
                before=file.current,
                author=author,
                reason=reason,
            )
            self._write(_File(current=file.current, history=(*file.history, entry)))

    def rollback(self, *, time: str, author: str, reason: str = "") -> str:
        """Go back to the model that was current before the current one; its name.

        Twice in a row goes back two steps, not forth again.
        """
        with self._alone():
            steps: list[str] = []
            for entry in self._read().history:
                if entry.action == "promote":
                    steps.append(entry.model)
                elif entry.action == "rollback":
                    steps.pop()
            if len(steps) < 2:
                raise ModelError(
                    f"{self.directory}: there is no model before the current one; "
                    "promote another with `logguard models promote`"
                )
            problems = verify_model(self._place(steps[-2]))
            if problems:
                raise ModelError(problems[0])
            self._change("rollback", steps[-2], time, author, reason)
            return steps[-2]

    def _change(
        self, action: Literal["promote", "rollback"], name: str, time: str, author: str, reason: str
    ) -> str | None:
        file = self._read()
        if file.current == name:
            raise ModelError(f"{name} is the current model already")
        entry = Entry(
            time=time, action=action, model=name, before=file.current, author=author, reason=reason
        )
        self._write(_File(current=name, history=(*file.history, entry)))
        return file.current

    def _names(self) -> list[str]:
        """The models that the registry has named itself."""
        return sorted(p.name for p in self.directory.iterdir() if NAME.fullmatch(p.name))

    def _place(self, name: str) -> Path:
        """Directory of a model; a name leads to no other directory."""
        path = self.directory / name
        if Path(name).name != name or name.startswith(".") or not is_model(path):
            raise ModelError(
                f"{self.directory} holds no model {name!r}: see `logguard models list {self.directory}`"
            )
        return path

    def _read(self) -> _File:
        path = self.directory / REGISTRY
        try:
            content = json.loads(path.read_bytes())
            if isinstance(content, dict) and content.get("format", 0) > FORMAT:
                raise ModelError(f"{path} was written by a newer LogGuard: upgrade this one")
            return _File.model_validate(content)
        except FileNotFoundError:
            return _File()
        except OSError as error:
            raise self._cannot("read", error) from error
        except (ValueError, TypeError, ValidationError):
            raise ModelError(
                f"{path} is damaged: restore it from a copy, or remove it and promote a model again"
            ) from None

    def _write(self, file: _File) -> None:
        path = self.directory / REGISTRY
        fresh = path.with_name(f".{REGISTRY}.new")
        try:
            with fresh.open("w", encoding="utf-8") as out:
                out.write(file.model_dump_json(indent=2) + "\n")
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(path)
            self._flush()
        except OSError as error:
            raise self._cannot("write", error) from error

    def _flush(self) -> None:
        """Names last over a power cut too, where the system can be asked for that."""
        if os.name == "posix":
            handle = os.open(self.directory, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for other commands that change the registry; a dead one holds nobody up."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with (self.directory / _LOCK).open("w") as lock:
                if os.name == "posix":
                    import fcntl  # elsewhere there is none: two commands at once are not told apart

                    fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise self._cannot("write", error) from error

    def _cannot(self, what: str, error: OSError) -> ModelError:
        return ModelError(
            f"cannot {what} the registry {self.directory}: {error.strerror or error} "
            "(check the path, its permissions and disk)"
        )


def is_registry(directory: str | Path) -> bool:
    """Whether a directory has a current model, or has had one."""
    return (Path(directory) / REGISTRY).is_file()


def open_model(directory: str | Path) -> Model:
    """Load a model directory, or the current model of a registry; ModelError as in loading."""
    if not is_registry(directory):
        return load_model(directory)
    registry = Registry(directory)
    name = registry.current
    if name is None:
        raise ModelError(
            f"{directory} has no current model: make one with `logguard models promote`"
        )
    return registry.load(name)


def _remove(fresh: Path) -> None:
    """Remove what was written and is not wanted."""
    if fresh.is_dir():
        for file in fresh.iterdir():
            file.unlink()
        fresh.rmdir()
