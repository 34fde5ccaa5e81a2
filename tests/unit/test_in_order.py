"""What `make pipeline` prints of alerts, in the order of their opening."""

from __future__ import annotations

from servers.in_order import PATIENCE, Alert, InOrder


def told(id: int, revision: int, opened: str) -> Alert:
    return {"id": id, "revision": revision, "opened": opened}


def shown(alerts: list[Alert]) -> list[tuple[int, int]]:
    return [(alert["id"], alert["revision"]) for alert in alerts]


def test_alerts_of_several_partitions_come_in_the_order_of_their_opening() -> None:
    alerts = InOrder(lambda: 0.0)
    for one in (told(3, 9, "12:02"), told(2, 7, "12:05"), told(1, 8, "12:01"), told(1, 7, "12:01")):
        alerts.add(one)
    assert alerts.take(quiet=False) == [], "one that was opened before them may still come"
    assert shown(alerts.take(quiet=True)) == [(1, 7), (1, 8), (3, 9), (2, 7)]
    assert alerts.take(quiet=True) == []


def test_an_alert_does_not_wait_for_ever_while_others_come() -> None:
    now = 10.0
    alerts = InOrder(lambda: now)
    alerts.add(told(1, 1, "12:00"))
    now += PATIENCE / 2
    alerts.add(told(2, 2, "12:00"))
    assert alerts.take(quiet=False) == []
    now += PATIENCE / 2
    assert shown(alerts.take(quiet=False)) == [(1, 1), (2, 2)]
