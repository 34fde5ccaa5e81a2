"""What `make pipeline` prints of alerts, in the order in which they were told."""

from __future__ import annotations

from servers.in_order import PATIENCE, Alert, InOrder


def told(id: int, revision: int, end: str) -> Alert:
    return {"id": id, "revision": revision, "end": end}


def numbers(alerts: list[Alert]) -> list[int]:
    return [alert["id"] for alert in alerts]


def test_alerts_of_several_partitions_come_in_the_order_of_their_opening() -> None:
    alerts = InOrder(lambda: 0.0)
    for one in (told(4, 9, "12:05"), told(2, 7, "12:01"), told(3, 7, "12:02"), told(1, 7, "12:01")):
        alerts.add(one)
    assert alerts.take(quiet=False) == [], "one that was told before them may still come"
    alerts.add(told(2, 8, "12:04"))
    assert numbers(alerts.take(quiet=True)) == [1, 2, 3, 2, 4]
    assert alerts.take(quiet=True) == []


def test_an_alert_does_not_wait_for_ever_while_others_come() -> None:
    now = 10.0
    alerts = InOrder(lambda: now)
    alerts.add(told(1, 1, "12:00"))
    now += PATIENCE / 2
    alerts.add(told(2, 2, "12:00"))
    assert alerts.take(quiet=False) == []
    now += PATIENCE / 2
    assert numbers(alerts.take(quiet=False)) == [1, 2]
