"""What each suppression does on a labelled log: it is judged once more without each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.scan import open_scan
from log_guard.core.evaluation.evaluation import Labels
from log_guard.core.evaluation.outcomes import last_words
from log_guard.core.evaluation.whatif import SuppressionEffect, effect
from log_guard.core.events import SECOND
from log_guard.core.results import Alert


def without_each(
    events: str,
    labels: Labels,
    options: PipelineOptions,
    read: ReadOptions,
    alerts: Sequence[Alert],
    *,
    history: str | None = None,
    progress: Callable[[int], Any] = lambda _: None,
) -> Iterator[SuppressionEffect]:
    """Effect of each suppression of the options, in their order.

    alerts:    of the test span with all of them, as ``last_words`` gives them.
    progress:  is told the bytes read so far, all readings together.

    What is learnt is learnt without it too: suppressions move the thresholds.
    """
    feedback, begin, behind = options.detect.feedback, int(labels.test_start * SECOND), 0
    for one in feedback.suppressions:
        detect = replace(options.detect, feedback=feedback.without(one))
        scan = open_scan(
            events, replace(options, detect=detect), read, history=history, learn_from_start=True
        )
        heard: list[Alert] = []
        for out in scan.run():
            progress(behind + scan.source.read_bytes)
            heard += [alert for alert in out.alerts if alert.opened > begin]
        behind += scan.source.read_bytes
        yield effect(one, last_words(heard), alerts, labels.incidents)
