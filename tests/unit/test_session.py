"""What a role says when a session ends that had begun."""

from __future__ import annotations

from threading import Event

import pytest
from confluent_kafka import KafkaError, KafkaException
from structlog.testing import capture_logs

from log_guard.app.roles.session import run


class Interrupted:
    """A role whose first session fails in its second step, and whose second runs until told to stop."""

    name = "interrupted"

    def __init__(self, code: int) -> None:
        self.failure: KafkaException | None = KafkaException(KafkaError(code))
        self.stop = Event()
        self.steps = 0

    def open(self) -> Interrupted:
        return self

    def step(self) -> bool:
        self.steps += 1
        if self.steps == 2 and self.failure is not None:
            raise self.failure
        if self.steps > 2:
            self.stop.set()
        return True

    def close(self, *, clean: bool) -> None:
        pass


@pytest.mark.parametrize(
    ("code", "level"),
    [
        (KafkaError.ILLEGAL_GENERATION, "info"),
        (KafkaError.REBALANCE_IN_PROGRESS, "info"),
        (KafkaError.UNKNOWN_MEMBER_ID, "warning"),  # it was away for too long
        (KafkaError._TRANSPORT, "warning"),
    ],
)
def test_that_another_member_came_is_no_warning(code: int, level: str) -> None:
    role = Interrupted(code)
    with capture_logs() as told:
        run(role, role.stop)
    (one,) = [entry for entry in told if "starting again" in entry["event"]]
    assert one["log_level"] == level
