"""What an audit found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_KEPT = 10_000
"""Findings that are told one by one; of what is beyond, only how many there are."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    what:    missing, doubled, wrong (a loss or a lie), or in flight (on its way).
    where:   ``log-events-3 [120, 180)``, or a row of a table.
    why:     a few words.
    """

    what: str
    where: str
    why: str

    def __str__(self) -> str:
        return f"{self.what}: {self.where} ({self.why})"


MISSING, DOUBLED, WRONG, IN_FLIGHT = "missing", "doubled", "wrong", "in flight"
GRAVEST_FIRST = (MISSING, WRONG, IN_FLIGHT, DOUBLED)


@dataclass
class Audit:
    """The outcome: ``events`` records are covered by accounts; all is well if nothing was found.

    run:             which one; empty: the live one.
    accounted:       whether it has accounts; a run over a past span has none: its rows only are compared.
    filtered:        how many of them were messages without a value (tombstones), which hold no event.
    older:           rows and alerts whose records the topic no longer holds: compared with nothing.
    recounted:       events that were counted again; None: not asked for.
    compared:        rows that were held against them; None: not asked for.
    recounted_from:  event time (µs) from which on they were all there; 0: none are deleted.
    asides:          what is no finding, and still good to know.
    """

    events: int = 0
    run: str = ""
    accounted: bool = True
    filtered: int = 0
    rows: int = 0
    older: int = 0
    recounted: int | None = None
    compared: int | None = None
    recounted_from: int = 0
    asides: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    kinds: Counter[str] = field(default_factory=Counter)  # of all that was found

    def add(self, findings: Iterable[Finding]) -> None:
        """Take in what a check found."""
        for finding in findings:
            self.kinds[finding.what] += 1
            if len(self.findings) < MOST_KEPT:
                self.findings.append(finding)
            else:
                self.more += 1

    @property
    def complete(self) -> bool:
        return not self.findings

    @property
    def gravest(self) -> list[Finding]:
        """The findings, what is lost or wrong first: hundreds of doubled ranges hide nothing."""
        return sorted(self.findings, key=lambda finding: GRAVEST_FIRST.index(finding.what))

    def as_dict(self) -> dict[str, object]:
        """Return a JSON object."""
        return {
            "kind": "audit",
            "run": self.run,
            "accounted": self.accounted,
            "complete": self.complete,
            "events": self.events,
            "filtered": self.filtered,
            "rows": self.rows,
            "older": self.older,
            "recounted": self.recounted,
            "compared": self.compared,
            "recounted_from": self.recounted_from,
            "findings": [{"what": f.what, "where": f.where, "why": f.why} for f in self.findings],
            "more": self.more,
            "asides": self.asides,
        }


def span(topic: str, partition: int, first: int, after: int) -> str:
    """Name a range of offsets."""
    return f"{topic}-{partition} [{first}, {after})"
