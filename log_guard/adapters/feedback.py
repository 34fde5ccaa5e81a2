"""The feedback file: TOML that people review, with ``[[suppression]]`` and ``[[label]]`` entries."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import polars as pl
import tomlkit
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from log_guard.core.events import SECOND, Level
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.masking import without_secrets
from log_guard.errors import InputError, OptionError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Said = Annotated[str, Field(min_length=1)]


def _expression(text: str) -> str:
    try:
        found = re.search(text, "")
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from None
    if text and found is not None:
        raise ValueError("fits every message, for it needs nothing to be in one")
    return text


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
    verdict: Literal["real", "noise"]
    start: datetime
    end: datetime
    service: str = ""
    reason: Said
    author: Said

    @model_validator(mode="after")
    def _in_order(self) -> _Label:
        if _micros(self.end) <= _micros(self.start):
            raise ValueError("end must be later than start")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    suppression: list[_Suppression] = []
    label: list[_Label] = []


_KEYS = {"suppression": _Suppression.model_fields, "label": _Label.model_fields}
_SAYS = {
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "string_type": "must be a text in quotes",
    "literal_error": "write real or noise",
    "list_type": "write each entry below a line of its own, with two brackets on each side",
    "model_type": "write each entry below a line of its own, with two brackets on each side",
}
"""Kind of a mistake, as pydantic calls it → what is said of it."""


def _said(mistake: ErrorDetails) -> str:
    """What is wrong, in our words."""
    kind, where = mistake["type"], mistake["loc"]
    if kind.startswith(("datetime", "date_")):
        return "is no time: write one as 2026-01-31T12:00:00Z"
    if kind == "extra_forbidden" and len(where) == 1:
        return "is no kind of entry: there are [[suppression]] and [[label]]"
    if kind == "extra_forbidden":
        return f"is no key of it; there are {', '.join(_KEYS[str(where[0])])}"
    return _SAYS.get(kind, mistake["msg"].removeprefix("Value error, "))


def _place(mistake: ErrorDetails) -> str:
    """Which entry, as people count them, and which key of it."""
    kind, *rest = mistake["loc"]
    number = f" {int(rest[0]) + 1}" if rest else ""
    return f"[[{kind}]]{number}" + "".join(f", {key}" for key in rest[1:2])


def read_feedback(path: Path) -> Feedback:
    """Read the file; InputError names the entry that is wrong."""
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"no such file: {path} (check the path)") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: {_place(first)}: {_said(first)}") from None
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
    before = ""
    if path.exists():
        read_feedback(path)
        before = path.read_text(encoding="utf-8")
    try:
        _File.model_validate({kind: [entry]})
    except ValidationError as error:
        first = error.errors()[0]
        name = first["loc"][-1]  # a number: it is about the entry as a whole
        where = f"--{name} {entry[name]!r}: " if isinstance(name, str) else ""
        raise OptionError(where + _said(first)) from None
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


def standing(path: Path, entry: dict[str, Any]) -> Suppression | None:
    """The suppression in the file that says what this entry says and has not expired when it is made."""
    if not path.exists():
        return None
    said, _ = _redacted(entry)
    same = (said["template"], said["matches"], said["service"], said["level"].upper())
    for one in read_feedback(path).suppressions:
        level = "" if one.level is None else one.level.name
        if (one.template, one.matches, one.service, level) == same and one.until > _micros(
            said["created"]
        ):
            return one
    return None


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
