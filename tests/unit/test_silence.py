"""A service that falls silent is reported; one that sleeps as it did before is not."""

from __future__ import annotations

import numpy as np
import pytest

from log_guard.core.episodes.causes import FEW
from log_guard.core.events import SECOND
from log_guard.core.windows import WHOLE_STREAM
from tests.steady import HOUR, Times, alerts, history, learnt, poisson
from tests.streams import START


def bursts(random: np.random.Generator, end: float, size: int) -> Times:
    """So many lines within half a minute, every two hours."""
    starts = np.arange(HOUR, end, 2 * HOUR)
    return np.concatenate([at + random.uniform(0, 30, size) for at in starts])


def test_a_quiet_service_gone_silent_is_found_within_ten_minutes_beside_a_noisy_one() -> None:
    random = np.random.default_rng(1)
    gone, back, end = 13 * HOUR, 13.5 * HOUR, 14 * HOUR
    mail = poisson(random, 0, end, 0.12)
    mail = mail[(mail < gone) | (mail >= back)]
    steady = poisson(random, 0, end, 0.3)
    noise = bursts(random, end, 35)
    told = alerts(history({0: (1, steady), 1: (2, mail), 3: (1, noise)}), 12 * HOUR)
    about = [alert for alert in told if "mail" in alert.services]
    # Once: what is learnt of the silence while it lasts does not end the alert.
    assert [alert.service for alert in about] == ["mail"]
    assert about[0].evidence.parts[0].kind == "silent"
    assert 0 < (about[0].opened - START) / SECOND - gone <= 600
    assert (about[0].end - START) / SECOND - gone > 800
    # There are not windows of it for all of its half hour: how long it was is told all the same.
    (silence,) = about[-1].course.symptoms
    assert 1_800 <= (silence.end - silence.onset) / SECOND <= 1_860
    assert not silence.still
    assert about[-1].state == "resolved"


def test_a_service_that_sleeps_as_it_did_before_neither_alarms_nor_raises_the_threshold() -> None:
    random = np.random.default_rng(1)
    days, day = 6, 8 * HOUR  # short days, of which the shop is open for five hours
    steady = poisson(random, 0, days * day, 0.3)
    shop = [poisson(random, d * day, d * day + 5 * HOUR, 0.2) for d in range(days)]
    stream = history({0: (1, steady), 2: (3, np.concatenate(shop))})
    assert [alert for alert in alerts(stream, 4 * day) if "shop" in alert.services] == []
    alone = history({0: (1, steady)})
    assert learnt(stream, 4 * day).scales.surprise < 1.5 * learnt(alone, 4 * day).scales.surprise


def test_where_everything_falls_silent_at_once_it_is_the_whole_stream_that_is_told_of() -> None:
    random = np.random.default_rng(1)
    gone, back, end = 2 * HOUR, 2 * HOUR + 300, 2.5 * HOUR

    def service(per_second: float) -> Times:
        times = poisson(random, 0, end, per_second)
        return times[(times < gone) | (times >= back)]

    stream = history({0: (1, service(3)), 1: (2, service(2)), 2: (3, service(1))})
    told = alerts(stream, 1.5 * HOUR)
    assert {alert.id for alert in told} == {1}
    last = told[-1]
    assert last.service == WHOLE_STREAM
    assert last.evidence.parts[0].is_silence
    assert "no events at all in 300 s in the whole stream" in last.evidence.sentence
    # What the services lacked in the windows at its edges is no trouble of its own.
    assert [symptom.service for symptom in last.course.symptoms] == [WHOLE_STREAM]
    assert last.course.others == ()
    assert set(last.services) <= {WHOLE_STREAM, "steady", "mail", "shop"}


@pytest.mark.parametrize("lived", [150, 600, 1_200])
def test_a_job_that_ran_once_is_not_missed(lived: int) -> None:
    random = np.random.default_rng(1)
    end = 4 * HOUR
    job = poisson(random, 3 * HOUR, 3 * HOUR + lived, 0.5)
    steady, mail = poisson(random, 0, end, 0.3), poisson(random, 0, end, 0.2)
    told = alerts(history({0: (1, steady), 1: (2, mail), 2: (3, job)}), 2 * HOUR)
    few = [alert for alert in told if alert.evidence.parts[0].kind in FEW]
    assert few == []
