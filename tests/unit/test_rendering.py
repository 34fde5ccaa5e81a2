"""What people read of an alert, from its first word to its last; the golden files are to be read."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from log_guard.app.rendering import length, print_alert
from log_guard.app.rendering_evidence import print_evidence
from log_guard.core.episodes.episodes import Episodes
from log_guard.core.events import SECOND
from log_guard.core.results import Alert, Bound, Evidence, Part, Result, Sample
from log_guard.core.windows import WHOLE_STREAM
from tests.streams import micros
from tests.troubles import FULL, NOTHING, SLOW, calm, fold, part, symptom, trouble

GOLDEN = Path(__file__).with_name("golden")
REFUSED = "db <num> refused the connection"


def _refused(end: float, count: int, score: float) -> Result:
    """A window of a burst in db, with all that evidence can hold."""
    lead = Part("surging", "ERROR", REFUSED, count, 0.0, 0, 0, 90.0, 0.9, 1, ("ERROR", "all"))
    many = Part("new", "WARN", "replica <num> is behind", 9, 0.0, 0, 0, 9.0, 0.08, 7)
    evidence = Evidence(
        sentence=f"ERROR '{REFUSED}' {count} times in 30 s in db; usual: none",
        parts=(lead, many),
        samples=(
            Sample("ERROR", "db 3 refused the connection … Caused by: a.b.Gone: [bold]x[/]", 0, 17),
            Sample("WARN", "replica 2 is behind", 0, 21),
        ),
        normal_if=(Bound("ERROR", REFUSED, "<=", 0), Bound(None, None, "<=", 2, "new")),
        nearest_normal={},
        weighed=14,
        onset=micros(end - 10),
    )
    return Result(
        window_start=micros(end - 30),
        window_end=micros(end),
        service="db",
        revision=0,
        final=True,
        is_anomaly=True,
        anomaly_score=score,
        features=calm(end).features,
        evidence=evidence,
    )


def _story() -> list[Alert]:
    slow = Part("surging", "WARN", "slow", 30, 0.0, 0, 0, 9.0, 1.0)
    episodes = Episodes()
    told = [
        *episodes.add([_refused(30, 4, 0.6)]),
        *episodes.add([trouble(45, "api", slow, onset=30), trouble(50, "web", slow, onset=20)]),
        *episodes.add([_refused(55, 94, 0.9), _refused(80, 40, 0.8), calm(200)]),
        *episodes.add([_refused(2000, 12, 0.7), calm(2100)]),
        *episodes.add([symptom(3000, SLOW, score=0.6), symptom(3020, FULL, onset=3015)]),
        *episodes.add([symptom(3060, NOTHING, score=0.95), calm(3200)]),
        *episodes.add([trouble(end, "web", slow) for end in (3340, 3370)]),
        *episodes.add([calm(3450), *(trouble(end, "mail", slow) for end in (3540, 3570, 3600))]),
        *episodes.add([calm(3700)]),
        *episodes.add([symptom(end, NOTHING, service="shop") for end in range(4000, 4900, 30)]),
        *episodes.add([calm(5000)]),
    ]
    return [*told, *episodes.finish()]


def shown(alert: Alert, *, live: bool = False) -> str:
    out = StringIO()
    print_alert(Console(file=out, width=120, highlight=False), alert, live=live)
    return out.getvalue()


def test_where_all_fell_silent_at_once_the_head_says_so() -> None:
    edge = symptom(35, SLOW, score=0.6)
    told = fold([edge, *(symptom(end, NOTHING, service=WHOLE_STREAM) for end in (40, 45, 90))])
    assert told[-1].services == (WHOLE_STREAM, "api")
    assert "  whole stream  score" in shown(told[-1])


def test_what_came_once_is_said_to_have_come_once() -> None:
    once = [trouble(end, "api", part(REFUSED, 1, kind="new"), onset=5) for end in (10, 20, 35)]
    told = fold([*once, calm(200), trouble(300, "api", part(REFUSED, 1, kind="new"), onset=280)])
    assert "resolved 1: 2026-01-01 00:00:05 to 00:00:35, once: ERROR" in shown(told[1], live=True)
    assert "again (time 2)  2026-01-01 00:04:40 to 00:05:00  api  once: ERROR" in shown(told[-1])


@pytest.mark.parametrize("live", [True, False], ids=["live", "finished"])
def test_an_alert_is_told_as_it_was_last_read(live: bool) -> None:
    out = StringIO()
    console = Console(file=out, width=120, highlight=False)
    for alert in _story():
        if live or alert.state == "resolved":
            print_alert(console, alert, live=live)
    name = GOLDEN / f"alert_{'live' if live else 'finished'}.txt"
    assert out.getvalue() == name.read_text(encoding="utf-8")


def test_of_a_long_raw_line_begin_and_end_are_shown() -> None:
    text = f"manager [{'req 0a1b ' * 40}] gave up: no host"
    evidence = Evidence("s", (), (Sample("ERROR", text, 0, 17),), (), {}, 1)
    out = StringIO()
    print_evidence(Console(file=out, width=80, highlight=False, soft_wrap=True), evidence, "line")
    line = out.getvalue().splitlines()[1]
    assert line.startswith("  line 17: manager [req")
    assert line.endswith("] gave up: no host")
    assert "…" in line
    assert len(line) == 160


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (235, "3 min 55 s"), (3600 * 30 + 61, "30 h 1 min")],
)
def test_spans_are_said_as_people_say_them(seconds: int, said: str) -> None:
    assert length(seconds * SECOND) == said
