"""The whole stream: normal traffic, what incidents add and take away, and the way lines travel.

An incident only adds or removes lines. All other lines are byte for byte those of the same spec
without incidents, for each part of the simulation draws from random numbers of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from log_guard.app.simulate.arrays import Bools, Floats
from log_guard.app.simulate.load import Arrivals, NormalTraffic
from log_guard.app.simulate.schedule import Incident, Planned, plan
from log_guard.app.simulate.services import SERVICES
from log_guard.app.simulate.spec import SimulationSpec
from log_guard.app.simulate.templates import Renderer, Template
from log_guard.errors import OptionError

CHUNK_EVENTS = 8192
"""About so many events are made at a time, or a second's: this is what bounds memory."""

MAX_CHUNK_S = 300

MAX_DELAY_MS = 1000.0
"""A line is shipped at most this long after its timestamp, so lines are that much out of order."""

USUAL_DELAY_MS = 30.0
SLOW_DELAY_MS = 300.0
SLOW_SHARE = 0.05


class _Purpose(IntEnum):
    """What random numbers are for; each purpose has a sequence of its own."""

    PLAN = 0
    LOAD = 1
    NORMAL_TEXT = 2
    ADDED_TEXT = 3
    NORMAL_DELAY = 4
    ADDED_DELAY = 5


def simulate(spec: SimulationSpec) -> Simulation:
    """Plan a simulation; its lines are made when they are asked for."""
    return Simulation(spec)


class Simulation:
    """A stream of JSON lines and the truth about it."""

    def __init__(self, spec: SimulationSpec) -> None:
        self.spec = spec
        self._plan = plan(spec, _generator(spec, _Purpose.PLAN))

    @property
    def incidents(self) -> list[Incident]:
        """What goes wrong, in order of time."""
        return [planned.incident for planned in self._plan]

    def batches(self, seconds: float = 10.0) -> Iterator[bytes]:
        """The lines, newline-terminated, as they arrive in each ``seconds`` of the stream.

        Lines come in order of arrival, which is their timestamp plus up to a second. There is a
        batch for every step of time, empty if nothing came, so that a caller can pace a live
        stream by them; the last one also holds what arrives after the end. Whatever ``seconds``,
        the bytes together are the same, and so they are on every call.
        """
        if not seconds > 0:
            raise OptionError(f"batches of {seconds} s: use a number of seconds above 0")
        return self._batches(seconds)

    def _batches(self, seconds: float) -> Iterator[bytes]:
        steps = max(1, math.ceil(round(self.spec.duration_s / seconds, 9)))
        parts: list[str] = []
        step = 0
        for shipment in self._shipments():
            begin = 0
            while step < steps - 1:
                until = (step + 1) * seconds * 1000
                end = int(np.searchsorted(shipment.arrivals, until, side="left"))
                parts += shipment.lines[begin:end]
                begin = end
                if shipment.until < until:
                    break  # the next shipment may have more for this step
                yield "".join(parts).encode("ascii")
                parts = []
                step += 1
            parts += shipment.lines[begin:]
        yield "".join(parts).encode("ascii")

    def _shipments(self) -> Iterator[_Shipment]:
        """All lines in order of arrival, a stretch of time at once."""
        spec = self.spec
        traffic = NormalTraffic(spec.rate, spec.duration_s, _generator(spec, _Purpose.LOAD))
        extra, extra_templates = _added(self._plan)
        normal_lines = self._shipper(traffic.templates, _Purpose.NORMAL_TEXT, _Purpose.NORMAL_DELAY)
        extra_lines = self._shipper(extra_templates, _Purpose.ADDED_TEXT, _Purpose.ADDED_DELAY)
        silence = _Silence(self._plan, traffic.templates)

        held = _Shipment(np.empty(0), [])
        last_second = math.ceil(spec.duration_s)
        length = int(min(max(CHUNK_EVENTS / spec.rate, 1), MAX_CHUNK_S))
        for first in range(0, last_second, length):
            last = min(first + length, last_second)
            until = math.inf if last == last_second else last * 1000.0
            normal = traffic.between(first, last)
            spoken = normal_lines.ship(normal).only(~silence.covers(normal))
            span = slice(*np.searchsorted(extra.times, (first * 1000, last * 1000)).tolist())
            added = extra_lines.ship(Arrivals(extra.times[span], extra.templates[span]))
            ready, held = held.joined(spoken).joined(added).split(until)
            yield ready

    def _shipper(self, templates: list[Template], text: _Purpose, delay: _Purpose) -> _Shipper:
        hosts = {service.name: service.hosts for service in SERVICES}
        renderer = Renderer(templates, hosts, self.spec.start_ms, _generator(self.spec, text))
        return _Shipper(renderer, _generator(self.spec, delay))


def _generator(spec: SimulationSpec, purpose: _Purpose) -> np.random.Generator:
    seed = np.random.SeedSequence(spec.seed, spawn_key=(purpose,))
    return np.random.Generator(np.random.PCG64(seed))


def _added(plan: list[Planned]) -> tuple[Arrivals, list[Template]]:
    """What incidents add, in order of time, and the texts it is numbered by."""
    bursts = [burst for planned in plan for burst in planned.added]
    times = np.concatenate([np.empty(0, np.int64), *(times for _, times in bursts)])
    sizes = np.array([len(times) for _, times in bursts], np.int64)
    templates = np.repeat(np.arange(len(bursts)), sizes)
    order = np.argsort(times, kind="stable")
    return Arrivals(times[order], templates[order]), [template for template, _ in bursts]


class _Silence:
    """Which events are never said because their service is silent."""

    def __init__(self, plan: list[Planned], templates: list[Template]) -> None:
        spans = [planned for planned in plan if planned.silenced is not None]  # in order, disjoint
        self._starts = np.array([span.start_ms for span in spans])
        self._ends = np.array([-1] + [span.end_ms for span in spans])
        silent = [[t.service == span.silenced for t in templates] for span in spans]
        self._silent = np.array([[False] * len(templates), *silent])

    def covers(self, events: Arrivals) -> Bools:
        span = np.searchsorted(self._starts, events.times, side="right")  # the last one begun
        covered: Bools = (events.times < self._ends[span]) & self._silent[span, events.templates]
        return covered


@dataclass(frozen=True, slots=True)
class _Shipment:
    """Lines with their times of arrival (ms from the start).

    until:  nothing that arrives before it is missing.
    """

    arrivals: Floats
    lines: list[str]
    until: float = 0.0

    def only(self, kept: Bools) -> _Shipment:
        if kept.all():
            return self
        lines = [self.lines[i] for i in np.flatnonzero(kept).tolist()]
        return _Shipment(self.arrivals[kept], lines)

    def joined(self, other: _Shipment) -> _Shipment:
        arrivals = np.concatenate([self.arrivals, other.arrivals])
        return _Shipment(arrivals, self.lines + other.lines)

    def split(self, until: float) -> tuple[_Shipment, _Shipment]:
        """In order of arrival: what arrives before ``until``, and the rest."""
        order = np.argsort(self.arrivals, kind="stable")
        arrivals = self.arrivals[order]
        lines = [self.lines[i] for i in order.tolist()]
        cut = int(np.searchsorted(arrivals, until, side="left"))
        before = _Shipment(arrivals[:cut], lines[:cut], until)
        return before, _Shipment(arrivals[cut:], lines[cut:])


class _Shipper:
    """Gives events their words and the delay with which a log shipper delivers them."""

    def __init__(self, renderer: Renderer, rng: np.random.Generator) -> None:
        self._renderer = renderer
        self._rng = rng

    def ship(self, events: Arrivals) -> _Shipment:
        lines = self._renderer.lines(events.times, events.templates)
        slow = self._rng.random(len(lines)) < SLOW_SHARE
        delay = self._rng.exponential(np.where(slow, SLOW_DELAY_MS, USUAL_DELAY_MS))
        arrivals = events.times.astype(np.float64) + np.minimum(delay, MAX_DELAY_MS)
        return _Shipment(arrivals, lines)
