"""A disk that is full: the line that ends a command names the file that could not be written."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.test_edges import plain_lines

FULL = "/dev/full: cannot be written (No space left on device)"


def run(*arguments: str, cwd: Path, file_bytes: int = -1) -> subprocess.CompletedProcess[str]:
    """``file_bytes``: files may grow to this size, as on a disk that has no more room."""

    def bounded() -> None:
        if file_bytes >= 0:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    command = [sys.executable, "-m", "log_guard.cli", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, check=False, preexec_fn=bounded
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log with a dead letter, and labels for it."""
    place = tmp_path_factory.mktemp("full")
    (place / "app.log").write_text("\n".join(["a banner", *plain_lines(14)]) + "\n")
    span = {"start": "2026-01-01T10:13:50Z", "end": "2026-01-01T10:14:00Z"}
    truth = {"test_start": "2026-01-01T10:07:00Z", "end": "2026-01-01T10:14:00Z"}
    labels = {**truth, "incidents": [{"id": "disk", **span}], "ignore": []}
    (place / "labels.json").write_text(json.dumps(labels))
    return place


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("try app.log --dead-letters /dev/full", FULL),
        ("evaluate app.log labels.json --results /dev/full", FULL),
        ("simulate --minutes 2 --out /dev/full", FULL),
        ("simulate --minutes 2 --out s.log --truth /dev/full", FULL),
    ],
)
def test_the_file_is_named(folder: Path, arguments: str, named: str) -> None:
    done = run(*arguments.split(), cwd=folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"logguard: {named}"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("summaries make app.log --out kept", "cannot write the summaries to {}/kept"),
        ("train app.log --out model", "cannot write the model to {}/model"),
    ],
)
def test_the_directory_is_named(folder: Path, arguments: str, named: str) -> None:
    done = run(*arguments.split(), cwd=folder, file_bytes=100)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"logguard: {named.format(folder)}: File too large (make room")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == []
