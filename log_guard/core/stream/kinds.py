"""What a stored state of the fold may hold: a snapshot makes nothing else."""

from __future__ import annotations

from typing import Any

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.memory import Memory
from log_guard.core.baseline.table import Table
from log_guard.core.course import Bout, Symptom
from log_guard.core.detectors.density import InductiveDBSCAN
from log_guard.core.episodes.episode import Episode
from log_guard.core.episodes.episodes import EpisodeRules, Episodes
from log_guard.core.episodes.trouble import Trouble
from log_guard.core.episodes.waiting import Waiting
from log_guard.core.evaluation.observed import Observed
from log_guard.core.features.text import TextModel
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.learning.model import Model, Scales, Training
from log_guard.core.results import Bound, Evidence, Part, Sample
from log_guard.core.stream.progress import Account, Progress
from log_guard.core.windows.admission import Admission

_STREAM = (Account, Admission, Progress)
_LEARNT = (Baseline, InductiveDBSCAN, Memory, Model, Scales, Table, TextModel, Training)
_FEEDBACK = (Feedback, Label, Suppression)
_EVIDENCE = (Bound, Evidence, Part, Sample)
_EPISODES = (Bout, Episode, EpisodeRules, Episodes, Observed, Symptom, Trouble, Waiting)

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (*_STREAM, *_LEARNT, *_FEEDBACK, *_EVIDENCE, *_EPISODES)
}
"""Name in a snapshot → class."""
