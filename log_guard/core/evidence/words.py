"""Evidence in words: what a person would say first, and how a count is called."""

from __future__ import annotations

import re

from log_guard.core.evidence.lines import UNLEVELLED, UNSEEN
from log_guard.core.results import Bound, Part
from log_guard.core.windows import WHOLE_STREAM

_FIRST_WORD = re.compile(r"^\W*(\w*).*", re.DOTALL)

_LONGEST = "never so long before"
_SILENCE = re.compile(
    rf"no events at all in (\S+) s in (.*); (?:usual: (\S+ to \S+)(?: in (\S+) s)?|{_LONGEST})",
    re.DOTALL,
)

_TIMES = {0: "not once", 1: "once", 2: "twice"}
_MANY = {
    "new": "messages never seen before",
    "rare": "rare messages",
    "surging": "messages more often than usual",
    "fading": "messages less often than usual",
    "silent": "usual messages missing",
}


def describe(level: str | None, template: str | None) -> str:
    """How a count is called in a sentence."""
    if template is None:
        return "events" if level is None else f"{level} events"
    # Many a program writes the level into the message as well: one is enough.
    said = level in (None, UNLEVELLED) or _FIRST_WORD.sub(r"\1", template).upper() == level
    return f"'{template}'" if said else f"{level} '{template}'"


def sentence(parts: list[Part], new: int, service: str, seconds: float, silent: float = 1.0) -> str:
    """Say the first part in words.

    new:     how many messages were never seen before.
    silent:  for how many windows, of so many seconds each, nothing has come.
    """
    where = "the whole stream" if service == WHOLE_STREAM else service
    if not parts:
        return f"{where}: not normal"
    lead = parts[0]
    within = f"in {lead.seconds or seconds:g} s in {where}"
    if lead.counted == "messages":
        return many(lead, f" {within}")
    if lead.is_silence:
        lasted = seconds * max(silent, 1.0)
        known = f"usual: {lead.low:,} to {lead.high:,}" if lead.low else _LONGEST
        return f"no events at all in {lasted:g} s in {where}; {known}"
    times = _TIMES.get(lead.observed, f"{lead.observed:,} times")
    name = describe(lead.level, lead.template)
    usual = f"usual: {lead.low:,} to {lead.high:,}" if lead.high else "usual: none"
    if lead.kind == "new":
        others = new - 1
        more = f" (and {others:,} more new message{'s' if others > 1 else ''})" if others else ""
        return f"{name} {times} {within}; never seen before{more}"
    if lead.kind == "rare":
        return f"{name} {times} {within}; rare: {_how_often(lead.expected, seconds)}"
    if lead.template is None:
        name = name if lead.observed != 1 else name.removesuffix("s")
        step = f" ({lead.messages:,} messages in step)" if lead.messages > 1 else ""
        return f"{lead.observed:,} {name} {within}; {usual}{step}"
    return f"{name} {times} {within}; {usual}"


def longer_silence(said: str, seconds: float) -> str:
    """A sentence on a silence that has lasted for longer; what is usual stays that of the time that was judged."""
    match = _SILENCE.fullmatch(said)
    if match is None or float(match[1]) >= seconds:
        return said
    judged, where, usual, of = match.groups()
    known = _LONGEST if usual is None else f"usual: {usual} in {of or judged} s"
    return f"no events at all in {seconds:.0f} s in {where}; {known}"


def many(part: Part, within: str = "") -> str:
    """A line that stands for several messages: how many, of what kind, and an example."""
    return f"{part.messages:,} {_MANY[part.kind]}{within}, such as {describe(part.level, part.template)}"


def _how_often(expected: float, seconds: float) -> str:
    """Mean count a window as a rate that a person can picture."""
    every = seconds / max(expected, UNSEEN)
    for unit, length in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if every >= 1.5 * length:
            return f"about once in {every / length:.0f} {unit}"
    return f"about {60 / every:.0f} a minute"


def bound(b: Bound) -> str:
    """One clause of 'normal if'."""
    if not b.kind:
        name = describe(b.level, b.template)
    elif b.kind in ("surging", "fading", "silent"):
        name = _MANY[b.kind]
    else:
        name = f"{b.kind} messages"
    none = (b.relation, b.count) == ("<=", 0)
    said = f"no {name}" if none else f"{name} {b.relation} {b.count:,}"
    return said if b.seconds is None else f"{said} in {b.seconds:g} s"
