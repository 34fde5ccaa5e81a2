"""How an alert went: when it began, how much there was of it, when it was on, and who joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from log_guard.core.iso import from_iso, iso


@dataclass(frozen=True, slots=True)
class Bout:
    """One time that an alert was on: span of its anomalous windows, and when it was told of, µs."""

    start: int
    end: int
    opened: int

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"start": iso(self.start), "end": iso(self.end), "opened": iso(self.opened)}


@dataclass(frozen=True, slots=True)
class Other:
    """A service that failed together with the first, from when on (µs), and what a person would say of it."""

    service: str
    onset: int
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {"service": self.service, "onset": iso(self.onset), "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Symptom:
    """One cause that led windows of a service, from when to when (µs), and what a person would say of it.

    score, sentence:  those of its worst window.
    excess:  by how many events that window was away from what is expected.
    severe:  errors, or that nothing comes at all: it is told by itself, whatever else was told.
    told:    whether it was told before; False in the word on the alert that tells it first.
    leads:   whether it is the cause that leads the evidence of the alert.
    kind:    of what led it, as in ``results.Part``; empty where that is not known.
    still:   of a silence, whether it had not ended when it was last looked at: the service has said nothing since.
    """

    service: str
    onset: int
    end: int
    score: float
    sentence: str
    severe: bool = False
    told: bool = False
    leads: bool = False
    kind: str = ""
    still: bool = False
    excess: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {**asdict(self), "onset": iso(self.onset), "end": iso(self.end)}

    @staticmethod
    def of(entry: Mapping[str, Any]) -> Symptom:
        """Inverse of :meth:`as_dict`."""
        times = {key: from_iso(entry[key]) for key in ("onset", "end")}
        return Symptom(**{**entry, **times})


@dataclass(frozen=True, slots=True)
class Course:
    """How an episode went so far.

    onset:   event time (µs) at which it began, as exact as a pane.
    count:   of what leads the evidence, in the latest window of its service; None where it leads no more.
    peak:    the most that it was in one window (of what is missing: the least).
    bouts:   the times it was on, the first first; more than one where the same has come back.
    joined:  services that came, or came back, since it was told of last.
    others:  the services after the first, at most twenty.
    symptoms:  what was wrong in the bout that is on, in its order; at most twenty, the severe and worst.
    more:    symptoms that are left out.
    usual_from:  event time (µs) from which on what leads the evidence is taken for usual though it was
             not seen to end; None where it was over.
    """

    onset: int | None = None
    count: int | None = None
    peak: int | None = None
    bouts: tuple[Bout, ...] = ()
    joined: tuple[str, ...] = ()
    others: tuple[Other, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    more: int = 0
    usual_from: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "onset": None if self.onset is None else iso(self.onset),
            "count": self.count,
            "peak": self.peak,
            "bouts": [bout.as_dict() for bout in self.bouts],
            "joined": list(self.joined),
            "others": [other.as_dict() for other in self.others],
            "symptoms": [symptom.as_dict() for symptom in self.symptoms],
            "more": self.more,
            "usual_from": None if self.usual_from is None else iso(self.usual_from),
        }

    @staticmethod
    def of(entry: Mapping[str, Any] | None) -> Course:
        """Inverse of :meth:`as_dict`; of None, which earlier records have, a course without anything."""
        if not entry:
            return Course()
        return Course(
            None if entry["onset"] is None else from_iso(entry["onset"]),
            entry["count"],
            entry["peak"],
            tuple(
                Bout(*(from_iso(b[k]) for k in ("start", "end", "opened"))) for b in entry["bouts"]
            ),
            tuple(entry["joined"]),
            tuple(
                Other(o["service"], from_iso(o["onset"]), o["sentence"]) for o in entry["others"]
            ),
            tuple(Symptom.of(s) for s in entry.get("symptoms", ())),
            entry.get("more", 0),
            None if entry.get("usual_from") is None else from_iso(entry["usual_from"]),
        )
