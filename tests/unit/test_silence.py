"""A service that falls silent is reported; one that sleeps as it did before is not."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.detection.detect import Detect
from log_guard.core.evaluation.replaying import Replayed, replay_of
from log_guard.core.events import SECOND, Level
from log_guard.core.learning.history import History
from log_guard.core.learning.model import Model
from log_guard.core.learning.training import train
from log_guard.core.results import Alert
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WHOLE_STREAM, WindowSpec
from tests.streams import START, micros

HOUR = 3_600.0
GROUPS = (WHOLE_STREAM, "steady", "mail", "shop")
TEXTS = ("request served", "message delivered", "order taken", "partner feed failed")
SPEC = WindowSpec()
Times = np.ndarray


def history(said: dict[int, tuple[int, Times]]) -> History:
    """Template → group and seconds at which it was said."""
    rows = [
        (micros(at // 5 * 5), group, int(Level.INFO), template, False, 1)
        for template, (group, times) in said.items()
        for at in times.tolist()
    ]
    keys = ["pane", "group", "level", "template", "late"]
    panes = pl.DataFrame(rows, schema=PANE_SCHEMA, orient="row").group_by(keys).agg(pl.sum("count"))
    return History(panes.sort(keys), Vocabulary(GROUPS), Templates(TEXTS))


def learnt(stream: History, until: float) -> Model:
    panes = stream.panes.filter(pl.col("pane") < micros(until))
    return train(History(panes, stream.groups, stream.templates), SPEC)


def alerts(stream: History, until: float) -> list[Alert]:
    """What is said of a stream after its first ``until`` seconds, which teach."""
    panes = stream.panes.filter(pl.col("pane") >= micros(until))
    replayed = Replayed(Detect(SPEC, model=learnt(stream, until)))
    rest = History(panes, stream.groups, stream.templates)
    for summary, watermark in replay_of(rest, SPEC.slide):
        replayed.take(summary, watermark)
    replayed.finish()
    return replayed.alerts


def poisson(random: np.random.Generator, start: float, end: float, per_second: float) -> Times:
    return np.sort(random.uniform(start, end, random.poisson(per_second * (end - start))))


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
    # It is not told for all of its half hour: that it went on is.
    assert [symptom.still for symptom in about[-1].course.symptoms] == [True]
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
