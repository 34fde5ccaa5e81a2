"""What a first user reads, and is told after a slip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.test_commands import run
from tests.acceptance.test_model_commands import write
from tests.unit.test_cold_start import steady
from tests.unit.test_gate import burst


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("first")
    write(place / "app.log", steady(1_500) + burst(1_080, "disk lost"))
    return place


def test_the_report_says_what_was_learnt_and_from_whom(folder: Path) -> None:
    done = run("try", "app.log", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines() == [
        "app.log: json lines, 2026-01-01 00:00:00 to 2026-01-01 00:24:59 UTC; learning from the first 5,050 of "
        "15,100 events, until 2026-01-01 00:08:25"
    ]
    *_, alerts, services, vouched, accounts = done.stdout.decode().splitlines()
    assert alerts.startswith("1 alert (")
    assert services == "services: queue, db, api"
    assert vouched == (
        "learnt from 8 min: too short to promise 2 false alarms a day (that takes 12 hours); expect more"
    )
    assert accounts == "all 15,100 events accounted for: 15,100 scored"


def test_a_history_that_vouches_for_what_is_asked_is_not_spoken_of(folder: Path) -> None:
    done = run("try", "app.log", "--false-alarms-per-day", "200", cwd=folder)
    assert b"too short to promise" not in done.stdout


def test_many_services_are_named_in_part(tmp_path: Path) -> None:
    events = [e._replace(service=f"s{i}") for i in range(7) for e in steady(700)[:: 7 - i]]
    write(tmp_path / "app.log", events)
    assert b"\nservices: s6, s5, s4 and 4 more\n" in run("try", "app.log", cwd=tmp_path).stdout


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_judged_is_said_to_be(folder: Path, form: str) -> None:
    log = (folder / "app.log").read_bytes()
    done = run("try", "-", "--train-until", "2030-01-01", "--format", form, stdin=log)
    said = "nothing was judged: the log ends at 2026-01-01 00:24:59, before 2030-01-01 00:00:00"
    assert said in (done.stdout if form == "text" else done.stderr).decode()
    if form == "text":
        *_, accounts = done.stdout.decode().splitlines()
        assert accounts.endswith(": 15,100 in windows, none of which was judged")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ("try", "app.log.1", "my app.log"),
            2,
            "logguard: one log at a time: learn from the older one (logguard try 'my app.log' --history app.log.1), "
            "or join them, oldest first (zcat -f app.log.1 'my app.log' | logguard try -)",
        ),
        (
            ("try", "kept"),
            1,
            "logguard: kept: these are summaries, not a log: `logguard whatif` judges them, `logguard train` and "
            "--history learn from them",
        ),
        (
            ("try", "app.log", "--mask", "X=("),
            2,
            "logguard: mask X: not a regular expression (unclosed group)",
        ),
        (
            ("try", "plain.log", "--service-field", "host"),
            2,
            "logguard: --service-field host: plain lines have no fields; leave it out",
        ),
        (
            ("evaluate", "app.log", "no-such.json"),
            1,
            "logguard: no-such.json: No such file or directory; name a labels file (what is in one: "
            "`logguard evaluate --help`; `logguard simulate --truth FILE` writes one)",
        ),
    ],
)
def test_a_slip_gets_one_line_with_the_repair(
    folder: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    (folder / "plain.log").write_text("2026-01-01 00:00:00 INFO a\n" * 20)
    if not (folder / "kept").exists():
        assert run("summaries", "make", "app.log", "--out", "kept", cwd=folder).returncode == 0
    done = run(*arguments, cwd=folder)
    assert (done.returncode, done.stderr.decode().strip()) == (code, said)


def test_a_field_that_no_record_has_is_told(tmp_path: Path) -> None:
    record = {"time": "2026-01-01T00:%02d:%02dZ", "msg": "a", "host": {"name": "x"}, "lvl": None}
    lines = [json.dumps(record) % (i // 60, i % 60) for i in range(1_000)]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    options = ("--service-field", "hots", "--message-field", "msg", "--group-by", "host.nam")
    done = run("try", "app.log", *options, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.decode().splitlines()[:-1] == [
        f"logguard: app.log: {wrong}; their fields: host.name, lvl, msg, time"
        for wrong in (
            "--service-field hots: in none of the first 200 records",
            "--group-by host.nam: in none of the first 200 records, and so all are judged as one",
        )
    ]
    one = run("try", "app.log", "--group-by", "host", cwd=tmp_path).stderr
    assert one.count(b"--group-by host: in none of the first 200 records, and so all are") == 1
    fitting = ("--service-field", "host.name", "--group-by", "service,host.name")
    assert b"in none of" not in run("try", "app.log", *fitting, cwd=tmp_path).stderr


@pytest.mark.parametrize("command", [("try", "app.log"), ("try", "app.log", "--format", "json")])
def test_a_closed_pipe_ends_quietly(folder: Path, command: tuple[str, ...]) -> None:
    """As after ``| head``: 128 + SIGPIPE, which a shell takes for no failure of ours."""
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "log_guard.cli", *command]
    try:
        done = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE, cwd=folder, check=False)
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert all(row.startswith(b"app.log: json lines") for row in done.stderr.splitlines())


def test_simulate_says_what_it_wrote(tmp_path: Path) -> None:
    done = run("simulate", "--minutes", "2", "--rate", "5", "--out", "s.log", cwd=tmp_path)
    events = (tmp_path / "s.log").read_bytes().count(b"\n")
    assert done.stdout == b""
    assert done.stderr.decode().startswith(f"s.log: {events:,} events, ")
    assert done.stderr.decode().endswith("; labels not kept (--truth FILE)\n")
    labelled = run("simulate", "--minutes", "2", "--truth", "t.json", cwd=tmp_path)
    count = len(json.loads((tmp_path / "t.json").read_text())["incidents"])
    what = "incident" if count == 1 else "incidents"
    assert labelled.stderr.decode().endswith(f" events, {count} {what}; labels in t.json\n")
    assert labelled.stderr.decode().startswith("standard output: ")


def test_a_burst_is_about_a_service(folder: Path) -> None:
    """The times that the Python API gives are those that people read."""
    code = (
        "import log_guard\n"
        "for item in log_guard.scan('app.log'):\n"
        "    if isinstance(item, log_guard.Alert) and item.state == 'resolved':\n"
        "        print(item.started_at.isoformat(), item.opened_at - item.started_at, item.service)\n"
        "    if isinstance(item, log_guard.Result):\n"
        "        assert (item.ended_at - item.started_at).total_seconds() == 30\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=folder, check=False
    )
    assert done.stderr == b""
    (row,) = done.stdout.decode().splitlines()
    assert row.startswith("2026-01-01T00:17:3")
    assert row.endswith("+00:00 0:00:30 db")


def test_what_was_not_normal_in_the_first_part_is_said_not_to_be_reported(tmp_path: Path) -> None:
    write(tmp_path / "app.log", steady(5_400) + burst(900, "disk lost"))
    said = run("try", "app.log", cwd=tmp_path).stdout.decode().splitlines()[-1]
    assert "of what was learnt from" in said
    assert "at 2026-01-01T00:15:" in said
    assert said.endswith("not reported, and the trouble in it was not learnt")
