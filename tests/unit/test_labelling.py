"""What ``logguard label`` says at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from log_guard.cli.feedback import Verdict, label

START, END = datetime(2026, 1, 1, 0, 10, tzinfo=UTC), datetime(2026, 1, 1, 0, 12, tzinfo=UTC)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_label_of_noise_says_what_silences(
    verdict: Verdict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    label(verdict, START, END, "nightly", author="me", feedback=tmp_path / "feedback.toml")
    said = capsys.readouterr().out
    assert f"labelled {verdict.value}" in said
    assert ("logguard suppress" in said) == (verdict is Verdict.noise)
