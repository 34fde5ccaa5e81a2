"""What an audit says of partitions that windows wait for, and of those that are quiet."""

from __future__ import annotations

from log_guard.app.audit.pace import LATELY, Pace, asides, waited_for
from log_guard.core.events import SECOND
from tests.streams import START

NOW = START / SECOND
AGO = NOW - LATELY - 60


def at(seconds: float, *, idle: bool = False, told: float = NOW) -> Pace:
    return Pace(START + round(seconds * SECOND), idle, told)


def test_windows_wait_for_the_partition_that_is_behind() -> None:
    known = {0: at(90), 1: at(5), 2: at(90.5)}
    said = "e-1, whose time is 2026-01-01T00:00:05Z, elsewhere up to 2026-01-01T00:01:30.500000Z"
    assert waited_for("e", range(3), known, NOW) == said
    known[1] = at(5, told=AGO)
    since = "; nothing was told of it since 2025-12-31T23:58:30Z"
    assert waited_for("e", range(3), known, NOW) == said + since


def test_where_all_go_on_alike_windows_wait_for_none() -> None:
    assert waited_for("e", range(2), {0: at(90), 1: at(90.5)}, NOW) is None
    # One that has had no event yet, and is quiet, holds nothing up.
    assert waited_for("e", range(2), {0: at(90), 1: Pace(None, True, NOW)}, NOW) is None
    assert waited_for("e", range(1), {0: Pace(None, True, NOW)}, NOW) is None


def test_windows_wait_for_a_partition_of_which_nothing_is_known() -> None:
    said = waited_for("e", range(3), {1: at(90)}, NOW)
    assert said == "e-0, e-2: nothing was told of it lately, so no process reads it"
    said = waited_for("e", range(2), {0: Pace(None, False, NOW), 1: at(90)}, NOW)
    assert said == "e-0: no event of it has been read yet"


def test_who_is_quiet_and_who_is_left_alone_is_told() -> None:
    known = {
        **{0: at(90), 1: at(90, idle=True), 2: at(90, idle=True)},
        **{3: at(90, idle=True, told=AGO), 4: at(90, told=AGO)},
    }
    assert asides("e", known, [4], NOW) == [
        "quiet, so time goes on by the clock: e-1, e-2",
        "no process reads since 2025-12-31T23:58:30Z: e-3",
    ]
    assert asides("e", {0: at(90)}, [], NOW) == []
