"""More alerts than promised: what ``logguard try`` says of it, and what makes it untrue."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.acceptance.test_commands import run
from tests.acceptance.test_model_commands import write
from tests.unit.test_promised import LEARNT, REPAIR, day


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("promise")
    write(place / "app.log", day())
    return place


def tried(folder: Path, *more: str) -> subprocess.CompletedProcess[bytes]:
    windows = ("--slide-seconds", "30", "--train-until", f"2026-01-01T0{LEARNT}:00:00")
    done = run("try", "app.log", *windows, *more, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done


def test_it_says_so_at_its_end(folder: Path) -> None:
    said = (
        f"10 alerts in the last 1.1 days, where 2 a day are promised (by chance up to 6): {REPAIR}"
    )
    assert tried(folder).stdout.decode().splitlines()[-1] == said
    assert tried(folder, "--format", "json").stderr.decode().splitlines()[-1] == said


def test_what_was_labelled_as_real_breaks_no_promise(folder: Path) -> None:
    span = ("--from", "2026-01-01T23:00:00", "--to", "2026-01-02T04:00:00")
    told = ("--reason", "an outage", "--author", "me", "--feedback", "said.toml")
    assert run("label", "real", *span, *told, cwd=folder).returncode == 0
    text = tried(folder, "--feedback", "said.toml").stdout.decode()
    assert "10 alerts (" in text
    assert "promised" not in text
