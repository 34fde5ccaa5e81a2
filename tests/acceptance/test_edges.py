"""What a log at the edge of what is understood is told, instead of a silent miss."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import log_guard
from log_guard.app.pipeline import Output
from log_guard.app.seen import Seen
from log_guard.core.features import FEATURES
from log_guard.core.results import Result
from tests.acceptance.test_commands import run


def json_log(path: Path, level: str, message: str, count: int = 1_200) -> None:
    """Twenty quiet minutes, then an error that was never there, in fields of these names."""
    with path.open("w") as file:
        for i in range(count):
            bad = i > count - 90
            record = {
                "when": 1_767_225_600.5 + i,
                level: "E" if bad else "I",
                message: "disk full" if bad else f"Order {i} placed",
            }
            file.write(json.dumps(record) + "\n")


def test_for_a_message_that_is_not_found_stand_the_other_fields(tmp_path: Path) -> None:
    json_log(tmp_path / "odd.json", "gravity", "saying")
    when = ("--timestamp-field", "when")
    done = run("try", "odd.json", *when, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines()[0] == (
        "logguard: odd.json: no message and no level and no service found in the first 200 records; all other fields, "
        "as key=value, stand for the message (--message-field NAME, --level-field NAME, --service-field NAME names "
        "one); their fields: gravity, saying, when"
    )
    assert """'gravity=E saying="disk full"' """ in done.stdout.decode()
    named = run("try", "odd.json", *when, "--message-field", "saying", cwd=tmp_path)
    assert b"disk full" in named.stdout
    json_log(tmp_path / "short.json", "sev", "txt")
    assert b"ERROR 'disk full'" in run("try", "short.json", *when, cwd=tmp_path).stdout


def plain_lines(minutes: int = 7) -> list[str]:
    """Four lines a second; in the last ten seconds a trace of two lines after each."""
    out = []
    for i in range(minutes * 240):
        stamp = f"2026-01-01 10:{i // 240:02d}:{i // 4 % 60:02d}"
        out.append(f"{stamp} INFO Order {i} placed")
        if i >= minutes * 240 - 40:
            out += [f"{stamp} ERROR order {i} failed", "Traceback:", "DiskError: full"]
    return out


@pytest.mark.parametrize("size", [70, 10_000])
def test_a_scanner_recognises_what_it_is_fed_and_joins_traces(size: int) -> None:
    lines = ["# a banner", *plain_lines()]
    scanner = log_guard.Scanner()
    items: list[object] = []
    for at in range(0, len(lines), size):
        items += scanner.feed(lines[at : at + size])
    items += scanner.finish()
    alerts = [item for item in items if isinstance(item, log_guard.Alert)]
    assert "order <num> failed | DiskError" in alerts[0].evidence.sentence
    assert alerts[0].onset_at == datetime(2026, 1, 1, 10, 6, 50, tzinfo=UTC)
    assert alerts[0].onset_at > alerts[0].started_at
    ledger = scanner.ledger
    assert (ledger.consumed, ledger.dead_lettered, ledger.balanced) == (1_721, 1, True)


def test_a_scanner_does_not_guess(tmp_path: Path) -> None:
    scanner = log_guard.Scanner()
    assert scanner.feed(["once upon a time"] * 30) == []
    with pytest.raises(log_guard.LogGuardError, match="format not recognised"):
        scanner.feed(["there was a log"] * 200)
    short = log_guard.Scanner()
    short.feed(plain_lines()[:3])
    short.finish()
    assert (short.ledger.consumed, short.ledger.dead_lettered) == (3, 0)


def test_a_file_that_is_to_come_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    command = [sys.executable, "-m", "log_guard.cli", "try", "app.log", "--follow"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1) as following:
        assert following.stderr is not None
        assert following.stdout is not None
        waits = following.stderr.readline()
        path.write_text("")
        path.write_text("\n".join(plain_lines()) + "\n")
        opening = following.stderr.readline()
        alert = next(line for line in following.stdout if line.startswith(b"ALERT"))
        following.send_signal(signal.SIGINT)
        rest = following.stdout.read().decode()
    assert waits == b"app.log: no lines in it yet; waiting for them\n"
    assert opening.endswith(b"learning from the first 5 minutes\n")
    assert alert.startswith(b"ALERT 1  2026-01-01 10:06:50")
    assert "all 1,720 events accounted for" in rest


@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_ctrl_c_ends_a_pipe_as_its_end_would(follow: list[str]) -> None:
    after = [line.replace(" 10:", " 11:") for line in plain_lines(59) if "Order" in line]
    command = [sys.executable, "-m", "log_guard.cli", "try", "-", "--exit-code", *follow]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1) as reading:
        assert reading.stdin is not None
        assert reading.stdout is not None
        reading.stdin.write("\n".join([*plain_lines(), *after, ""]).encode())
        reading.stdin.flush()
        first = next(line for line in reading.stdout if line.startswith(b"ALERT"))
        reading.send_signal(signal.SIGINT)
        rest = reading.stdout.read().decode()  # while the pipe into it is still open
        assert reading.wait(timeout=30) == 3
    assert first.startswith(b"ALERT 1  2026-01-01 10:06:50")
    assert "(--service NAME gives it a name)\n" in rest
    assert re.search(r"\nall ([0-9,]+) events accounted for: \1 scored\n$", rest)


@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_while_a_file_is_read_shows_no_traceback(tmp_path: Path, presses: int) -> None:
    lines = plain_lines(59)
    hours = (line.replace(" 10:", f" {hour}:") for hour in range(10, 20) for line in lines)
    (tmp_path / "app.log").write_text("\n".join(hours))
    command = [sys.executable, "-m", "log_guard.cli", "try", "app.log"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=-1, stderr=-1) as reading:
        assert reading.stderr is not None
        opening = reading.stderr.readline()
        for _ in range(presses):
            reading.send_signal(signal.SIGINT)
        rest = reading.stderr.read()
        assert reading.wait(timeout=30) in (130, -signal.SIGINT)
    assert opening.startswith(b"app.log: plain lines")
    assert rest == b""


def test_a_window_that_is_judged_again_and_again_counts_once() -> None:
    seen = Seen()
    early = judged(is_anomaly=True, start=0)
    for results in (
        [early],
        [early, judged(is_anomaly=False, start=5)],
        [judged(is_anomaly=True, start=5)],
    ):
        seen.take(Output(results=results))
    assert (seen.windows, seen.anomalies) == (2, 2)
    seen.take(Output(results=[judged(is_anomaly=False, start=0)]))
    assert (seen.windows, seen.anomalies) == (2, 1)


def judged(*, is_anomaly: bool, start: int) -> Result:
    features = np.zeros(len(FEATURES))
    return Result(start, start + 30, "api", 1, False, is_anomaly, 0.9, features)


def test_what_was_reported_is_not_said_to_be_unreported(tmp_path: Path) -> None:
    """A piped log is learnt from again while it is judged, its incident with it."""
    lines = plain_lines(7) + [line.replace(" 10:", " 11:") for line in plain_lines(10)]
    done = run("try", "-", stdin="\n".join(lines).encode())
    assert b"ALERT 1" in done.stdout
    assert b"not reported" not in done.stdout
