"""Which alerts would go and come, and what a suppression saves and hides."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import keep_summaries, open_scan
from log_guard.app.whatif import Way, WhatIf, what_if
from log_guard.app.whatif_report import print_whatif
from log_guard.core.course import Course
from log_guard.core.detection.options import DetectOptions
from log_guard.core.evaluation.evaluation import Incident
from log_guard.core.evaluation.whatif import Difference, difference
from log_guard.core.events import SECOND, Level
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.results import Alert
from log_guard.core.windows import WindowSpec
from log_guard.errors import OptionError
from tests.streams import START, Event, bounded, line
from tests.troubles import fold, part, trouble
from tests.unit.test_cold_start import steady
from tests.unit.test_gate import burst

CACHE = Suppression("harmless", "me", matches="^cache ")
DISK = Suppression("wrongly", "me", template="disk lost")
UNUSED = Suppression("of old", "me", matches="^nothing of the kind$")
SPEC = WindowSpec(slide=10 * SECOND)
"""Half as many windows to explain as by default."""
OUTAGE = Incident("outage", START / SECOND + 2_500, START / SECOND + 2_530)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("whatif") / "app.log"
    events = steady(3_000) + burst(1_500, "cache rebuilt") + burst(2_000, "cache dropped")
    events += [*burst(2500, "disk lost"), Event(2999.9, "api", Level.INFO, "did thing aaa")]
    path.write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")
    return str(path)


def way(*suppressions: Suppression, labels: tuple[Label, ...] = (), **changes: object) -> Way:
    detect = DetectOptions(feedback=Feedback(suppressions, labels))
    return Way(replace(PipelineOptions(SPEC, detect), **changes))  # type: ignore[arg-type]


def tried(source: str, now: Way, then: Way, *incidents: Incident) -> WhatIf:
    return what_if(source, now, then, ReadOptions(), incidents)


def test_nothing_changes_where_nothing_is_changed(log: str) -> None:
    done = tried(log, way(), way())
    assert (done.now, done.then) == (3, 3)
    assert (len(done.difference.go), len(done.difference.come)) == (0, 0)
    assert done.effects == ()


def test_a_suppression_saves_what_it_is_about_and_tells_what_it_hides(log: str) -> None:
    done = tried(log, way(), way(CACHE, DISK, UNUSED), OUTAGE)
    assert (done.now, done.then) == (3, 0)
    assert [(e.suppression, e.saved, len(e.hid)) for e in done.effects] == [
        (CACHE, 2, 0),
        (DISK, 1, 1),
        (UNUSED, 0, 0),
    ]


def test_what_several_do_alike_is_told_of_them_together(log: str) -> None:
    lost = Suppression("wrongly too", "me", matches=" lost$")
    done = tried(log, way(), way(DISK, CACHE, lost), OUTAGE)
    assert [(e.suppression, e.saved, len(e.hid)) for e in done.effects] == [
        (DISK, 0, 0),
        (CACHE, 2, 0),
        (lost, 0, 0),
        (None, 1, 1),
    ]


def test_what_people_labelled_is_an_incident_too(log: str) -> None:
    start = START + 2_495 * SECOND
    label = Label(start, start + 60 * SECOND, True, "outage", "me")
    done = tried(log, way(labels=(label,)), way(DISK))
    assert [len(e.hid) for e in done.effects] == [1]
    # Given and labelled, in both files, it is still one.
    both = tried(log, way(labels=(label,)), way(DISK, labels=(label,)), OUTAGE)
    assert [[i.id for i in e.hid] for e in both.effects] == [["outage"]]


def test_what_raises_alerts_is_told_with_how_often_it_was_right(log: str) -> None:
    def told(done: WhatIf) -> list[tuple[str | None, int, int, int, float | None]]:
        return [(t.template, t.alerts, t.real, t.false, t.precision) for t in done.templates]

    assert told(tried(log, way(), way(), OUTAGE)) == [
        ("cache dropped", 1, 0, 1, 0.0),
        ("cache rebuilt", 1, 0, 1, 0.0),
        ("disk lost", 1, 1, 0, 1.0),
    ]
    start = START + 1_990 * SECOND
    noise = Label(start, start + 60 * SECOND, False, "nothing", "me")
    assert told(tried(log, way(labels=(noise,)), way())) == [
        ("cache dropped", 1, 0, 1, 0.0),
        ("cache rebuilt", 1, 0, 0, None),
        ("disk lost", 1, 0, 0, None),
    ]


def test_alerts_come_where_a_suppression_is_taken_away(log: str) -> None:
    found = tried(log, way(CACHE), way()).difference
    assert (len(found.go), len(found.come), len(found.stay)) == (0, 2, 1)
    assert all("cache " in alert.evidence.sentence for alert in found.come)


ALERTS = st.lists(
    st.builds(
        lambda start, length, service, cause: fold(
            [
                trouble(start + 30, service, part(cause)),
                trouble(start + 30 + length, service, part(cause)),
            ]
        )[-1],
        st.integers(0, 40).map(lambda n: n * 30),
        st.sampled_from((0, 30, 55)),
        st.sampled_from(("api", "db")),
        st.sampled_from(("disk lost", "timeout")),
    ),
    max_size=8,
)


@bounded(200)
@given(ALERTS, ALERTS)
def test_each_alert_goes_stays_or_comes_and_the_counts_add_up(
    now: list[Alert], then: list[Alert]
) -> None:
    found = difference(now, then)
    assert len(now) == len(found.go) + len(found.stay)
    assert len(then) == len(found.stay) + len(found.come)
    for lists, alerts in (((found.go,), now), ((found.stay, found.come), then)):
        assert all(any(a is b for b in alerts) for listed in lists for a in listed)
    ids = [id(alert) for alert in (*found.stay, *found.come)]
    assert len(ids) == len(set(ids))
    assert difference(now, now) == Difference((), (), tuple(now))


def test_of_two_that_would_be_one_the_more_like_it_stays() -> None:
    def alert(start: float, end: float, cause: str) -> Alert:
        return fold([trouble(start + 30, "api", part(cause)), trouble(end, "api", part(cause))])[-1]

    slow, lost = alert(0, 60, "timeout"), alert(100, 150, "disk lost")
    both = alert(0, 150, "disk lost")
    both = replace(both, start=slow.start, course=Course())
    found = difference([slow, lost], [both])
    assert (found.go, found.come, found.stay) == ((slow,), (), (both,))


def test_an_alert_that_comes_back_is_one_as_try_has_it(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    events = steady(3_000) + burst(1_500, "disk lost") + burst(2_000, "cache rebuilt")
    path.write_bytes(b"\n".join(line(e) for e in sorted([*events, *burst(2500, "disk lost")])))
    done = tried(str(path), way(CACHE, DISK), way(CACHE), OUTAGE)
    told = [a for out in open_scan(str(path), way(CACHE).options).run() for a in out.alerts]
    assert [(a.id, len(a.bouts)) for a in told if a.state == "resolved"] == [(1, 1), (1, 2)]
    assert (done.now, done.then) == (0, 1)
    (come,) = done.difference.come
    assert (come.id, len(come.bouts)) == (1, 2)
    # The outage is at the second time that it is on, and the first is no alert for nothing.
    assert [(t.alerts, t.real, t.false) for t in done.templates] == [(1, 1, 0)]
    with (console := Console(width=200)).capture() as capture:
        print_whatif(done, console, as_json=False)
    head, line_, *_ = capture.get().splitlines()
    assert head == "now 0 alerts, then 1: 0 go, 1 come, 0 stay"
    assert re.fullmatch(
        r"  comes  ALERT 1  2026-01-01 00:25:00  db: .*disk lost.* \(2 times\)", line_
    )
    # Only one of the times is the same alert still.
    once = replace(come, course=replace(come.course, bouts=come.bouts[:1]))
    assert difference([once], [come]).stay == (come,)
    between = replace(come, start=come.bouts[0].end, end=come.bouts[1].start, course=Course())
    assert difference([between], [come]).stay == ()


def test_kept_summaries_tell_what_their_log_tells(log: str, tmp_path: Path) -> None:
    keep_summaries(log, tmp_path / "kept", way().options, ReadOptions())
    change = way(CACHE), way(DISK)
    one, other = (tried(source, *change) for source in (log, str(tmp_path / "kept")))

    def told(done: WhatIf) -> list[tuple[int, tuple[str, ...], str]]:
        alerts = (*done.difference.go, *done.difference.come, *done.difference.stay)
        return [(a.start, a.services, a.evidence.sentence) for a in alerts]

    # The log's learning ends after a third of its events, that of the summaries after a third of the time.
    assert told(one) == told(other)
    assert one.difference.go


def test_windows_may_change_if_they_can_be_made_of_the_panes(log: str, tmp_path: Path) -> None:
    long = way(window=WindowSpec(60 * SECOND, 20 * SECOND))
    done = tried(log, way(), long)
    assert done.then == 3
    keep_summaries(log, tmp_path / "kept", way().options, ReadOptions())
    assert tried(str(tmp_path / "kept"), way(), long).then == 3
    odd = way(window=WindowSpec(28 * SECOND, 7 * SECOND))
    with pytest.raises(OptionError, match="multiple"):
        tried(str(tmp_path / "kept"), way(), odd)
