"""How to detect: what a detector is told when it is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from log_guard.core.baseline.memory import MAX_KEYS
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.windows.admission import MAX_GROUPS
from log_guard.errors import OptionError

WARM_WINDOWS = 10
"""Windows to learn from before anything is judged, where no model and no training span is given."""


@dataclass(frozen=True)
class DetectOptions:
    """How to judge.

    detector:      a name of ``judge.DETECTORS``.
    train_until:   learn from what lies before this event time, µs. None: from the first
                   windows, and again each time the history has doubled.
    max_templates: bound on the table of templates.
    max_groups:    bound on the groups that have windows of their own.
    least_windows: a history must span at least so many windows to be learnt from; before that,
                   bursts of errors and silence are judged by the few windows there are.
    show_warm_up:  publish the windows before any judgement too.
    feedback:      what people have said is fine, and what was an incident.
    """

    detector: str = "fusion"
    train_until: int | None = None
    false_alarms_per_day: float = 2.0
    group_by: tuple[str, ...] = ("service",)
    max_templates: int = MAX_KEYS
    max_groups: int = MAX_GROUPS
    least_windows: int = WARM_WINDOWS
    show_warm_up: bool = True
    feedback: Feedback = field(default_factory=Feedback)

    def __post_init__(self) -> None:
        if self.false_alarms_per_day <= 0:
            raise OptionError("false alarms a day: a number above 0, such as 0.1")
