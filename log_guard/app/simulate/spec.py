"""What to simulate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from log_guard.app.simulate.incidents import ALL_KINDS
from log_guard.errors import OptionError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SimulationSpec:
    """The settings of a simulation; equal settings give equal bytes (under one numpy).

    seed:              a whole number >= 0.
    rate:              mean events per second of normal traffic, over all services.
    duration_s:        length of the stream, seconds.
    start:             time of its beginning; must have a time zone.
    anomaly_share:     share of all events that incidents add, about. Not counted are kinds whose
                       size follows from the traffic (count_doubling); and a kind always gets the
                       few lines without which it would not be there, however small the share.
    incidents_from_s:  no incident starts earlier, so that there is a quiet span to learn from;
                       by default a third of the duration.
    kinds:             the kinds of incident to draw from; empty for none.
    incident_count:    how many incidents; by default one in four minutes, and every kind once.
                       Fewer where they do not fit.
    """

    seed: int = 42
    rate: float = 100.0
    duration_s: float = 3600.0
    start: datetime = DEFAULT_START
    anomaly_share: float = 0.005
    incidents_from_s: float | None = None
    kinds: tuple[str, ...] = ALL_KINDS
    incident_count: int | None = None

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise OptionError(f"seed {self.seed}: use a whole number from 0 up")
        if not (math.isfinite(self.rate) and self.rate > 0):
            raise OptionError(f"rate {self.rate}: use a number of events per second above 0")
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise OptionError(f"duration {self.duration_s}: use a number of seconds above 0")
        if self.start.tzinfo is None:
            raise OptionError(f"start {self.start.isoformat()}: give it a time zone, such as Z")
        if not 0 <= self.anomaly_share <= 0.5:
            raise OptionError(f"anomaly share {self.anomaly_share}: use a number from 0 to 0.5")
        if self.incidents_from_s is not None and not self.incidents_from_s >= 0:
            raise OptionError(f"incidents from {self.incidents_from_s}: use seconds from 0 up")
        if self.incident_count is not None and self.incident_count < 0:
            raise OptionError(f"incident count {self.incident_count}: use a number from 0 up")
        for kind in self.kinds:
            if kind not in ALL_KINDS:
                raise OptionError(f"no incident kind {kind!r}: use {', '.join(ALL_KINDS)}")

    @property
    def quiet_s(self) -> float:
        """Seconds from the start in which no incident starts."""
        given = self.incidents_from_s
        return min(self.duration_s, self.duration_s / 3 if given is None else given)

    @property
    def start_ms(self) -> int:
        """The start as whole milliseconds since 1970-01-01 UTC: finer than that no line is."""
        return (self.start - EPOCH) // timedelta(milliseconds=1)

    def moment(self, ms: int) -> datetime:
        """The time (UTC) so many milliseconds after the start."""
        return EPOCH + timedelta(milliseconds=self.start_ms + ms)
