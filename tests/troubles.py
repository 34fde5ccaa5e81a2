"""Windows in trouble, as the tests of episodes make them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Evidence, Part, Result
from tests.streams import micros

RULES = EpisodeRules(quiet=60 * SECOND, together=60 * SECOND)


def window(
    end: float, service: str = "api", *, score: float = 0.9, anomaly: bool = True, width: float = 30
) -> Result:
    evidence = Evidence(f"{service} at {end:g}: {score}", (), (), (), {})
    return Result(
        window_start=micros(end - width),
        window_end=micros(end),
        service=service,
        revision=0,
        final=True,
        is_anomaly=anomaly,
        anomaly_score=score if anomaly else 0.1,
        features=np.zeros(30),
        evidence=evidence if anomaly else None,
    )


def calm(end: float, service: str = "api") -> Result:
    """A normal window, in which something was said."""
    return replace(window(end, service, anomaly=False), features=np.ones(30))


def fold(*batches: list[Result]) -> list[Alert]:
    episodes = Episodes(RULES)
    return [alert for batch in batches for alert in episodes.add(batch)] + episodes.finish()


def told(alerts: list[Alert]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(alert.id, alert.state, alert.services) for alert in alerts]


def part(
    template: str | None,
    observed: int = 5,
    kind: str = "surging",
    share: float = 1.0,
    seconds: float | None = None,
) -> Part:
    return Part(kind, "ERROR", template, observed, 0.0, 0, 0, 9.0, share, seconds=seconds)


def trouble(
    end: float,
    service: str = "api",
    *parts: Part,
    score: float = 0.9,
    onset: float | None = None,
) -> Result:
    plain = window(end, service, score=score)
    if not any(p.is_silence for p in parts[:1]):
        plain = replace(plain, features=np.ones(30))
    at = None if onset is None else micros(onset)
    evidence = Evidence(f"{service} in trouble", parts, (), (), {}, onset=at)
    return replace(plain, evidence=evidence)


REFUSED = "db <num> refused the connection"


def symptom(
    end: float, part: Part, *, score: float = 0.9, onset: float | None = None, service: str = "api"
) -> Result:
    """A window that this part leads, with a sentence of its own."""
    plain = trouble(end, service, part, score=score, onset=onset)
    assert plain.evidence is not None
    return replace(plain, evidence=replace(plain.evidence, sentence=said(part)))


def said(part: Part) -> str:
    return f"{part.kind} {part.level} {part.template}"


SLOW = Part("fading", "INFO", "cache hit", 51, 70.0, 55, 101, 9.0, 1.0)


NOTHING = Part("silent", None, None, 0, 150.0, 125, 229, 99.0, 1.0)


FULL = part("disk full on <id>", kind="new")


def news(alert: Alert) -> list[str]:
    return [s.sentence for s in alert.course.symptoms if not s.told]
