"""How often services speak: the arrival times of normal traffic.

Requests are a Poisson process whose rate breathes: a slow sinusoid, autoregressive noise (a part
shared by all services, for they see the same customers, and a part of each one's own) and a little
burstiness from second to second. Health checks and jobs tick; rare texts come minutes apart.

Times are whole milliseconds from the start of the stream; a call covers whole seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from log_guard.app.simulate.arrays import Floats, Ints
from log_guard.app.simulate.services import HEALTH_CHECK_S, JOB_S, RARE_S, SERVICES
from log_guard.app.simulate.templates import Template

SWING = 0.12
"""Amplitude of the slow sinusoid."""
SWING_PERIOD_S = (1500.0, 3000.0)
SHARED_NOISE = 0.05
OWN_NOISE = 0.05
NOISE_MEMORY = 0.95
"""Correlation of the noise with itself a second later."""
BURSTINESS = 0.10
"""Standard deviation of the rate from one second to the next, beside all else."""
UNPROMPTED_SHARE = 0.10
"""At most this share of the rate is checks, jobs and rare texts: in thin streams they space out."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Events before they have words: times (ms, ascending) and template numbers."""

    times: Ints
    templates: Ints


class NormalTraffic:
    """The normal traffic of all services, drawn piece by piece from left to right.

    ``templates`` are numbered as in :attr:`Arrivals.templates`.
    """

    def __init__(self, rate: float, duration_s: float, rng: np.random.Generator) -> None:
        ticks = sum(1 / HEALTH_CHECK_S + len(s.job) / JOB_S for s in SERVICES)
        rares = sum(len(s.rare) for s in SERVICES) / (sum(RARE_S) / 2)
        stretch = max(1.0, (ticks + rares) / (UNPROMPTED_SHARE * rate))
        self.templates: list[Template] = []
        self._rng = rng
        self._duration_s = duration_s
        requests = rate - (ticks + rares) / stretch
        self._rates = np.array([s.share for s in SERVICES]) * requests

        self._mixes: list[tuple[int, Floats]] = []
        for service in SERVICES:
            self._mixes.append((self._number(*service.mix), np.cumsum(service.weights)))
        self._ticks: list[_Ticking] = []
        for service in SERVICES:
            tick, spread = HEALTH_CHECK_S * stretch, 0.05
            self._ticks.append(_Ticking(self._number(service.health), 1, tick, spread, rng))
            if service.job:
                tick, spread = JOB_S * stretch, 2.0
                first = self._number(*service.job)
                self._ticks.append(_Ticking(first, len(service.job), tick, spread, rng))
        rare = [template for service in SERVICES for template in service.rare]
        self._rare_gap = (RARE_S[0] * stretch, RARE_S[1] * stretch)
        self._first_rare = self._number(*rare)
        self._next_rare: list[float] = rng.uniform(0, self._rare_gap[1], len(rare)).tolist()

        self._swing_speed = 2 * math.pi / rng.uniform(*SWING_PERIOD_S)
        self._swing_phase = rng.uniform(0, 2 * math.pi) + rng.normal(0, 0.5, len(SERVICES))
        turn = self._swing_speed * duration_s
        mean = (np.cos(self._swing_phase) - np.cos(self._swing_phase + turn)) / turn
        self._swing_mean = 1 + SWING * mean  # so that the whole stream has the rate asked for
        self._noise = rng.standard_normal(len(SERVICES) + 1)

    def _number(self, *templates: Template) -> int:
        first = len(self.templates)
        self.templates += templates
        return first

    def between(self, first: int, last: int) -> Arrivals:
        """What is said in the seconds ``first`` to ``last`` (excluded); to be called in order.

        The last lines of a job may come a few seconds after ``last``.
        """
        pieces = [self._requests(first, last), self._rares(last)]
        pieces += [ticking.between(first, last, self._rng) for ticking in self._ticks]
        times = np.concatenate([times for times, _ in pieces])
        templates = np.concatenate([templates for _, templates in pieces])
        inside = times < self._duration_s * 1000
        times, templates = times[inside], templates[inside]
        order = np.argsort(times, kind="stable")
        return Arrivals(times[order], templates[order])

    def _requests(self, first: int, last: int) -> tuple[Ints, Ints]:
        seconds = np.arange(first, last)
        lengths = np.minimum(1.0, self._duration_s - seconds)  # the last second may be a part
        factor = self._swing(seconds) * self._noise_factor(len(seconds))
        shape = BURSTINESS**-2
        factor *= self._rng.gamma(shape, 1 / shape, factor.shape)
        counts = self._rng.poisson(factor * self._rates * lengths[:, None])
        times, templates = [], []
        for column, (number, shares) in enumerate(self._mixes):
            count = counts[:, column]
            second = np.repeat(seconds, count)
            within = self._rng.random(len(second)) * np.repeat(lengths, count)
            times.append(((second + within) * 1000).astype(np.int64))
            picked = np.searchsorted(shares[:-1], self._rng.random(len(second)), side="right")
            templates.append(number + picked)
        return np.concatenate(times), np.concatenate(templates)

    def _swing(self, seconds: Ints) -> Floats:
        angle = self._swing_speed * seconds[:, None] + self._swing_phase
        swing: Floats = (1 + SWING * np.sin(angle)) / self._swing_mean
        return swing

    def _noise_factor(self, count: int) -> Floats:
        fresh = self._rng.standard_normal((count, len(self._noise)))
        fresh *= math.sqrt(1 - NOISE_MEMORY**2)
        state = self._noise
        for row in fresh:
            state = NOISE_MEMORY * state + row
            row[:] = state
        self._noise = state
        log_factor = SHARED_NOISE * fresh[:, :1] + OWN_NOISE * fresh[:, 1:]
        factor: Floats = np.exp(log_factor - (SHARED_NOISE**2 + OWN_NOISE**2) / 2)
        return factor

    def _rares(self, last: int) -> tuple[Ints, Ints]:
        times: list[int] = []
        templates: list[int] = []
        for i in range(len(self._next_rare)):
            while self._next_rare[i] < last:
                times.append(int(self._next_rare[i] * 1000))
                templates.append(self._first_rare + i)
                self._next_rare[i] += self._rng.uniform(*self._rare_gap)
        return np.array(times, np.int64), np.array(templates, np.int64)


class _Ticking:
    """A few texts said one after the other, each time a clock ticks."""

    def __init__(
        self, first: int, texts: int, every_s: float, spread_s: float, rng: np.random.Generator
    ) -> None:
        self._numbers = np.arange(first, first + texts)
        self._every_s = every_s
        self._spread_s = spread_s
        self._phase_s = rng.uniform(0, every_s)

    def between(self, first: int, last: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
        low, high = ((second - self._phase_s) / self._every_s for second in (first, last))
        ticks = np.arange(max(0, math.ceil(low)), math.ceil(high)) * self._every_s + self._phase_s
        gaps = rng.uniform(0, self._spread_s, (len(ticks), len(self._numbers)))
        times = (ticks[:, None] + np.cumsum(gaps, axis=1)) * 1000
        return times.astype(np.int64).ravel(), np.tile(self._numbers, len(ticks))
