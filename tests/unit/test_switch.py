"""A fold takes up another model, or other feedback, between two records; a restored one goes on alike."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from log_guard.app.pipeline import PipelineOptions, intake_of
from log_guard.app.scan import model_of
from log_guard.app.summing import gather
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import Level, RawBatch
from log_guard.core.feedback.feedback import Feedback, Label
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.learning.model import Model
from log_guard.core.learning.translation import translated
from log_guard.core.statements import Templates
from log_guard.core.stream.fold import Emitted, Fold
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.snapshot import freeze, thaw
from log_guard.core.vocabulary import Vocabulary
from tests.streams import Event, fold_in, line
from tests.unit.test_fold import OPTIONS, SPEC, commits, events, folded, results, undisturbed

SAID = Feedback(
    (Suppression("known", "me", matches="refused$", level=Level.ERROR, service="db"),),
    (Label(1, 2, False, "noise", "me"),),
)


@cache
def model(seed: int) -> Model:
    """A model learnt elsewhere; its words have other ids than those of any stream here."""
    options = PipelineOptions(SPEC, DetectOptions(least_windows=6))
    extra = [Event(second, "cron", Level.INFO, f"job {seed} done") for second in range(0, 600, 20)]
    usual = [e for e in events(seed, 600) if e.level == Level.INFO]
    lines = b"\n".join(line(event) for event in sorted([*usual, *extra]))
    taken = intake_of(options, Decoder(JsonLines()), 0).take(RawBatch(lines, 1))
    return model_of(gather([(taken.summary, None)]), options)


def plain(emitted: list[Emitted]) -> list[Any]:
    return [
        (
            [r.as_dict() for r in e.results],
            [a.as_dict() for a in e.alerts],
            e.accounts,
            e.balance,
        )
        for e in emitted
    ]


def restored(fold: Fold) -> Fold:
    stored = {name: freeze(part, KINDS) for name, part in fold.state().items()}
    other = Fold(SPEC, OPTIONS)
    other.restore({name: thaw(data, KINDS) for name, data in stored.items()})
    return other


@pytest.mark.parametrize("at", [1, 20, 30, 38])
def test_the_switch_is_part_of_the_state(at: int) -> None:
    records, _ = undisturbed(3)
    one = Fold(SPEC, OPTIONS)
    folded(one, records[:at])
    one.switch(model(1), "first")
    one.switch(model(2), "second")
    one.detect.heed(SAID)
    other = restored(one)
    assert other.model_name == "second"
    assert other.detect.feedback == SAID
    after = folded(one, records[at:], at)
    assert plain(folded(other, records[at:], at)) == plain(after)
    assert {r.model_version for r in results(after) if r.final} >= {model(2).version}


def test_a_window_is_judged_by_the_model_of_its_time_for_good() -> None:
    records = commits(events(4), 4)
    fold = Fold(SPEC, OPTIONS)
    emitted, boundaries = [], {}
    for offset, record in enumerate(records):
        if offset in (40, 52):
            fold.switch(model(offset), str(offset))
            boundaries[model(offset).version] = fold.detect.windows.closed or 0
        emitted.append(fold_in(fold, record, offset))
    first, second = sorted(boundaries.values())
    assert 0 < first < second
    revised = 0
    seen: set[tuple[int, str]] = set()
    for result in results(emitted):
        if not result.final:
            continue
        if result.window_end > second:
            assert result.model_version == model(52).version
        elif result.window_end > first:
            assert result.model_version == model(40).version
        else:
            assert result.model_version not in boundaries
        revised += (result.window_end, result.service) in seen
        seen.add((result.window_end, result.service))
    assert revised  # late events were among them, and changed no window's model


def test_a_model_means_the_same_in_other_words() -> None:
    records = commits(events(5), 5)
    given = Fold(SPEC, OPTIONS, model(1))
    switched = Fold(SPEC, OPTIONS, translated(model(2), Vocabulary(["*", "z"]), Templates(["z"])))
    switched.switch(model(1), "one")
    assert plain(folded(switched, records)) == plain(folded(given, records))


def test_a_translation_there_and_back_is_the_model() -> None:
    one = model(1)
    groups, templates = Vocabulary(["*", "other"]), Templates(["x", *reversed(one.templates)])
    there = translated(one, groups, templates)
    back = translated(there, Vocabulary(one.groups), Templates(one.templates))
    for name in ("keys", "statements", "volumes", "groups"):
        table, original = getattr(back.baseline, name), getattr(one.baseline, name)
        assert (table.ids == original.ids).all()
        assert (table.sums == original.sums).all()
        assert (table.peaks == original.peaks).all()


def test_feedback_holds_from_where_it_was_taken_up() -> None:
    records = commits(events(6), 6)
    alerts = []
    for at in (0, len(records)):
        fold = Fold(SPEC, OPTIONS)
        emitted = folded(fold, records[:at])
        fold.detect.heed(SAID)
        emitted += folded(fold, records[at:], at)
        alerts.append(sum(a.services[0] == "db" for e in emitted for a in e.alerts))
    assert alerts[0] == 0
    assert alerts[1] > 0
