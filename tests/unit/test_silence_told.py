"""What is said of a silence: since when, how long, and that the service is back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from log_guard.core.course import Symptom
from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.events import SECOND
from log_guard.core.evidence.words import longer_silence
from log_guard.core.results import Alert
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw
from log_guard.core.windows import WindowSpec
from tests.steady import HOUR, Times, alerts, history, poisson
from tests.streams import START, micros
from tests.troubles import NOTHING, RULES, calm, fold, part, said, symptom

GONE = 7 * HOUR + 100.0
BACKLOG = 60


def silent_for(seconds: float, *, backlog: int = 0, rate: float = 0.3) -> tuple[Times, list[Alert]]:
    """When mail spoke, and what was told of its silence."""
    random = np.random.default_rng(3)
    back, end = GONE + seconds, GONE + seconds + 0.5 * HOUR
    mail = poisson(random, 0, end, rate)
    held = back + random.uniform(0, 5, backlog)
    mail = np.concatenate([mail[(mail < GONE) | (mail >= back)], held])
    stream = history({0: (1, poisson(random, 0, end, 0.6)), 1: (2, np.sort(mail))})
    return mail, alerts(stream, 6 * HOUR)


def seconds(time: int) -> float:
    return (time - START) / SECOND


def silence_of(alert: Alert) -> Symptom:
    return next(s for s in alert.course.symptoms if "no events at all" in s.sentence)


@pytest.mark.parametrize(
    ("lasted", "rate"),
    [(300, 0.3), (900, 0.3), (2_400, 0.3), (1_140, 2.0), (2_400, 2.0), (9_000, 2.0)],
)
def test_it_began_with_the_last_event_and_lasted_until_the_next(lasted: float, rate: float) -> None:
    """Also of who never paused for 30 s, so that its gaps say nothing."""
    mail, told = silent_for(lasted, rate=rate)
    (alert,) = told
    last, next_ = mail[mail < GONE].max(), mail[mail >= GONE].min()
    silence = silence_of(alert)
    assert alert.course.onset == silence.onset
    assert last <= seconds(silence.onset) <= last + 5
    assert next_ - 5 <= seconds(silence.end) <= next_ + 5
    assert not silence.still
    # The sentence says no other length.
    long = (silence.end - silence.onset) / SECOND
    assert f"no events at all in {long:g} s in mail" in silence.sentence
    assert silence.sentence == alert.evidence.sentence


@pytest.mark.parametrize("lasted", [300, 2_400])
def test_what_was_held_back_and_is_written_at_the_return_is_a_symptom(lasted: float) -> None:
    _, told = silent_for(lasted, backlog=BACKLOG)
    (alert,) = told
    silence, burst = alert.course.symptoms
    assert "no events at all" in silence.sentence
    assert "'message delivered'" in burst.sentence
    assert silence.end <= burst.onset <= silence.end + 5 * SECOND


def test_of_one_that_never_ends_it_says_for_how_long_it_has_lasted() -> None:
    silent = [symptom(end, NOTHING) for end in range(30, 905, 5)]
    told = fold([*silent, *(calm(end, "web") for end in range(935, 3_000, 5))])
    assert [a.state for a in told] == ["opened", "updated", "resolved"]
    (silence,) = told[-1].course.symptoms
    assert (silence.still, silence.end) == (True, micros(2_995))


def test_it_is_told_again_when_it_is_ten_times_as_long() -> None:
    told = fold([symptom(end, NOTHING) for end in range(30, 905, 5)])
    assert [(a.state, a.end) for a in told] == [
        ("opened", micros(30)),
        ("updated", micros(300)),
        ("resolved", micros(900)),
    ]


def test_after_four_hours_it_is_waited_for_no_longer() -> None:
    episodes = Episodes(RULES)
    episodes.add([symptom(end, NOTHING) for end in range(30, 905, 5)])
    assert episodes.add([calm(hours * HOUR, "web") for hours in (1, 2, 3, 4)]) == []
    (given_up,) = episodes.add([calm(5 * HOUR, "web")])
    assert (given_up.state, given_up.course.symptoms[0].still) == ("resolved", True)
    assert given_up.course.symptoms[0].end == micros(900 + 4 * HOUR)
    assert episodes.add([calm(6 * HOUR)]) == []


def test_an_alert_waits_for_the_next_window_of_its_silence() -> None:
    ends = WindowSpec().later_silences()
    assert max(b - a for a, b in pairwise(ends)) + WindowSpec().window < EpisodeRules().reopen
    assert len(ends) < 30


def test_who_comes_back_after_days_was_not_waited_for() -> None:
    silent = [symptom(end, NOTHING) for end in range(30, 905, 5)]
    told = fold([*silent, calm(30 * 24 * HOUR), calm(30 * 24 * HOUR + 100)])
    (silence,) = told[-1].course.symptoms
    assert [a.state for a in told] == ["opened", "updated", "resolved"]
    assert (silence.still, silence.end) == (True, micros(900 + 4 * HOUR))


def test_how_many_are_waited_for_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("log_guard.core.episodes.waiting.MAX_WAITING", 2)
    told = Episodes(RULES).add(
        [
            result
            for n in range(4)
            for result in (
                symptom(1000 * n + 30, NOTHING, service=f"s{n}"),
                calm(1000 * n + 200, "web"),
            )
        ]
    )
    assert [(a.id, a.state) for a in told if a.state == "resolved"] == [
        (1, "resolved"),
        (2, "resolved"),
    ]


def test_whose_return_is_waited_for_is_part_of_the_state() -> None:
    one = Episodes(RULES)
    one.add([*(symptom(end, NOTHING) for end in range(30, 905, 5)), calm(2_000, "web")])
    other = thaw(freeze(one, KINDS), KINDS)
    after = [symptom(3_000, part("flushed", kind="new"), onset=2_990), calm(3_200)]
    told = one.add(after)
    assert [a.state for a in told] == ["updated", "resolved"]
    assert [s.sentence for s in told[-1].course.symptoms] == [
        said(NOTHING),
        said(part("flushed", kind="new")),
    ]
    assert other.add(after) == told


def test_a_sentence_on_a_longer_silence_keeps_what_is_usual_and_says_of_how_long() -> None:
    first = "no events at all in 925 s in a; usual: 1 to 2; usual: 3,722 to 9,905"
    later = [longer_silence(first, n) for n in (925, 1_000, 5_000)]
    again = longer_silence(later[1], 5_000)
    assert later[0] == first
    assert later[1] == (
        "no events at all in 1000 s in a; usual: 1 to 2; usual: 3,722 to 9,905 in 925 s"
    )
    assert again == later[2]
    never = "no events at all in {} s in a; never so long before"
    assert longer_silence(never.format(925), 5_000) == never.format(5000)
    assert longer_silence("db in trouble", 5_000) == "db in trouble"
    assert all(a != b for a, b in pairwise(later))
