"""Whether a topic is still the one that was read: made anew under its old name it counts from 0 again."""

from __future__ import annotations

from collections.abc import Callable

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.topics import topic_id
from log_guard.errors import StreamError

LOOK_EVERY = 10.0
"""Seconds. What a topic that was made anew holds is not read before it holds more than the old one did."""


class SameTopic:
    """The id of a topic, looked at now and then.

    clock:  seconds.
    """

    def __init__(self, cluster: Cluster, topic: str, clock: Callable[[], float]) -> None:
        self.id = ""
        self._cluster, self.name, self._clock = cluster, topic, clock
        self._looked = clock()

    def look(self) -> None:
        """See which topic it is now; StreamError if it was another one before."""
        self._looked = self._clock()
        now = topic_id(self._cluster, self.name)
        if now:
            self.refuse_another(self.id, now)
            self.id = now

    def look_again(self) -> None:
        """The same, if that was a while ago."""
        if self.id and self._clock() - self._looked >= LOOK_EVERY:
            self.look()

    def refuse_another(self, before: str | None, now: str = "") -> None:
        """StreamError if the topic that was read before is not that of today."""
        if before and before != (now or self.id or before):
            raise StreamError(
                f"topic {self.name} was made anew since it was read: make all topics of the pipeline anew, "
                "and delete its groups' offsets"
            )
