"""What settings may be, beyond their types: found out as they are read, and not where one is first used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from log_guard.errors import OptionError

if TYPE_CHECKING:
    from log_guard.app.settings import Settings

_BROKER = re.compile(r"(\w+://)?(\[[0-9a-fA-F:]+\]|[^\s:/,\[\]]+)(:(?P<port>[0-9]+))?")
_TOPIC = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}")
TOPICS = ("topic", "summary_topic", "state_topic", "output_topic", "dead_letter_topic")
_GROUPS = ("processor_group", "detector_group", "writer_group")

Conflict = tuple[tuple[str, str], str]
"""Two settings that do not go together, and why: of the two either may be changed."""


def _brokers(given: str) -> str | None:
    for broker in given.split(","):
        parsed = _BROKER.fullmatch(broker.strip())
        if parsed is None or not 1 <= int(parsed["port"] or 9092) <= 65_535:
            return "give HOST:PORT, several by commas"
    return None


def _topic(given: str) -> str | None:
    fits = _TOPIC.fullmatch(given)
    return None if fits else "give a name that Kafka takes: up to 249 of a-z, A-Z, 0-9, ., _ and -"


def _timezone(given: str) -> str | None:
    from log_guard.core.decoding.timestamps.zones import localiser

    try:
        localiser(given)
    except OptionError:
        return "use an IANA name such as UTC or Europe/Berlin"
    return None


def _detector(given: str) -> str | None:
    from log_guard.core.detection.judge import DETECTORS

    return None if given in DETECTORS else f"use {', '.join(DETECTORS)}"


def _input_format(given: str) -> str | None:
    from log_guard.core.decoding.formats import FORMATS

    return None if given in FORMATS else f"use {', '.join(FORMATS)}"


def _group_by(given: str) -> str | None:
    named = all(name.strip() for name in given.split(","))
    return None if named else "give service, names of JSON fields by commas, or none"


CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "kafka_brokers": _brokers,
    **dict.fromkeys(TOPICS, _topic),
    "timezone": _timezone,
    "detector": _detector,
    "input_format": _input_format,
    "group_by": _group_by,
}
"""Setting → of a value what to give instead, or None if it will do. What a check needs of the core is imported
where it is used: most settings are left at their defaults."""


def check(name: str, given: str) -> str:
    """The value, if it will do; what pydantic takes for an error if not."""
    said = CHECKS[name](given)
    if said is not None:
        raise PydanticCustomError("unfit", "{said}", {"said": said})
    return given


def conflicts(settings: Settings) -> Iterator[Conflict]:
    """What does not go together."""
    for names, what in ((TOPICS, "topic"), (_GROUPS, "group")):
        for one, other in combinations(names, 2):
            if getattr(settings, one) == getattr(settings, other):
                yield (one, other), f"each needs a {what} of its own"
    for name in ("processor_group", "detector_group"):
        if getattr(settings, name) == settings.keeper_group:
            yield (name, "writer_group"), "--db-log-events makes a group of that name"
    window, slide = (round(s * 1e6) for s in (settings.window_seconds, settings.slide_seconds))
    if window % slide:
        yield ("window_seconds", "slide_seconds"), "a window must be a multiple of the slide"
    if settings.lateness_seconds > settings.max_lateness_seconds:
        why = "windows would wait for events that are kept out for being too late"
        yield ("lateness_seconds", "max_lateness_seconds"), why
    if settings.groups not in ((), ("service",)) and not _has_fields(settings.input_format):
        yield ("group_by", "input_format"), "its lines have no fields"


def _has_fields(name: str) -> bool:
    from log_guard.core.decoding.formats import FORMATS
    from log_guard.core.decoding.formats.json_lines import JsonLines

    return isinstance(FORMATS[name], JsonLines)
