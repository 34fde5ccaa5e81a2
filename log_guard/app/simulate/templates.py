"""Message texts, and their rendering as JSON lines, many at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from string import Formatter

import numpy as np

from log_guard.app.simulate.arrays import Ints
from log_guard.app.simulate.fields import Draw, choose, field, hexadecimal

LINES_PER_TRACE = 4
"""Neighbouring lines share a trace id, as the lines that one request leaves behind do."""

TRACE_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Template:
    """A thing that a service says: its text has fields (see :mod:`.fields`).

    traced:  it is said about a request, so the line has a trace id; jobs and checks have none.
    """

    service: str
    level: str
    text: str
    traced: bool = True

    def where(self, values: Mapping[str, str]) -> Template:
        """The same with some fields fixed: ``where({"ip": "192.0.2.7"})``."""
        text = self.text
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return replace(self, text=text)


class Renderer:
    """Turns (time, template number) pairs into lines.

    hosts:     the hosts that each service runs on.
    start_ms:  when the stream starts, milliseconds since 1970-01-01 UTC.
    """

    def __init__(
        self,
        templates: Sequence[Template],
        hosts: Mapping[str, tuple[str, ...]],
        start_ms: int,
        rng: np.random.Generator,
    ) -> None:
        self._forms = [_Form(template, hosts[template.service]) for template in templates]
        self._start_ms = start_ms
        self._rng = rng

    def lines(self, times: Ints, templates: Ints) -> list[str]:
        """One line, with its newline, for each event; ``times`` ascend (ms from the start)."""
        count = len(times)
        if not count:
            return []
        traces = hexadecimal(self._rng, count // LINES_PER_TRACE + 2, TRACE_DIGITS)
        near = np.arange(count) + self._rng.integers(0, LINES_PER_TRACE, count)
        order = np.argsort(templates, kind="stable")
        trace = [traces[i] for i in (near[order] // LINES_PER_TRACE).tolist()]
        moments = (times[order] + self._start_ms).astype("datetime64[ms]")
        stamps: list[str] = np.datetime_as_string(moments, unit="ms").tolist()

        grouped: list[str] = []
        numbers, sizes = np.unique(templates, return_counts=True)
        for number, size in zip(numbers.tolist(), sizes.tolist(), strict=True):
            group = slice(len(grouped), len(grouped) + size)
            grouped += self._forms[number].fill(self._rng, stamps[group], trace[group])

        lines = [""] * count
        for position, line in zip(order.tolist(), grouped, strict=True):
            lines[position] = line
        return lines


class _Form:
    """A template compiled to one printf format for the whole line."""

    def __init__(self, template: Template, hosts: tuple[str, ...]) -> None:
        self._hosts = hosts
        self._traced = template.traced
        self._draws: list[Draw] = []
        message = ""
        for literal, name, argument, _ in Formatter().parse(template.text):
            message += json.dumps(literal)[1:-1].replace("%", "%%")
            if name is not None:
                value = field(name, argument or "")
                message += value.form
                self._draws.append(value.draw)
        trace = '"trace_id":"%s",' if template.traced else ""
        self._form = (
            f'{{"timestamp":"%sZ","level":"{template.level}","service":"{template.service}",'
            f'"host":"%s",{trace}"message":"{message}"}}\n'
        )

    def fill(self, rng: np.random.Generator, stamps: list[str], traces: list[str]) -> list[str]:
        size = len(stamps)
        columns: list[Sequence[object]] = [stamps, choose(rng, size, self._hosts)]
        if self._traced:
            columns.append(traces)
        for draw in self._draws:
            columns += draw(rng, size)
        form = self._form
        return [form % row for row in zip(*columns, strict=True)]
