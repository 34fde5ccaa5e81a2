"""Whether a new model may take the place of the current one: both judge the same history.

The last quarter of the history is held out: the candidate that is compared has learnt from the rest
only (the one that is kept has learnt from all). On the held-out span fewer alerts are better, as long
as they are not about what people have labelled as real; all labels of the history are held against
both. A candidate is worse if it misses labelled incidents that the current one finds, alarms more on
what was labelled as noise, or breaks the promise on the held-out span and the current one less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from log_guard.core.detection.detect import Detect
from log_guard.core.detection.options import DetectOptions
from log_guard.core.evaluation.outcomes import Promise, promise
from log_guard.core.evaluation.replaying import Replayed, replay_all, replay_of
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.learning.history import History
from log_guard.core.learning.model import Model
from log_guard.core.learning.training import train
from log_guard.core.results import Alert
from log_guard.core.windows import WHOLE_STREAM, WindowSpec
from log_guard.errors import InputError

HELD_OUT = 4
"""One part in so many of the history is held out."""
HOUR = 3_600_000_000


@dataclass(frozen=True)
class Showing:
    """What one model made of the history.

    found:   labels (real) that an alert touches, of ``real``.
    noise:   alerts in spans labelled as noise.
    others:  alerts that opened in the held-out span and touch no label that is real, against the promise.
    """

    found: int
    real: int
    noise: int
    others: Promise


@dataclass(frozen=True)
class Comparison:
    """Candidate and current, and why the candidate is worse (empty: it is not).

    held_out:  event time (µs) at which the held-out span begins; ``seen``: the current model has
               learnt from that time of these services, which flatters it.
    """

    candidate: Showing
    current: Showing
    held_out: int
    hours: float
    seen: bool
    reasons: tuple[str, ...]


def in_common(history: History, current: Model) -> bool:
    """Whether a history has any service in common with a model.

    A model of quite other services cannot be found to be worse: the current one knows nothing of what
    both judge.
    """
    ours, theirs = services_of(history), services_of(current)
    return ours == theirs or not set(ours).isdisjoint(theirs)


def services_of(source: History | Model) -> list[str]:
    """The groups that a history or a model is of, without the whole stream, sorted."""
    if isinstance(source, Model):
        return sorted(set(source.groups) - {WHOLE_STREAM})
    seen = source.panes["group"].unique().to_list()
    return sorted({source.groups.words[group] for group in seen} - {WHOLE_STREAM})


def compare(
    history: History,
    spec: WindowSpec,
    current: Model,
    options: DetectOptions,
) -> Comparison:
    """Hold a model learnt from this history, with these options, against the current one.

    Raises InputError where the history is too short to hold out a part of it.
    """
    start, last = history.span
    end = last + spec.slide
    cut = end - (end - start) // HELD_OUT
    cut -= cut % spec.slide
    earlier = history.panes.filter(pl.col("pane") < cut)
    try:
        candidate = train(
            History(earlier, history.groups, history.templates),
            spec,
            false_alarms_per_day=options.false_alarms_per_day,
            group_by=options.group_by,
            least_windows=options.least_windows,
            feedback=options.feedback,
        )
    except InputError as error:
        raise InputError(
            f"the history is too short to hold out a quarter of it ({error}); "
            "learn from more, or use --force to promote without a comparison"
        ) from None
    how = replace(options, train_until=None)
    judges = [Replayed(Detect(spec, how, model)) for model in (candidate, current)]
    replay_all(replay_of(history, spec.slide), judges)
    hours = (end - cut) / HOUR
    feedback = _within(options.feedback, start, end)
    new, old = (
        _showing(one.alerts, feedback, cut, options.false_alarms_per_day, hours) for one in judges
    )
    taught = current.training.start < end and current.training.end > cut
    seen = taught and in_common(history, current)
    return Comparison(new, old, cut, hours, seen, tuple(_reasons(new, old)))


def _within(feedback: Feedback, start: int, end: int) -> tuple[Label, ...]:
    return tuple(label for label in feedback.labels if label.start < end and label.end > start)


def _showing(
    alerts: Sequence[Alert], labels: Sequence[Label], cut: int, per_day: float, hours: float
) -> Showing:
    def about(alert: Alert, label: Label) -> bool:
        return label.about(alert.start, alert.end, alert.services)

    real = [label for label in labels if label.real]
    noise = [label for label in labels if not label.real]
    others = sum(
        alert.opened > cut and not any(about(alert, label) for label in real) for alert in alerts
    )
    return Showing(
        found=sum(any(about(alert, label) for alert in alerts) for label in real),
        real=len(real),
        noise=sum(any(about(alert, label) for label in noise) for alert in alerts),
        others=promise(others, per_day, hours),
    )


def _reasons(new: Showing, old: Showing) -> list[str]:
    reasons = []
    if new.found < old.found:
        reasons.append(
            f"it finds {new.found} of {new.real} labelled incidents, the current one {old.found}"
        )
    if new.noise > old.noise:
        reasons.append(
            f"it raises {new.noise} alerts on what was labelled as noise, the current one {old.noise}"
        )
    if not new.others.kept and new.others.observed > old.others.observed:
        reasons.append(
            f"it raises {new.others.observed} alerts on the held-out span, where the promise allows "
            f"{new.others.most}; the current one {old.others.observed}"
        )
    return reasons
