"""What each suppression does on a labelled log: it is judged again without each of them, and without all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import open_scan
from log_guard.core.evaluation.evaluation import Labels
from log_guard.core.evaluation.outcomes import last_words
from log_guard.core.evaluation.whatif import SuppressionEffect, effects_of
from log_guard.core.events import SECOND
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.results import Alert


def effects_on(
    events: str,
    labels: Labels,
    options: PipelineOptions,
    read: ReadOptions,
    alerts: Sequence[Alert],
    *,
    history: str | None = None,
    progress: Callable[[int], Any] = lambda _: None,
) -> list[SuppressionEffect]:
    """Effect of each suppression of the options, in their order, and of several together.

    alerts:    of the test span with all of them, as ``last_words`` gives them.
    progress:  is told the bytes read so far, all readings together (:func:`readings`).

    What is learnt is learnt without it too: suppressions move the thresholds.
    """
    feedback, begin, behind = options.detect.feedback, int(labels.test_start * SECOND), 0

    def heard(other: Feedback) -> list[Alert]:
        nonlocal behind
        changed = replace(options, detect=replace(options.detect, feedback=other))
        scan = open_scan(events, changed, read, history=history, learn_from_start=True)
        told: list[Alert] = []
        for out in scan.run():
            progress(behind + scan.source.read_bytes)
            told += [alert for alert in out.alerts if alert.opened > begin]
        behind += scan.source.read_bytes
        return last_words(told)

    given = feedback.suppressions
    each = [heard(feedback.without(one)) for one in given]
    without_all = heard(replace(feedback, suppressions=())) if len(given) > 1 else []
    return effects_of(given, each, without_all, alerts, labels.incidents)


def readings(suppressions: Sequence[Suppression]) -> int:
    """How often the log is read again for it."""
    return len(suppressions) + (len(suppressions) > 1)
