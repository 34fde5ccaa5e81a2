"""What a JSON record says of an error beside its message: ``{"msg": "begin transaction", "error": "... refused"}``.

It is put below the message, as the cause stands below the first line of a stack trace in text, and all that holds for
those holds for it: people are shown it; of the template it is at most the class of an exception. The text of an error
is anybody's (a path, a query, what a server answered): as part of the template it would make one statement many, each
never seen before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ERRORS = ("error", "err", "exception", "thrown")
"""Fields that are an error: its text, or an object."""
_TRACES = ("exc_info", "stack_trace", "@x", "Exception")
"""Fields that are all of a trace, its cause included."""
_TYPES = ("type", "name", "class", "exception_class", "exceptionType")
_MESSAGES = ("message", "msg", "exception_message")
_STACKS = ("stack_trace", "stacktrace", "stack")

_ATTRIBUTES = ("attributes", "Attributes")
"""Objects of OpenTelemetry that hold an exception among others."""

# As keys with a value that is a text, or an object. Names with a dot in them are those of ECS and OpenTelemetry.
TOLD = (
    rf"""(?:"(?:(?:{"|".join(_ERRORS)})(?:\.\w+)?|{"|".join(_TRACES)})"\s*:\s*(?:"[^"]|\{{))"""
    r"""|"key"\s*:\s*"exception"""
)
"""Regular expression of a JSON line that may have one; the others have none."""
MARKS = ("err", "exc", "Exc", "thrown", "stack_tr", "@x")
"""One of these stands somewhere in every such line, and is found six times as fast."""

_NOTHING = ("-", "<nil>", "nil", "null", "none", "false")
"""What is written where there was no error."""

Find = Callable[[str], Any]
"""Value of the field of this name, which may be within another (``a.b``)."""


def with_cause(message: str, find: Find, known: tuple[str | None, ...] = ()) -> str:
    """The message with the cause below it, if there is one and the message does not tell it.

    known:  fields that are something else already.
    """
    cause = _cause(lambda name: None if name in known else find(name))
    if not cause or cause.partition("\n")[0] in message:
        return message
    begins = "" if cause.startswith(("Traceback ", "Caused by: ")) else "Caused by: "
    return f"{message}\n{begins}{cause}"


def _cause(find: Find) -> str:
    for error in (*_ERRORS, *(f"{within}.exception" for within in _ATTRIBUTES)):
        text = _text(find(error)) or _of_parts(error, find)
        if text:
            return text
    return next((text for name in _TRACES if (text := _text(find(name)))), "")


def _of_parts(error: str, find: Find) -> str:
    def first(parts: tuple[str, ...]) -> str:
        return next((text for part in parts if (text := _text(find(f"{error}.{part}")))), "")

    kind, message = first(_TYPES), first(_MESSAGES)
    told = message if message.startswith(kind) else f"{kind}: {message}" if message else kind
    stack = first(_STACKS)
    # A trace tells the root of it all.
    return stack if "\nCaused by: " in stack or stack.startswith("Traceback ") else told or stack


def _text(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    return "" if text.lower() in _NOTHING else text
