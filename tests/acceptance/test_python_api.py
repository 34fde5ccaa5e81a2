"""What a program that embeds LogGuard may hand over, and what it is told after a slip."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import log_guard
from tests.acceptance.test_commands import run
from tests.acceptance.test_edges import plain_lines


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "app.log"
    path.write_text("\n".join(plain_lines(20)) + "\n")
    return path


def fed(
    *batches: Any, **options: Any
) -> list[log_guard.Result | log_guard.Alert | log_guard.Ledger]:
    scanner = log_guard.Scanner(**options)
    items: list[log_guard.Result | log_guard.Alert | log_guard.Ledger] = []
    for batch in batches:
        items += scanner.feed(batch)
    return items + scanner.finish()


def shown(items: Any) -> list[object]:
    return [item if isinstance(item, log_guard.Ledger) else item.as_dict() for item in items]


def test_lines_may_be_text_or_bytes_with_their_endings_or_not_or_several_in_one(log: Path) -> None:
    text = log.read_text()
    lines = text.splitlines()
    expected = shown(fed(lines))
    assert any(isinstance(item, dict) and item["kind"] == "alert" for item in expected)
    mixed = [line.encode() if i % 2 else f"{line}\n" for i, line in enumerate(lines)]
    assert shown(fed(mixed)) == expected
    assert shown(fed([text])) == expected
    with log.open("rb") as file:
        assert shown(fed(file)) == expected


def test_text_that_is_no_unicode_is_read_as_a_file_is() -> None:
    lines = [f"{line} \udcff" for line in plain_lines()]
    ledger = fed(lines)[-1]
    assert isinstance(ledger, log_guard.Ledger)
    assert ledger.balanced
    assert ledger.consumed == 1_720


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            "2026-01-01 10:00:00 INFO a",
            "not an object of type str: one line is feed",
        ),
        (b"2026-01-01 10:00:00 INFO a", "not an object of type bytes"),
        (None, "takes a batch of lines, such as a list of str or bytes, not None"),
        (["2026-01-01 10:00:00 INFO a", None], "str or bytes; there is None among them"),
        ([1], "an object of type int among them"),
    ],
)
def test_what_is_no_batch_of_lines_is_refused_whole(lines: Any, said: str) -> None:
    scanner = log_guard.Scanner(format="plain")
    with pytest.raises(TypeError, match=said):
        scanner.feed(lines)
    assert scanner.finish() == [log_guard.Ledger()]


def test_a_finished_scanner_takes_nothing_more() -> None:
    scanner = log_guard.Scanner()
    scanner.feed(plain_lines())
    assert scanner.finish()[-1] == scanner.ledger
    assert scanner.finish() == []
    with pytest.raises(RuntimeError, match="finished: make a new one"):
        scanner.feed(plain_lines())
    assert scanner.ledger.consumed == 1_720


def test_a_scan_is_of_a_path(log: Path) -> None:
    assert shown(log_guard.scan(log)) == shown(log_guard.scan(str(log)))
    wrong: Any
    with log.open() as file:
        for wrong in (file, plain_lines(), None):
            with pytest.raises(TypeError, match=r"takes the path of a log.*feed\(lines\)"):
                log_guard.scan(wrong)
    wrong = "2026-01-01"
    with pytest.raises(TypeError, match="train_until is a datetime, not an object of type str"):
        log_guard.scan(log, train_until=wrong)
    with pytest.raises(log_guard.LogGuardError, match="use one of them"):
        log_guard.scan(log, train_until=datetime(2026, 1, 1, tzinfo=UTC), history=log)
    with pytest.raises(log_guard.LogGuardError, match="above 0"):
        log_guard.scan(log, false_alarms_per_day=0)


def test_a_time_without_a_zone_is_utc(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    naive = datetime(2026, 1, 1, 10, 8)  # noqa: DTZ001 - it is what is tested
    expected = shown(log_guard.scan(log, train_until=naive.replace(tzinfo=UTC)))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert shown(log_guard.scan(log, train_until=naive)) == expected
    finally:
        monkeypatch.undo()
        time.tzset()


def test_feedback_is_heeded_as_on_the_command_line(log: Path) -> None:
    said = ["--template", "order <num> failed | DiskError", "--reason", "known"]
    done = run("suppress", *said, "--author", "me", "--feedback", "f.toml", cwd=log.parent)
    assert done.returncode == 0, done.stderr
    feedback = log.parent / "f.toml"
    for items in (log_guard.scan(log, feedback=feedback), fed(plain_lines(20), feedback=feedback)):
        assert not any(isinstance(item, log_guard.Alert) for item in items)
    with pytest.raises(
        log_guard.LogGuardError, match=r"no such file: no-such.toml \(check the path\)"
    ):
        log_guard.Scanner(feedback="no-such.toml")


def test_a_scanner_takes_a_registry_and_no_model_of_other_windows(log: Path) -> None:
    trained = run("train", "app.log", "--registry", "models", "--service", "x", cwd=log.parent)
    assert trained.returncode == 0, trained.stderr
    models = log.parent / "models"
    assert any(
        isinstance(item, log_guard.Result) and item.model_version
        for item in fed(plain_lines(), model=models, service="x")
    )
    with pytest.raises(log_guard.LogGuardError, match="windows of 30 s by 5 s"):
        log_guard.Scanner(model=models, window_seconds=60)


def test_the_version_is_that_of_the_package() -> None:
    assert log_guard.__version__ == version("logguard")
