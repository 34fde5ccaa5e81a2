"""What lasts is told of, though no single window is surprising; what is over, or was a burst, is not."""

from __future__ import annotations

import numpy as np
import pytest

from log_guard.core.baseline.keys import TROUBLED, code_levels
from log_guard.core.events import SECOND
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.results import Alert
from tests.steady import HOUR, Times, alerts, history, learnt, poisson, replayed
from tests.streams import START

LEARNT = 2 * HOUR
BEGAN, LASTED, END = LEARNT + 1_205, 900, LEARNT + 3_600


def shifted(factor: float, seed: int = 1, per_second: float = 0.3) -> Times:
    """Lines of the mail service, whose rate is another for a quarter of an hour."""
    random = np.random.default_rng(seed)
    return np.concatenate(
        [
            poisson(random, 0, BEGAN, per_second),
            poisson(random, BEGAN, BEGAN + LASTED, factor * per_second),
            poisson(random, BEGAN + LASTED, END, per_second),
        ]
    )


def beside(seed: int = 9) -> Times:
    return poisson(np.random.default_rng(seed), 0, END, 2.0)


def about(told: list[Alert], service: str) -> list[Alert]:
    return [alert for alert in told if service in alert.services]


@pytest.mark.parametrize(("factor", "kind"), [(2.2, "surging"), (0.4, "fading")])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_twice_as_much_and_half_as_much_for_minutes_is_told(
    factor: float, kind: str, seed: int
) -> None:
    told = alerts(history({0: (1, beside()), 1: (2, shifted(factor, seed))}), LEARNT)
    (first, *_) = about(told, "mail")
    assert 0 < (first.opened - START) / SECOND - BEGAN < 400
    lead = first.evidence.parts[0]
    assert (lead.kind, lead.seconds) == (kind, 300)
    assert lead.observed > lead.high if kind == "surging" else lead.observed < lead.low
    assert "times in 300 s in mail; usual: " in first.evidence.sentence


def test_it_says_what_the_window_would_have_had_to_hold() -> None:
    done = replayed(history({0: (1, beside()), 1: (2, shifted(2.2))}), LEARNT)
    lead = about(done.alerts, "mail")[0].evidence
    (bound,) = lead.normal_if
    assert (bound.relation, bound.seconds) == ("<=", 30)
    # Half way from what is usual in a window to what has lasted.
    assert lead.parts[0].expected / 10 < bound.count < lead.parts[0].observed / 10


def test_without_a_shift_nothing_is_told() -> None:
    assert alerts(history({0: (1, beside()), 1: (2, shifted(1.0))}), LEARNT) == []


@pytest.mark.parametrize("seconds", [30, 90, 300])
def test_a_burst_is_told_while_it_is_there_and_not_for_minutes_after_it(seconds: int) -> None:
    random = np.random.default_rng(2)
    burst = poisson(random, BEGAN, BEGAN + seconds, 8.0)
    mail = np.sort(np.concatenate([shifted(1.0), burst]))
    told = about(alerts(history({0: (1, beside()), 1: (2, mail)}), LEARNT), "mail")
    assert len(told) == 1
    assert (told[0].end - START) / SECOND <= BEGAN + seconds + 60


@pytest.mark.parametrize("seconds", [60, 240, 600])
def test_after_a_silence_what_was_missing_in_it_is_not_told_again(seconds: int) -> None:
    gone, back = BEGAN, BEGAN + seconds
    steady = beside()
    steady = steady[(steady < gone) | (steady >= back)]
    told = about(alerts(history({0: (1, steady), 1: (2, shifted(1.0))}), LEARNT), "steady")
    assert len(told) == 1
    assert told[0].evidence.parts[0].kind in ("silent", "fading")
    assert (told[0].end - START) / SECOND <= back + 60


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_nor_is_it_of_a_service_that_has_an_empty_window_now_and_then(seed: int) -> None:
    gone, back = BEGAN, BEGAN + 420
    random = np.random.default_rng(seed)
    steady = poisson(random, 0, END, 0.2)
    steady = steady[(steady < gone) | (steady >= back)]
    told = about(alerts(history({0: (1, steady), 2: (3, beside())}), LEARNT), "steady")
    said = [s.sentence for alert in told for s in alert.course.symptoms]
    assert [
        sentence
        for sentence in said
        if " events in 300 s " in sentence or "times in 300 s" in sentence
    ] == []
    assert all((alert.end - START) / SECOND <= back + 60 for alert in told)


def test_what_an_hour_of_it_has_made_usual_is_told_no_more() -> None:
    """Load drifts: what has doubled for good is told once."""
    random = np.random.default_rng(4)
    end = LEARNT + 3 * HOUR
    mail = np.concatenate([poisson(random, 0, BEGAN, 0.4), poisson(random, BEGAN, end, 0.9)])
    steady = poisson(random, 0, end, 2.0)
    told = about(alerts(history({0: (1, steady), 1: (2, mail)}), LEARNT), "mail")
    assert told
    assert max((alert.opened - START) / SECOND for alert in told) < BEGAN + 2_400


def test_a_job_as_it_ran_before_makes_no_shift_of_the_volume() -> None:
    """Ten minutes of lines of its own, each hour."""
    random = np.random.default_rng(5)
    end = 7 * HOUR
    starts = np.arange(1_800, end, HOUR)
    job = np.concatenate([poisson(random, at, at + 600, 0.5) for at in starts])
    steady, mail = poisson(random, 0, end, 2.0), poisson(random, 0, end, 0.4)
    stream = history({0: (1, steady), 1: (2, mail), 2: (2, job)})
    assert about(alerts(stream, 5 * HOUR), "mail") == []


def test_talk_of_trouble_is_no_volume_that_could_fade() -> None:
    """It comes in most stretches, and makes up no count of a window."""
    random = np.random.default_rng(6)
    trouble = poisson(random, 0, END, 0.03)
    stream = history({0: (1, beside()), 1: (2, shifted(2.2)), 3: (2, trouble)})
    usual = learnt(stream, LEARNT).baseline.volume_stretches
    assert TROUBLED not in code_levels(usual.codes)
    told = about(alerts(stream, LEARNT), "mail")
    assert {part.kind for alert in told for part in alert.evidence.parts} == {"surging"}


def test_what_is_suppressed_makes_no_shift() -> None:
    stream = history({0: (1, beside()), 1: (2, shifted(2.2))})
    entry = Suppression(template="message delivered", reason="a test", author="a tester")
    assert about(replayed(stream, LEARNT, Feedback((entry,))).alerts, "mail") == []


def test_of_a_short_history_nothing_is_told_of_shifts() -> None:
    told = alerts(history({0: (1, beside()), 1: (2, shifted(2.2))}), LEARNT)
    late = LEARNT - 2_400  # learn from the last forty minutes only
    part = history({0: (1, beside()[beside() >= late]), 1: (2, shifted(2.2)[shifted(2.2) >= late])})
    assert about(told, "mail")
    assert [a for a in alerts(part, LEARNT) if a.evidence.parts[0].seconds] == []
