"""What flows out: a result a window and group, with its evidence where it is not normal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import numpy as np

from log_guard.core.course import Bout, Course
from log_guard.core.features import FEATURES
from log_guard.core.iso import iso, moment_of


@dataclass(frozen=True, slots=True)
class Part:
    """One count's share in an anomaly.

    kind:      new (never seen), rare, surging, fading (too few), silent (none, though usual).
    level:     name of the level; ``template`` None means all events of that level, ``level`` None all.
    observed:  count in the window; ``expected`` its mean in history; ``low``, ``high`` its usual range,
               which a count that is told of as surging, fading or silent lies outside. Where nothing
               comes at all, they are those of as long a time as the silence has lasted.
    bits:      surprise; ``share`` of the score that it makes up, 0 to 1.
    messages:  how many messages it stands for. If several, ``level`` and ``template`` are those of one
               of them (in JSON they are null, and these ``such_as``), and ``observed``, ``expected`` and range
               are sums; of a volume, how many rise or fall with it, in step.
    volumes:   levels whose number it explains (``all``: that of all events); their surprise is in
               ``bits`` and ``share``.
    seconds:   how long a time ``observed``, ``expected`` and the range are of, where it is more than the
               window: a count that has been a little too high, or too low, for minutes.
    """

    kind: str
    level: str | None
    template: str | None
    observed: int
    expected: float
    low: int
    high: int
    bits: float
    share: float
    messages: int = 1
    volumes: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def is_silence(self) -> bool:
        """Whether it says that nothing comes at all."""
        return self.kind == "silent" and self.template is None and self.level is None

    @property
    def counts(self) -> int:
        """How many counts are told by it, its volumes included."""
        own = self.messages + (self.template is None and self.messages > 1)
        return own + len(self.volumes)

    @property
    def counted(self) -> str:
        """What ``observed`` counts: ``message`` one template, ``messages`` several, ``events`` a volume."""
        if self.template is None:
            return "events"
        return "messages" if self.messages > 1 else "message"

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object; of several messages no sum stands beside the template of one."""
        entry = {**asdict(self), "volumes": list(self.volumes), "counted": self.counted}
        if self.counted == "messages":
            entry["such_as"] = {name: entry[name] for name in ("level", "template")}
            entry |= {"level": None, "template": None}
        return entry

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Part:
        """The part of such an object; earlier ones are as the class is, and may lack ``volumes``."""
        known = {f.name: entry[f.name] for f in fields(cls) if f.name in entry}
        return cls(
            **{**known, **entry.get("such_as", {}), "volumes": tuple(entry.get("volumes", ()))}
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """A raw line, redacted, and where it stands."""

    level: str
    message: str
    source: int
    position: int


@dataclass(frozen=True, slots=True)
class Bound:
    """One clause of 'normal if': this count at most, or at least, so many.

    kind:  empty, or as in ``Part``: then it counts the messages of the window that are so, not events.
    seconds:  length of the window, where the sentence is about several: what has lasted longer. Of a silence of whom a
              window may well be empty, all of it.
    """

    level: str | None
    template: str | None
    relation: str  # "<=" or ">="
    count: int
    kind: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a window is not normal.

    sentence:   what a person would say first.
    parts:      the counts that make up the score, what leads first and at most eight; shares of all
                parts add up to 1.
    weighed:    how many counts have a share in the score, those not listed included.
    samples:    up to three raw lines of different templates.
    normal_if:  at most three bounds, none of which can be left out, that would make it normal;
                empty where no such three were found.
    nearest_normal:  volume features of the nearest window of history that the reference detector
                holds for normal.
    onset:      event time (µs) of the pane in which what leads began.
    """

    sentence: str
    parts: tuple[Part, ...]
    samples: tuple[Sample, ...]
    normal_if: tuple[Bound, ...]
    nearest_normal: dict[str, float]
    weighed: int = 0
    onset: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            **asdict(self),
            "parts": [part.as_dict() for part in self.parts],
            "onset": None if self.onset is None else iso(self.onset),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on one window of one group. Times in µs; ``revision`` grows when it is replaced.

    error:  why it could not be judged; a window is never left out.
    """

    window_start: int
    window_end: int
    service: str
    revision: int
    final: bool
    is_anomaly: bool
    anomaly_score: float
    features: np.ndarray  # (30,)
    model_version: str | None = None
    warming: str | None = None
    evidence: Evidence | None = None
    error: str | None = None

    @property
    def started_at(self) -> datetime:
        """Start of the window, UTC."""
        return moment_of(self.window_start)

    @property
    def ended_at(self) -> datetime:
        """End of the window, UTC."""
        return moment_of(self.window_end)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object: features by name at the top level."""
        return {
            "kind": "result",
            "window_start": iso(self.window_start),
            "window_end": iso(self.window_end),
            "service": self.service,
            "revision": self.revision,
            "final": self.final,
            "is_anomaly": self.is_anomaly,
            "anomaly_score": self.anomaly_score,
            "model_version": self.model_version,
            "warming": self.warming,
            "error": self.error,
            **dict(zip(FEATURES, self.features.tolist(), strict=True)),
            "evidence": None if self.evidence is None else self.evidence.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode, as a person meets it.

    state:     opened, updated, resolved; after that, where the same has come back, updated and resolved again.
    start, end:  span of the anomalous windows, µs; ``opened``: end of the first of them.
    services:  those that failed together, the likeliest first cause first.
    service:   the first of them, whose evidence is shown.
    """

    id: int
    state: str
    start: int
    end: int
    services: tuple[str, ...]
    peak_score: float
    windows: int
    evidence: Evidence
    service: str
    opened: int
    course: Course = field(default_factory=Course)

    @property
    def bouts(self) -> tuple[Bout, ...]:
        """The times it was on: what is measured must not count the time between."""
        return self.course.bouts or (Bout(self.start, self.end, self.opened),)

    def each_bout(self) -> list[Alert]:
        """The alert as one for each time it was on."""
        if len(self.bouts) == 1:
            return [self]
        return [
            replace(
                self,
                start=bout.start,
                end=bout.end,
                opened=bout.opened,
                course=replace(self.course, bouts=(bout,)),
            )
            for bout in self.bouts
        ]

    @property
    def started_at(self) -> datetime:
        """Start of the first anomalous window, UTC."""
        return moment_of(self.start)

    @property
    def onset_at(self) -> datetime:
        """From when on there was trouble, UTC; where that is not known, the start of the first window."""
        return moment_of(self.start if self.course.onset is None else self.course.onset)

    @property
    def ended_at(self) -> datetime:
        """End of the last anomalous window, UTC."""
        return moment_of(self.end)

    @property
    def opened_at(self) -> datetime:
        """End of the first anomalous window, UTC: when it could be known."""
        return moment_of(self.opened)

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "kind": "alert",
            "id": self.id,
            "state": self.state,
            "start": iso(self.start),
            "end": iso(self.end),
            "opened": iso(self.opened),
            "services": list(self.services),
            "service": self.service,
            "peak_score": self.peak_score,
            "windows": self.windows,
            "evidence": self.evidence.as_dict(),
            "course": self.course.as_dict(),
        }
