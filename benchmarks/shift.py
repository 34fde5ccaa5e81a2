"""A service logs twice as much, or half as much, for a quarter of an hour: is it told, and what is told besides?

Five services, six messages each, at random (Poisson) times whose rate may wander. By length of history and by how
far load wanders, with and without the detector of shifts.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmarks.measure import report
from log_guard.core.detection.detect import Detect
from log_guard.core.evaluation.outcomes import promise
from log_guard.core.evaluation.replaying import Replayed, replay_of
from log_guard.core.events import SECOND, Level
from log_guard.core.learning.history import History
from log_guard.core.learning.model import NEVER, Model
from log_guard.core.learning.training import train
from log_guard.core.results import Alert
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WHOLE_STREAM, WindowSpec

PROMISED = 2.0
LOGS = 6
JUDGED_HOURS = 3
HISTORIES = (1, 2, 4, 12)
"""Hours learnt from."""
WANDERS = (0.0, 0.1, 0.25)
"""Standard deviation of the rate over its mean; it forgets where it was within five minutes."""
SERVICES = {"search": 4.0, "users": 2.0, "orders": 1.0, "cart": 0.5, "mail": 0.2}
"""Events a second."""
MESSAGES = 6
BETWEEN, LASTED = 2_400, 900
"""Seconds from one shift to the next, and that one lasts."""
WAKE = 60
START = 1_767_225_600
SPEC = WindowSpec()


@dataclass(frozen=True)
class Shift:
    """One service logs ``factor`` times as much; times in seconds of the log."""

    service: str
    start: float
    end: float
    factor: float


@dataclass(frozen=True)
class Found:
    """Shifts that were told of, alerts about none, and seconds until they were told."""

    shifts: int
    false: int
    delays: tuple[float, ...]


def main() -> int:
    """Print what is found and told for each history and load."""
    began = time.perf_counter()
    good = True
    of = len(shifts_after(0.0, 0)) * LOGS
    for wander in WANDERS:
        for hours in HISTORIES:
            logs = [(seed, *log(hours * 3_600.0, wander, seed)) for seed in range(LOGS)]
            with_, without = (
                [judged(stream, shifts, hours * 3_600.0, shift) for _, stream, shifts in logs]
                for shift in (True, False)
            )
            found, before = (sum(f.shifts for f in some) for some in (with_, without))
            false = sum(f.false for f in with_)
            delays = [delay for f in with_ for delay in f.delays]
            allowed = promise(false, PROMISED, LOGS * JUDGED_HOURS)
            late = f"{np.median(delays):.0f} s" if delays else "-"
            print(
                f"{hours} h learnt, load wanders by {wander:.0%}: {found} of {of} found "
                f"(without: {before}), median delay {late}"
            )
            good &= report("  false alarms", false, "alerts", f"<= {allowed.most}", allowed.kept)
            good &= report(
                "  found, over those without", found - before, "", ">= 0", found >= before
            )
    print(f"{time.perf_counter() - began:.0f} s")
    return 0 if good else 1


def shifts_after(learnt: float, seed: int) -> list[Shift]:
    """Twice as much and half as much in turns, each in another service."""
    starts = np.arange(learnt + 1_200, learnt + JUDGED_HOURS * 3_600 - LASTED, BETWEEN)
    names = list(SERVICES)
    return [
        Shift(names[(seed + i) % len(names)], at, at + LASTED, 2.0 if i % 2 == 0 else 0.5)
        for i, at in enumerate(starts.tolist())
    ]


def log(learnt: float, wander: float, seed: int) -> tuple[History, list[Shift]]:
    """A history of so many seconds and the hours that are judged after it."""
    chance = np.random.default_rng([seed, int(learnt), int(wander * 100)])
    shifts = shifts_after(learnt, seed)
    slide = SPEC.slide // SECOND
    panes = np.arange(0, int(learnt) + JUDGED_HOURS * 3_600, slide)
    share = 1.0 / (1.0 + np.arange(MESSAGES))
    rows = []
    for number, (service, rate) in enumerate(SERVICES.items()):
        mean = rate * slide * _load(len(panes), slide, wander, chance)
        for shift in shifts:
            if shift.service == service:
                mean[(panes >= shift.start) & (panes < shift.end)] *= shift.factor
        for message in range(MESSAGES):
            counts = chance.poisson(mean * share[message] / share.sum())
            at = np.flatnonzero(counts)
            rows.append(
                pl.DataFrame(
                    {
                        "pane": (START + panes[at]) * SECOND,
                        "group": np.full(len(at), number + 1),
                        "level": np.full(len(at), int(Level.INFO)),
                        "template": np.full(len(at), number * MESSAGES + message),
                        "late": np.zeros(len(at), dtype=bool),
                        "count": counts[at],
                    },
                    schema=PANE_SCHEMA,
                )
            )
    templates = Templates(
        f"{s} step {'abcdef'[i]} done in <num> ms" for s in SERVICES for i in range(MESSAGES)
    )
    groups = Vocabulary((WHOLE_STREAM, *SERVICES))
    return History(pl.concat(rows).sort("pane", "group", "template"), groups, templates), shifts


def _load(panes: int, slide: float, wander: float, chance: np.random.Generator) -> np.ndarray:
    """An autoregressive load of mean 1, (panes,)."""
    keeps = float(np.exp(-slide / 300.0))
    steps = chance.normal(0.0, wander * np.sqrt(1.0 - keeps**2), panes)
    load, now = np.empty(panes), 0.0
    for i, step in enumerate(steps.tolist()):
        now = now * keeps + step
        load[i] = max(1.0 + now, 0.05)
    return load


def judged(stream: History, shifts: list[Shift], learnt: float, shift: bool) -> Found:
    """What is told of a log after its history; ``shift``: with that detector."""
    until = (START + int(learnt)) * SECOND
    before, after = pl.col("pane") < until, pl.col("pane") >= until
    model: Model = train(replace(stream, panes=stream.panes.filter(before)), SPEC)
    if not shift:
        model = replace(model, scales=replace(model.scales, shift=NEVER))
    replayed = Replayed(Detect(SPEC, model=model))
    for summary, watermark in replay_of(
        replace(stream, panes=stream.panes.filter(after)), SPEC.slide
    ):
        replayed.take(summary, watermark)
    replayed.finish()
    delays = [first for s in shifts if (first := _told(replayed.alerts, s)) is not None]
    false = [a for a in replayed.alerts if not any(_touches(a, s) for s in shifts)]
    return Found(len(delays), len(false), tuple(delays))


def _seconds(time: int) -> float:
    return time / SECOND - START


def _touches(alert: Alert, shift: Shift) -> bool:
    return _seconds(alert.end) > shift.start and _seconds(alert.start) < shift.end + WAKE


def _told(alerts: list[Alert], shift: Shift) -> float | None:
    """Seconds until the first alert about the service, or about all of them together."""
    about = {shift.service, WHOLE_STREAM}
    mine = [a for a in alerts if _touches(a, shift) and about & set(a.services)]
    return min((max(_seconds(a.opened) - shift.start, 0.0) for a in mine), default=None)


if __name__ == "__main__":
    sys.exit(main())
