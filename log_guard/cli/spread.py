"""Options that go together, written down once: a command names the group and gets it whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints

Command = Callable[..., None]


def spread(command: Command) -> Command:
    """Give a command, in place of each parameter that is a dataclass, an option for each of its fields.

    The fields are annotated as typer's parameters are, and have defaults.
    """
    own = inspect.signature(command, eval_str=True).parameters.values()
    groups: dict[str, Any] = {p.name: p.annotation for p in own if is_dataclass(p.annotation)}

    def call(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    def parameters() -> Iterator[inspect.Parameter]:
        for parameter in own:
            group = groups.get(parameter.name)
            if group is None:
                yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                continue
            hints = get_type_hints(group, include_extras=True)
            yield from (_option(field, hints[field.name]) for field in fields(group))

    call.__signature__ = inspect.Signature(list(parameters()))  # type: ignore[attr-defined]  # what inspect looks for first
    call.__name__, call.__doc__ = command.__name__, command.__doc__
    return call


def _option(field: Field[Any], annotation: Any) -> inspect.Parameter:
    assert field.default is not MISSING
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=annotation
    )
