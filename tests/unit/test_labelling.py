"""What is said of labels: when they are given, and on the alerts that they are about."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from log_guard.adapters.feedback import read_feedback
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import PipelineOptions
from log_guard.app.trying import Trial, run_trial
from log_guard.cli.feedback import Verdict, label, suppress
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level
from log_guard.errors import OptionError
from tests.streams import Event, line, micros

START = datetime.fromtimestamp(micros(0) / SECOND, UTC)
END = START + timedelta(minutes=2)


def test_only_two_verdicts_are_known(tmp_path: Path) -> None:
    said = r"label 'maybe': write real \(an incident\) or noise"
    with pytest.raises(OptionError, match=said):
        label("maybe", START, END, "x", author="me", feedback=tmp_path / "feedback.toml")


def test_what_is_suppressed_already_is_said_to_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "feedback.toml"
    for reason, level in (("a", "warn"), ("b", "WARN"), ("c", "")):
        suppress(reason, "t <num>", level=level, author="me", feedback=file)
    assert [s.reason for s in read_feedback(file).suppressions] == ["a", "c"]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3
    assert ": nothing written, for it is suppressed already, until 2" in said[1]
    assert said[1].endswith(" by me: a (to prolong it, change expires in the file)")
    file.write_text(re.sub("expires = .*", "expires = 2020-01-01", file.read_text()))
    suppress("d", "t <num>", author="me", feedback=file)
    assert [s.reason for s in read_feedback(file).suppressions] == ["a", "c", "d"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_label_of_noise_says_what_silences(
    verdict: Verdict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label(verdict, START, END, "nightly", author="me", feedback=tmp_path / "feedback.toml")
    said = capsys.readouterr().out
    assert f"labelled {verdict.value}" in said
    assert ("logguard suppress" in said) == (verdict is Verdict.noise)


def test_a_trial_says_of_an_alert_who_labelled_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, log = tmp_path / "feedback.toml", tmp_path / "app.jsonl"
    events = [Event(second / 2, "api") for second in range(1_200)]
    events += [Event(500 + i / 100, "api", Level.ERROR, "disk gone") for i in range(200)]
    log.write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")
    for verdict, since, until in ((Verdict.noise, 490, 520), (Verdict.real, 0, 10)):
        label(
            verdict,
            START + timedelta(seconds=since),
            START + timedelta(seconds=until),
            "[b]nightly",
            author="me",
            feedback=file,
        )
    detect = DetectOptions(train_until=micros(400), feedback=read_feedback(file))
    out = StringIO()
    options = PipelineOptions(detect=detect)
    run_trial(Trial(str(log), options, ReadOptions()), Console(file=out), Console(file=StringIO()))
    assert out.getvalue().count("labelled noise by me: [b]nightly") == 1
    assert "labelled real" not in out.getvalue()
