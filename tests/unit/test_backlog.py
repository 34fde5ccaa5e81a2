"""A backlog is said when it begins, when it doubles, and when it is over; not in between."""

from __future__ import annotations

from structlog.testing import capture_logs

from log_guard.app.roles.backlog import Backlog


def test_a_backlog_is_told_of_a_few_times_however_long_it_lasts() -> None:
    with capture_logs() as said:
        backlog = Backlog("summarise")
        for seconds in [*range(200), *range(200, 0, -1), *range(100)]:
            backlog.see(float(seconds), 10 * seconds)
    assert [(entry["event"].split(":")[0], entry.get("seconds")) for entry in said] == [
        ("behind", 60),
        ("behind", 120),
        ("caught up", None),
        ("behind", 60),
    ]


def test_a_moment_is_no_backlog() -> None:
    with capture_logs() as said:
        backlog = Backlog("summarise")
        for seconds in (0.0, 59.0, 0.0, 30.0):
            backlog.see(seconds, 1)
    assert said == []
