"""The feedback file: TOML that people review, with ``[[suppression]]`` and ``[[label]]`` entries."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import tomlkit
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from log_guard.core.events import SECOND, Level
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.masking import without_secrets
from log_guard.errors import InputError, OptionError

Said = Annotated[str, Field(min_length=1)]


def _expression(text: str) -> str:
    try:
        found = re.search(text, "")
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from None
    if text and found is not None:
        raise ValueError("fits every message, for it needs nothing to be in one")
    return text


def _said(message: str) -> str:
    """What pydantic says, in our words."""
    if message == "String should have at least 1 character":
        return "must not be empty"
    return message.removeprefix("Value error, ")


def _level(text: str) -> str:
    if text and text.upper() not in Level.__members__:
        raise ValueError(f"use one of {', '.join(Level.__members__)}")
    return text.upper()


class _Suppression(BaseModel):
    model_config = ConfigDict(extra="forbid")
    template: str = ""
    matches: Annotated[str, AfterValidator(_expression)] = ""
    service: str = ""
    level: Annotated[str, AfterValidator(_level)] = ""
    reason: Said
    author: Said
    created: datetime
    expires: datetime

    @model_validator(mode="after")
    def _one_of_two(self) -> _Suppression:
        if bool(self.template) == bool(self.matches):
            raise ValueError("give either template or matches")
        return self


class _Label(BaseModel):
    model_config = ConfigDict(extra="forbid")
    verdict: Annotated[str, Field(pattern="^(real|noise)$")]
    start: datetime
    end: datetime
    service: str = ""
    reason: Said
    author: Said


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    suppression: list[_Suppression] = []
    label: list[_Label] = []


def read_feedback(path: Path) -> Feedback:
    """Read the file; InputError names the entry that is wrong."""
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{path}: {where}: {_said(first['msg'])}") from None
    return Feedback(
        tuple(
            Suppression(
                reason=s.reason,
                author=s.author,
                template=s.template,
                matches=s.matches,
                service=s.service,
                level=Level[s.level] if s.level else None,
                until=_micros(s.expires),
            )
            for s in found.suppression
        ),
        tuple(
            Label(
                _micros(e.start), _micros(e.end), e.verdict == "real", e.reason, e.author, e.service
            )
            for e in found.label
        ),
    )


def add_entry(path: Path, kind: str, entry: dict[str, Any]) -> list[str]:
    """Append a ``suppression`` or a ``label``; what is there stays as it is, comments included.

    Secrets in its texts are replaced as they are in messages: the file is for others to read. Returns
    the names of the texts in which there were any. InputError where the file, OptionError where the
    entry is not sound; the file is then as it was.
    """
    entry, redacted = _redacted(entry)
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    try:
        tomllib.loads(before)
        _File.model_validate({kind: [entry]})
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][-1]  # a number: it is about the entry as a whole
        where = f"--{name} {entry[name]!r}: " if isinstance(name, str) else ""
        raise OptionError(where + _said(first["msg"])) from None
    table = tomlkit.table()
    for name, value in entry.items():
        if value not in ("", None):
            table.add(name, value)
    entries = tomlkit.aot()
    entries.append(table)
    addition = tomlkit.document()
    addition.add(kind, entries)
    text = before.rstrip("\n") + ("\n\n" if before.strip() else "") + tomlkit.dumps(addition)
    written = path.with_name(path.name + ".new")
    try:
        written.write_text(text, encoding="utf-8")
        read_feedback(written)
        written.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    finally:
        written.unlink(missing_ok=True)
    return redacted


def _redacted(entry: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An entry without secrets, and the names of the texts that had some."""
    texts = {name: text for name, text in entry.items() if isinstance(text, str) and text}
    clean = dict(
        zip(texts, without_secrets(pl.Series(list(texts.values()), dtype=pl.String)), strict=True)
    )
    changed = [name for name in texts if clean[name] != texts[name]]
    if "matches" in changed:
        raise InputError(
            "matches: holds what looks like a secret, which no template does: write <secret> in its place"
        )
    return {**entry, **clean}, changed


def _micros(time: datetime) -> int:
    aware = time if time.tzinfo is not None else time.replace(tzinfo=UTC)
    return round(aware.timestamp() * SECOND)
