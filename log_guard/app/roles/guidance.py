"""What people tell a running detector: which model is the current one, and what is fine.

Both are files that are looked at now and then. What is taken up becomes part of the fold's state, in a
transaction of its own, before anything is judged by it: a replay after a crash starts from that state, and
so switches where the first run did (decision 0015).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from log_guard.adapters.feedback import read_feedback
from log_guard.adapters.models import Registry
from log_guard.core.learning.model import Model
from log_guard.core.stream.fold import Fold
from log_guard.core.windows import WindowSpec
from log_guard.errors import InputError, ModelError

LOOK_EVERY = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Sources:
    """Where to look; None: nowhere."""

    registry: Path | None = None
    feedback: Path | None = None


class Guidance:
    """Looks, and applies what is new. What cannot be used is said once, and all stays as it is."""

    def __init__(self, sources: Sources, spec: WindowSpec) -> None:
        self.sources = sources
        self.spec = spec
        self._due = 0.0
        self._complaints: dict[str, str] = {}  # source → what was last said of it
        self._log = structlog.get_logger().bind(role="detect")

    def apply(self, fold: Fold) -> bool:
        """Let the fold take up what has changed since; whether anything has."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + LOOK_EVERY
        return self._apply_model(fold) | self._apply_feedback(fold)

    def _apply_model(self, fold: Fold) -> bool:
        if self.sources.registry is None:
            return False
        registry = Registry(self.sources.registry)
        try:
            name = registry.current
            if name is None or name == fold.model_name:
                return False
            model = registry.load(name)
            self._check(model, name)
        except ModelError as error:
            self._complain("model", str(error))
            return False
        before = fold.model_name
        fold.switch(model, name)
        self._log.info("took up a model", model=name, version=model.version, before=before)
        return True

    def _check(self, model: Model, name: str) -> None:
        if (model.window, model.slide) != (self.spec.window, self.spec.slide):
            raise ModelError(f"model {name} was trained on other windows: train one on these")

    def _apply_feedback(self, fold: Fold) -> bool:
        if self.sources.feedback is None:
            return False
        try:
            feedback = read_feedback(self.sources.feedback)
        except InputError as error:
            self._complain("feedback", str(error))
            return False
        if feedback == fold.detect.feedback:
            return False
        fold.detect.heed(feedback)
        self._log.info(
            "took up feedback",
            suppressions=len(feedback.suppressions),
            labels=len(feedback.labels),
        )
        return True

    def _complain(self, source: str, reason: str) -> None:
        if self._complaints.get(source) != reason:
            self._complaints[source] = reason
            self._log.warning(f"cannot take up {source}: all stays as it is", reason=reason)
