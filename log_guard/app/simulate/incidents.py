"""The kinds of incident: what goes wrong, one function each.

A kind gets a :class:`Scene` and writes a :class:`Script`: lines that are added to the normal
traffic, or services whose lines are taken away. It may choose services, texts and shapes by the
scene's random numbers, and must use them for everything that varies. What it adds is written with
:meth:`Scene.burst` in seconds from the incident's start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from log_guard.app.simulate import incident_texts as texts
from log_guard.app.simulate.arrays import Floats
from log_guard.app.simulate.fields import CLIENT_NETS
from log_guard.app.simulate.services import BY_NAME, SERVICES
from log_guard.app.simulate.templates import Template

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Burst:
    """Lines to add: a text and when it is said (seconds from the incident's start)."""

    template: Template
    at: Floats


@dataclass(frozen=True, slots=True)
class Script:
    """What an incident does to the stream.

    services:  the services concerned, the first to suffer first.
    bursts:    the lines added.
    silenced:  a service that says nothing at all for the length of the incident.
    """

    services: tuple[str, ...]
    bursts: tuple[Burst, ...] = ()
    silenced: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What a kind has to work with.

    rng:      the incident's own random numbers.
    seconds:  how long it shall last.
    lines:    how many lines it shall add (kinds that follow the traffic ignore it).
    rate:     events per second of the whole stream.
    used:     unseen texts that earlier incidents have used up.
    """

    rng: np.random.Generator
    seconds: float
    lines: int
    rate: float
    used: set[Template] = field(default_factory=set)

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """``count`` different ones, in random order."""
        return [choices[i] for i in self.rng.permutation(len(choices))[:count]]

    def unseen(
        self, service: str, level: str, sentences: Sequence[str], part: str, choices: Sequence[str]
    ) -> Template:
        """A sentence with one of the choices as its ``{part}``; not used before while they last."""
        texts = [_filled(text, part, choice) for text in sentences for choice in choices]
        templates = [Template(service, level, text) for text in texts]
        template = self.pick([t for t in templates if t not in self.used] or templates)
        self.used.add(template)
        return template

    def burst(
        self, template: Template, lines: int, *, since: float = 0, until: float = 1, lean: float = 1
    ) -> Burst:
        """Lines spread over a part of the incident (0 = start, 1 = end).

        lean:  1 spreads evenly, less crowds them to the end, more to the beginning.
        """
        place = np.sort(self.rng.random(lines) ** lean)
        return Burst(template, (since + (until - since) * place) * self.seconds)

    def bursts(self, templates: Sequence[Template], lines: int, **where: float) -> list[Burst]:
        """The same for lines that several texts share, each getting at least one if it can."""
        each = np.full(len(templates), lines // len(templates))
        each[: lines % len(templates)] += 1
        pairs = zip(templates, each.tolist(), strict=True)
        return [self.burst(template, count, **where) for template, count in pairs if count]


def error_burst(scene: Scene) -> Script:
    """A known ERROR, harmless once in a while, many times over.

    A partner rejects everything, a client release sends broken requests: the text is an old
    friend, its number is not.
    """
    service = scene.pick(SERVICES)
    template = scene.pick(service.known("ERROR"))
    burst = scene.burst(template, scene.lines, lean=scene.rng.uniform(0.6, 1.8))
    return Script((service.name,), (burst,))


def new_pattern(scene: Scene) -> Script:
    """An ERROR never seen, several times: the defect that a release has brought."""
    service = scene.pick(SERVICES).name
    doings = texts.ACTIVITIES[service]
    template = scene.unseen(service, "ERROR", texts.NOVEL_ERRORS, "doing", doings)
    return Script((service,), (scene.burst(template, scene.lines),))


def new_info_pattern(scene: Scene) -> Script:
    """Something never seen that calls itself INFO: a migration or an intruder's tool at work."""
    service = scene.pick(SERVICES).name
    subjects = texts.SUBJECTS[service]
    template = scene.unseen(service, "INFO", texts.NOVEL_INFOS, "subject", subjects)
    return Script((service,), (scene.burst(template, scene.lines),))


def cascade(scene: Scene) -> Script:
    """One service breaks; those that call it time out, one after the other."""
    origin = scene.pick(tuple(texts.DEPENDANTS))
    callers = scene.some(texts.DEPENDANTS[origin], int(scene.rng.integers(2, 5)))
    level, text = scene.pick(texts.BREAKDOWNS)
    own = max(1, scene.lines // 3)
    bursts = [scene.burst(Template(origin, level, text), own, until=0.8)]
    onsets = np.sort(scene.rng.uniform(0.1, 0.5, len(callers)))
    shares = np.diff(np.linspace(0, scene.lines - own, len(callers) + 1).astype(int))
    for caller, onset, lines in zip(callers, onsets.tolist(), shares.tolist(), strict=True):
        timeout, breaker = (
            Template(caller, level, _filled(text, "origin", origin))
            for level, text in (scene.pick(texts.TIMEOUTS), scene.pick(texts.BREAKERS))
        )
        opened = lines // 10
        bursts.append(scene.burst(timeout, lines - opened, since=onset))
        bursts.append(scene.burst(breaker, opened, since=(onset + 1) / 2))
    return Script((origin, *callers), tuple(bursts))


def security_breach(scene: Scene) -> Script:
    """Passwords are guessed from one address until one fits; then rights grow and data leaves."""
    auth = BY_NAME["auth-service"]
    thief = {"ip": f"{scene.pick(CLIENT_NETS)}.{scene.rng.integers(1, 255)}"}
    guesses = [t for t in auth.mix if "password" in t.text]
    entry = next(t for t in auth.mix if t.text.startswith("Sign-in accepted"))
    raised = [Template(*row).where(thief) for row in scene.some(texts.ESCALATIONS, 2)]
    leaving = [Template(*row).where(thief) for row in scene.some(texts.EXPORTS, 2)]
    few = max(2, scene.lines // 8)
    guessed = [template.where(thief) for template in guesses]
    bursts = scene.bursts(guessed, scene.lines - 1 - 2 * few, until=0.6, lean=0.8)
    bursts.append(scene.burst(entry.where(thief), 1, since=0.6, until=0.62))
    bursts += scene.bursts(raised, few, since=0.62, until=0.8)
    bursts += scene.bursts(leaving, few, since=0.75)
    others = dict.fromkeys(template.service for template in raised + leaving)
    return Script((auth.name, *(name for name in others if name != auth.name)), tuple(bursts))


def resource_exhaustion(scene: Scene) -> Script:
    """Something runs out in one service: a few warnings, more, then errors, then the end."""
    service = scene.pick(SERVICES).name
    warning, error, fatal = scene.pick(texts.RESOURCES)
    last = max(1, scene.lines // 40)
    failed = max(2, scene.lines // 3)
    warned = scene.lines - failed - last
    bursts = []
    for low, high, since, until, part in (
        (78, 86, 0.0, 0.35, 0.2),
        (87, 94, 0.3, 0.6, 0.3),
        (95, 99, 0.55, 0.8, 0.5),
    ):
        rising = Template(service, "WARN", _filled(warning, "used", f"{{int:{low},{high}}}"))
        lines = max(1, round(warned * part))
        bursts.append(scene.burst(rising, lines, since=since, until=until, lean=0.7))
    bursts.append(scene.burst(Template(service, "ERROR", error), failed, since=0.7, lean=0.7))
    bursts.append(scene.burst(Template(service, "FATAL", fatal), last, since=0.95))
    return Script((service,), tuple(bursts))


def service_silent(scene: Scene) -> Script:
    """A service says nothing: it hangs, or its log shipper does."""
    service = scene.pick(SERVICES).name
    return Script((service,), silenced=service)


def count_doubling(scene: Scene) -> Script:
    """A service says what it always says, two to three times as often: a retry storm, a crawler."""
    service = scene.pick(SERVICES)
    extra = scene.rng.uniform(1, 2) * service.share * scene.rate * scene.seconds
    counts = scene.rng.multinomial(max(3, round(extra)), service.weights)
    pairs = zip(service.mix, counts.tolist(), strict=True)
    return Script((service.name,), tuple(scene.burst(t, count) for t, count in pairs if count))


def _filled(text: str, part: str, value: str) -> str:
    """Put a part of speech in its place; it may have fields of its own."""
    return text.replace("{" + part + "}", value)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of incident and its measure.

    seconds:  its length, from and to.
    weight:   its part of the lines that incidents share; 0 if its size follows the traffic.
    least:    the lines without which it would not be there.
    most:     the cap of its lines is drawn between ``least`` and this; None for no cap.
    """

    write: Callable[[Scene], Script]
    seconds: tuple[float, float]
    weight: float = 0.0
    least: int = 0
    most: int | None = None


KINDS: dict[str, Kind] = {
    kind.write.__name__: kind
    for kind in (
        Kind(error_burst, (30, 120), weight=4, least=10),
        Kind(new_pattern, (20, 60), weight=1, least=4, most=12),
        Kind(new_info_pattern, (45, 75), weight=1, least=12, most=60),
        Kind(cascade, (20, 50), weight=3, least=12),
        Kind(security_breach, (60, 150), weight=2, least=12),
        Kind(resource_exhaustion, (90, 180), weight=3, least=12),
        Kind(service_silent, (90, 180)),
        Kind(count_doubling, (60, 120)),
    )
}

ALL_KINDS: tuple[str, ...] = tuple(KINDS)
