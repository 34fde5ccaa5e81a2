"""Where settings come from: command line, environment, TOML file, in this order."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from log_guard.app.settings import PREFIX, Settings, is_secret, option
from log_guard.app.settings_checks import conflicts
from log_guard.errors import OptionError

PROPERTIES = f"{PREFIX}KAFKA_PROPERTIES"
FILE = f"{PREFIX}CONFIG"
COMMAND_LINE, ENVIRONMENT, DEFAULT = "command line", "environment", "default"
"""Where a setting is from; else from a file, by its name."""
_NOT_OURS = re.compile(
    rf"{PREFIX}(TEST_.*|(.*_)?SERVICE_(HOST|PORT).*|(.*_)?PORT(_\d+_(TCP|UDP).*)?)"
)
"""Variables of our tests, and those that Kubernetes sets for services whose name begins with "logguard"."""


def default_file() -> Path:
    """Where the settings are looked for if no file is named (XDG)."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "logguard" / "config.toml"


def load_settings(
    given: Mapping[str, Any], file: Path | None = None
) -> tuple[Settings, dict[str, str]]:
    """The effective settings, and where each value comes from.

    given:  values of the command line; None where an option was not used.
    file:   a TOML file; None: the one that LOGGUARD_CONFIG names, or the user's own if there is one.

    Raises OptionError, with the name of what is wrong and never the value of a secret.
    """
    named = file or (Path(os.environ[FILE]) if FILE in os.environ else None)
    path = named or default_file()
    sources = {
        DEFAULT: {},
        str(path): _from_file(path, required=named is not None),
        ENVIRONMENT: _from_environment(),
        COMMAND_LINE: {k: v for k, v in given.items() if v is not None},
    }
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    for origin, found in sources.items():
        values |= found
        origins |= dict.fromkeys(found, origin)
    _choose_password(values, origins, list(sources))
    try:
        settings = Settings(**values)
    except ValidationError as e:
        first = e.errors()[0]
        name = str(first["loc"][0])
        where = _place(name, origins.get(name, str(path)))
        shown = "" if is_secret(name) else f" {first['input']!r}"
        if first["type"] == "extra_forbidden":
            raise OptionError(f"{where}: no such setting; see `logguard config show`") from None
        raise OptionError(f"{where}{shown}: {first['msg']}") from None
    for names, why in conflicts(settings):
        # What was said last, and most likely by mistake, comes first.
        later = sorted(names, key=lambda name: -list(sources).index(origins[name]))
        said = [f"{_place(name, origins[name])} {getattr(settings, name)}" for name in later]
        raise OptionError(f"{said[0]}: does not go with {said[1]}: {why}")
    return settings, origins


def _choose_password(values: dict[str, Any], origins: dict[str, str], order: list[str]) -> None:
    """Of a password and a file that holds one the one holds that was said last; OptionError for two in one place."""
    names = ("db_password", "db_password_file")
    given = [name for name in names if values.get(name)]
    if len(given) < len(names):
        return
    weak, strong = sorted(names, key=lambda name: order.index(origins[name]))
    if origins[weak] == origins[strong]:
        one, other = (_place(name, origins[name]) for name in names)
        raise OptionError(f"{one}: does not go with {other}: give one of them")
    del values[weak]
    origins[weak] = f"{origins[weak]}, without effect beside {_place(strong, origins[strong])}"


def _place(name: str, origin: str) -> str:
    """A setting as it was given: an option, a variable, or a line of a file."""
    known = {
        COMMAND_LINE: option(name),
        ENVIRONMENT: PREFIX + name.upper(),
        DEFAULT: f"the default {option(name)}",
    }
    return known.get(origin, f"{origin}: {name}")


def _from_file(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.is_file():
        if required:
            raise OptionError(f"--config {path}: no such file")
        return {}
    try:
        return dict(TomlConfigSettingsSource(Settings, path).toml_data)
    except (ValueError, OSError) as e:
        raise OptionError(f"{path}: cannot be read ({e})") from None


def _from_environment() -> dict[str, Any]:
    # pydantic knows JSON only; it is kept from reading these itself.
    saved = os.environ.pop(PROPERTIES, None)
    try:
        found = EnvSettingsSource(Settings)()
    except SettingsError as e:
        raise OptionError(f"environment: {e}") from None
    finally:
        if saved is not None:
            os.environ[PROPERTIES] = saved
    if saved:
        found["kafka_properties"] = properties_of_environment()
    return {name: value for name, value in found.items() if name in Settings.model_fields}


def unknown_variables() -> dict[str, str]:
    """Variables that look like settings and are none, each with the one that it is most like, if any."""
    known = {PREFIX + name.upper() for name in Settings.model_fields} | {FILE}
    unknown = (n for n in sorted(os.environ) if n.startswith(PREFIX) and n not in known)
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1, 0.8)), "")
        for name in unknown
        if not _NOT_OURS.fullmatch(name)
    }


def properties_of_environment() -> dict[str, str]:
    """``LOGGUARD_KAFKA_PROPERTIES``: ``a=b,c=d``, or a JSON object where a value holds a comma."""
    text = os.environ.get(PROPERTIES, "").strip()
    if not text.startswith("{"):
        return properties(text.split(","), PROPERTIES) if text else {}
    try:
        return {str(name): str(value) for name, value in json.loads(text).items()}
    except ValueError:
        raise OptionError(f"{PROPERTIES}: that is no JSON object") from None


def properties(pairs: list[str], given_by: str = "--kafka-property") -> dict[str, str]:
    """``["a=b"]`` → ``{"a": "b"}``; OptionError for anything else, which may be part of a password and is not shown."""
    found: dict[str, str] = {}
    for number, pair in enumerate(pairs, start=1):
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            comma = "; a value with a comma needs a JSON object" if given_by == PROPERTIES else ""
            raise OptionError(
                f"{given_by}, number {number}: give NAME=VALUE, e.g. security.protocol=SSL{comma}"
            )
        found[name.strip()] = value
    return found
