"""A detector whose alerts are more than promised says so: once, by event time, after a person's word."""

from __future__ import annotations

from itertools import count, pairwise
from random import Random

import numpy as np

from log_guard.core.evaluation.observed import HOUR, LEAST, MOST_ALERTS, Departure, Observed
from log_guard.core.feedback.feedback import Label
from log_guard.core.results import Alert, Evidence, Result
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw

NOTHING = Evidence("", (), (), (), {})
IDS = count(1)


def window(end: int, model: str | None = "m", warming: str | None = None) -> Result:
    return Result(
        end - 30,
        end,
        "api",
        0,
        True,
        False,
        0.1,
        np.zeros(30),
        model_version=model,
        warming=warming,
    )


def opened(at: int) -> Alert:
    return Alert(next(IDS), "opened", at - 30, at, ("api",), 0.7, 1, NOTHING, "api", at)


def watch(
    observed: Observed, hours: range, alerts_at: range, labels: tuple[Label, ...] = ()
) -> list[Departure]:
    """An hour at a time; an alert in each of some hours, where 2 a day are promised."""
    said = [
        observed.take(
            [window(hour * HOUR)], [opened(hour * HOUR)] if hour in alerts_at else [], labels, 2.0
        )
        for hour in hours
    ]
    return [departure for departure in said if departure is not None]


def test_it_says_once_that_the_promise_is_broken_and_again_when_it_was_kept_in_between() -> None:
    observed = Observed()
    assert not watch(observed, range(1, 24), range(1, 13))  # too early to tell
    (departure,) = watch(observed, range(24, 72), range(30, 50))
    assert departure.promise.observed > departure.promise.most > departure.promise.expected
    # Two quiet weeks later one alert is nothing; a flood then is told of again.
    assert not watch(observed, range(72, 408), range(407, 408))
    assert len(watch(observed, range(408, 450), range(410, 450))) == 1


def test_a_detector_close_to_the_bound_says_it_once() -> None:
    random, observed = Random(0), Observed()
    said, kept = [], []
    for hour in range(1, 24 * 70):
        alerts = range(hour, hour + (random.random() < 3.4 / 24))
        said += watch(observed, range(hour, hour + 1), alerts)
        found = observed.observed((), 2.0)
        if alerts and found is not None:
            kept.append(found.promise.kept)
    assert sum(a and not b for a, b in pairwise(kept)) > 3  # so often it passed the bound
    assert len(said) == 1


def test_a_promise_that_is_kept_is_no_news() -> None:
    observed = Observed()
    assert not watch(observed, range(1, 24 * 20), range(5, 24 * 20, 12))
    found = observed.observed((), 2.0)
    assert found is not None
    assert found.promise.kept
    assert (found.days, found.promise.observed) == (7.0, 14)


def test_what_was_labelled_as_real_was_no_false_alarm() -> None:
    real = Label(25 * HOUR, 60 * HOUR, True, "an outage", "me")
    assert not watch(Observed(), range(1, 72), range(26, 60), (real,))
    noise = Label(25 * HOUR, 60 * HOUR, False, "nothing", "me")
    assert watch(Observed(), range(1, 72), range(26, 60), (noise,))


def test_windows_that_nobody_judged_do_not_count_as_time() -> None:
    observed = Observed()
    for hour in range(1, 100):
        assert observed.take([window(hour * HOUR, None)], [], (), 2.0) is None
        assert observed.take([window(hour * HOUR, "m", "3/10")], [], (), 2.0) is None
    assert observed.observed((), 2.0) is None
    assert not watch(observed, range(100, 100 + LEAST // HOUR), range(100, 200))


def test_it_goes_on_where_it_was_after_a_restart() -> None:
    first = Observed()
    watch(first, range(1, 40), range(24, 29))
    second = thaw(freeze(first, KINDS), KINDS)
    hours = range(40, 60), range(40, 60)
    assert watch(first, *hours) == watch(second, *hours) != []


def test_a_flood_of_alerts_fits_in_memory() -> None:
    observed = Observed()
    watch(observed, range(1, 30), range(0))
    flood = [opened(30 * HOUR) for _ in range(MOST_ALERTS + 500)]
    assert observed.take([window(30 * HOUR)], flood, (), 2.0) is not None
    assert len(freeze(observed, KINDS)) < MOST_ALERTS * 100
