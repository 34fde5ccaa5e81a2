"""Streams of services that log at steady random times, and what is told of them after a history."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.evaluation.replaying import Replayed, replay_of
from log_guard.core.events import Level
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.learning.history import History
from log_guard.core.learning.model import Model
from log_guard.core.learning.training import train
from log_guard.core.results import Alert
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WHOLE_STREAM, WindowSpec
from tests.streams import micros

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
    """A model of its first ``until`` seconds."""
    panes = stream.panes.filter(pl.col("pane") < micros(until))
    return train(History(panes, stream.groups, stream.templates), SPEC)


def replayed(stream: History, until: float, feedback: Feedback | None = None) -> Replayed:
    """The rest of a stream after its first ``until`` seconds, which teach."""
    panes = stream.panes.filter(pl.col("pane") >= micros(until))
    options = DetectOptions(feedback=feedback or Feedback())
    done = Replayed(Detect(SPEC, options, learnt(stream, until)))
    rest = History(panes, stream.groups, stream.templates)
    for summary, watermark in replay_of(rest, SPEC.slide):
        done.take(summary, watermark)
    done.finish()
    return done


def alerts(stream: History, until: float) -> list[Alert]:
    """What is said of it."""
    return replayed(stream, until).alerts


def poisson(random: np.random.Generator, start: float, end: float, per_second: float) -> Times:
    return np.sort(random.uniform(start, end, random.poisson(per_second * (end - start))))
