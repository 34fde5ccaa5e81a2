"""Which incidents happen when, and how large they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from log_guard.app.simulate.arrays import Ints
from log_guard.app.simulate.incidents import KINDS, Scene, Script
from log_guard.app.simulate.spec import SimulationSpec
from log_guard.app.simulate.templates import Template

GAP_S = 120.0
"""At least this much quiet lies between the end of an incident and the start of the next."""

SECONDS_PER_INCIDENT = 240.0
"""By default there is one incident in so many seconds."""


@dataclass(frozen=True, slots=True)
class Incident:
    """What truly happened.

    start, end:       UTC. The first and the last line added; of a silence, the first moment
                      without lines and the first with lines again.
    services:         those concerned, the first to suffer first.
    injected_events:  how many lines it added to the normal traffic.
    """

    id: str
    kind: str
    start: datetime
    end: datetime
    services: tuple[str, ...]
    injected_events: int


@dataclass(frozen=True, slots=True)
class Planned:
    """An incident and what it does to the stream; times are milliseconds from the stream's start.

    added:       the lines to add: a text and when it is said.
    silenced:    a service that says nothing from ``start_ms`` until before ``end_ms``.
    """

    incident: Incident
    start_ms: int
    end_ms: int
    added: tuple[tuple[Template, Ints], ...]
    silenced: str | None


def plan(spec: SimulationSpec, rng: np.random.Generator) -> list[Planned]:
    """The incidents of a simulation, in order; none overlap."""
    cast = _cast(spec, rng)
    lines = _share_out(spec, [kind for kind, _ in cast], rng)
    room = spec.duration_s - spec.quiet_s
    taken = sum(length for _, length in cast) + GAP_S * (len(cast) - 1)
    late = np.sort(rng.uniform(0, max(0.0, room - taken), len(cast)))
    waits = np.diff(late, prepend=0.0).tolist()
    planned: list[Planned] = []
    used: set[Template] = set()
    now = spec.quiet_s
    for (kind, length), count, wait in zip(cast, lines, waits, strict=True):
        now += wait
        script = KINDS[kind].write(Scene(rng, length, count, spec.rate, used))
        planned.append(_placed(spec, len(planned) + 1, kind, now, length, script))
        now += length + GAP_S
    return planned


def _cast(spec: SimulationSpec, rng: np.random.Generator) -> list[tuple[str, float]]:
    """Kinds and lengths: every kind once in random order, then again, as long as there is room."""
    room = spec.duration_s - spec.quiet_s
    count = spec.incident_count
    if count is None:
        count = max(len(spec.kinds), round(room / SECONDS_PER_INCIDENT))
    rounds = -(-count // max(1, len(spec.kinds)))
    orders = [rng.permutation(len(spec.kinds)) for _ in range(rounds)]
    wanted = [spec.kinds[i] for order in orders for i in order.tolist()][:count]
    cast: list[tuple[str, float]] = []
    for kind in wanted:
        length = float(rng.uniform(*KINDS[kind].seconds))
        if length <= room:
            cast.append((kind, length))
            room -= length + GAP_S
    return [cast[i] for i in rng.permutation(len(cast)).tolist()]


def _share_out(spec: SimulationSpec, kinds: list[str], rng: np.random.Generator) -> list[int]:
    """Lines for each incident: in proportion to its (jittered) weight, within its bounds."""
    total = spec.anomaly_share / (1 - spec.anomaly_share) * spec.rate * spec.duration_s
    weights = np.array([KINDS[kind].weight for kind in kinds])
    weights = weights * rng.uniform(0.6, 1.4, len(kinds))
    least = np.array([float(KINDS[kind].least) for kind in kinds])
    most = np.maximum(least, total)
    for i, kind in enumerate(kinds):
        if (cap := KINDS[kind].most) is not None:
            most[i] = rng.integers(KINDS[kind].least, cap + 1)
    low, high = 0.0, total + 1  # the sum grows with the scale: bisect
    for _ in range(60):
        scale = (low + high) / 2
        if np.clip(scale * weights, least, most).sum() < total:
            low = scale
        else:
            high = scale
    shares: list[int] = np.clip(np.rint(high * weights), least, most).astype(int).tolist()
    return shares


def _placed(
    spec: SimulationSpec, number: int, kind: str, start_s: float, length_s: float, script: Script
) -> Planned:
    """The script put in its place; the label spans exactly what it does."""
    added = tuple(
        (burst.template, ((start_s + burst.at) * 1000).astype(np.int64))
        for burst in script.bursts
        if len(burst.at)
    )
    if added:
        start_ms = min(int(times.min()) for _, times in added)
        end_ms = max(int(times.max()) for _, times in added)
    else:
        start_ms, end_ms = int(start_s * 1000), int((start_s + length_s) * 1000)
    incident = Incident(
        id=f"incident-{number:02d}",
        kind=kind,
        start=spec.moment(start_ms),
        end=spec.moment(end_ms),
        services=script.services,
        injected_events=sum(len(times) for _, times in added),
    )
    return Planned(incident, start_ms, end_ms, added, script.silenced)
