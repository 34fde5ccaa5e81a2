"""An evaluation tells what each suppression saves and which labelled incidents it hides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from log_guard.app.evaluating import Evaluated, evaluate_set
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.core.detection.options import DetectOptions
from log_guard.core.evaluation.evaluation import Incident, Labels
from log_guard.core.events import SECOND
from log_guard.core.feedback.feedback import Feedback
from log_guard.core.feedback.suppression import Suppression
from log_guard.core.windows import WindowSpec
from tests.streams import START, line
from tests.unit.test_cold_start import steady
from tests.unit.test_gate import burst

BEGIN = START / SECOND
CACHE = Suppression("harmless", "me", matches="^cache ")
DISK = Suppression("wrongly", "me", template="disk lost")
UNUSED = Suppression("of old", "me", matches="^nothing of the kind$")
OUTAGE = Incident("outage", BEGIN + 2_500, BEGIN + 2_530)
LABELS = Labels("by hand", BEGIN + 1_000, BEGIN + 3_000, (OUTAGE,), ())


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("each") / "app.log"
    events = steady(3_000) + burst(1_500, "cache rebuilt") + burst(2_000, "cache dropped")
    events += burst(500, "cache filled") + burst(2_500, "disk lost")
    path.write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")
    return str(path)


def measured(
    log: str,
    *suppressions: Suppression,
    history: str | None = None,
    read: list[int] | None = None,
    **changes: str,
) -> Evaluated:
    detect = DetectOptions(feedback=Feedback(suppressions), **changes)  # type: ignore[arg-type]
    progress = (lambda _: None) if read is None else read.append
    # A slide of 10 s: half as many windows to explain as by default.
    options = PipelineOptions(WindowSpec(slide=10 * SECOND), detect)
    return evaluate_set(log, LABELS, options, ReadOptions(), history=history, progress=progress)


def told(done: Evaluated) -> list[tuple[Suppression | None, int, tuple[str, ...]]]:
    return [(e.suppression, e.saved, tuple(i.id for i in e.hid)) for e in done.effects]


def test_a_suppression_saves_what_it_is_about_and_tells_what_it_hides(log: str) -> None:
    done = measured(log, CACHE, DISK, UNUSED)
    assert done.alerts.alerts == 0
    # What it would say of the span that is learnt from ("cache filled") is nobody's alert.
    assert told(done) == [(CACHE, 2, ()), (DISK, 1, ("outage",)), (UNUSED, 0, ())]


def test_what_several_do_alike_is_told_of_them_together(log: str) -> None:
    again, lost = replace(CACHE), Suppression("wrongly too", "me", matches=" lost$")
    assert told(measured(log, CACHE, again)) == [(CACHE, 0, ()), (again, 0, ()), (None, 2, ())]
    assert told(measured(log, CACHE, DISK, lost)) == [
        (CACHE, 2, ()),
        (DISK, 0, ()),
        (lost, 0, ()),
        (None, 1, ("outage",)),
    ]


def test_what_is_learnt_beforehand_is_learnt_without_it_too(log: str, tmp_path: Path) -> None:
    # So full of bursts that one more is nothing, unless they are suppressed where it is learnt from.
    path = tmp_path / "before.log"
    words = [f"{a}{b}" for a in ("lost", "gone", "dead", "down") for b in "abcdefghijklmnopqrst"]
    loud = [e for i, word in enumerate(words) for e in burst(40 + 35 * i, f"flood {word}")]
    path.write_bytes(b"\n".join(line(e) for e in sorted(steady(3_000) + loud)) + b"\n")
    floods = Suppression("known", "me", matches="^flood ")
    hearing = measured(log, floods, history=str(path))
    both = Suppression("known", "me", matches="^(flood|cache rebuilt)")
    assert "cache rebuilt" in {led.template for led in hearing.alerts.templates}
    assert told(measured(log, both, history=str(path))) == [(both, 0, ())]


def test_a_detector_of_somebody_else_looks_at_no_suppression(log: str) -> None:
    detector = "sklearn.ensemble.IsolationForest"
    assert told(measured(log, CACHE, detector=detector)) == [(CACHE, 0, ())]


def test_progress_goes_on_over_all_readings(log: str) -> None:
    read: list[int] = []
    measured(log, CACHE, UNUSED, read=read)
    assert read == sorted(read)
    assert read[-1] == 4 * Path(log).stat().st_size  # with all, without each, without any


def test_without_suppressions_nothing_is_judged_twice(log: str) -> None:
    read: list[int] = []
    assert measured(log, read=read).effects == ()
    assert read[-1] == Path(log).stat().st_size
