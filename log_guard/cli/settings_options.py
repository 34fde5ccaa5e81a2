"""Options made from the settings: a command names the sections that it needs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

Command = Callable[..., None]


def with_settings(*sections: str) -> Callable[[Command], Command]:
    """Give a command an option for each setting of these sections, and hand it the ``settings``.

    The command's own parameters come first; it takes ``settings``, and ``origins`` if it has such a
    parameter, by keyword.
    """
    from log_guard.app.settings import Settings, option, section
    from log_guard.app.settings_loading import load_settings, properties

    names = [name for name in Settings.model_fields if section(name) in sections]

    def decorate(command: Command) -> Command:
        wants_origins = "origins" in inspect.signature(command).parameters
        own = [
            p
            for name, p in inspect.signature(command, eval_str=True).parameters.items()
            if name not in ("settings", "origins")
        ]

        def call(**given: Any) -> None:
            kept = {p.name: given.pop(p.name) for p in own}
            file = given.pop("config")
            if given.get("kafka_properties") is not None:
                given["kafka_properties"] = properties(given["kafka_properties"]) or None
            settings, origins = load_settings(given, file)
            command(**kept, settings=settings, **({"origins": origins} if wants_origins else {}))

        def parameter(name: str) -> inspect.Parameter:
            field = Settings.model_fields[name]
            kind: Any = {int: int, float: float, bool: bool}.get(field.annotation, str)  # type: ignore[arg-type]  # other annotations are no keys
            flag = option(name)
            info = typer.Option(
                f"{flag}/--no-{flag[2:]}" if kind is bool else flag,
                help=f"{field.description}{_default(name)}",
                rich_help_panel=section(name),
                show_default=False,
                metavar="NAME=VALUE" if name == "kafka_properties" else None,
            )
            if name == "kafka_properties":
                kind = list[str]
            return inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[kind | None, info],
            )

        config = inspect.Parameter(
            "config",
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[
                Path | None,
                typer.Option(
                    "--config", metavar="FILE", help="TOML file with any of these settings."
                ),
            ],
        )
        first = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own]
        signature = inspect.Signature([*first, config, *map(parameter, names)])
        call.__signature__ = signature  # type: ignore[attr-defined]  # what inspect looks for first
        call.__doc__ = command.__doc__
        call.__name__ = command.__name__
        return call

    return decorate


def _default(name: str) -> str:
    from pydantic import SecretStr

    from log_guard.app.settings import Settings

    default = Settings.model_fields[name].default
    if isinstance(default, SecretStr):
        return "" if not default.get_secret_value() else "  [default: one for development only]"
    if default in ("", None) or default == {}:
        return ""
    return f"  [default: {default}]"
