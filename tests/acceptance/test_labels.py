"""Labels that do not fit a log, and how the figures are worded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.acceptance.test_commands import run
from tests.acceptance.test_model_commands import write
from tests.unit.test_cold_start import steady
from tests.unit.test_gate import burst

SPAN = "2026-01-01 00:00:00 to 2026-01-01 00:24:5"


def labels(path: Path, day: int, *minutes: int) -> None:
    """An incident of a minute at each of these, and a test span from 12 to 24 minutes past midnight."""
    stamp = f"2026-01-{day:02d}T00:%02d:00"
    incidents = [{"id": str(m), "start": stamp % m, "end": stamp % (m + 1)} for m in minutes]
    truth = {"test_start": stamp % 12, "end": stamp % 24, "incidents": incidents}
    path.write_text(json.dumps(truth))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("labels")
    write(place / "app.log", steady(1_500) + burst(1_080, "disk lost"))
    labels(place / "fitting.json", 1, 18, 30)
    labels(place / "next-day.json", 2, 18)
    return place


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate", "app.log", "next-day.json"),
        ("whatif", "app.log", "--change", "detector=novelty", "--labels", "next-day.json"),
    ],
)
def test_labels_of_another_log_are_refused(folder: Path, command: tuple[str, ...]) -> None:
    done = run(*command, cwd=folder)
    assert done.returncode == 1
    (said,) = done.stderr.decode().splitlines()
    assert said.startswith(f"logguard: app.log: its events are of {SPAN}")
    assert "but the labels of 2026-01-02 00:1" in said
    assert "are they of this log?" in said


def test_incidents_outside_of_the_log_are_told(folder: Path) -> None:
    told = f"1 incident lies outside of the log ({SPAN}"
    what = ("whatif", "app.log", "--change", "detector=novelty", "--labels", "fitting.json")
    done = run(*what, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert told in done.stdout.decode()
    assert done.stdout.startswith(b"now 1 alert, then 1: 0 go, 0 come, 1 stay\n")


def test_evaluate_counts_what_can_be_found_and_says_what_it_leaves_out(folder: Path) -> None:
    """In the history; in what is judged; after the end of the labelled span, and of the log."""
    labels(folder / "around.json", 1, 3, 18, 30)
    done = run("evaluate", "app.log", "around.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines() == [
        "1 incident lies before test_start and is not counted",
        "1 incident lies outside of what is judged (2026-01-01 00:12:00 to 2026-01-01 00:24:00 UTC) and is not counted",
    ]
    assert done.stdout.decode().splitlines()[0] == "around: 1 incident, 0.16 quiet hours"
    done = run("evaluate", "app.log", "around.json", "--format", "json", cwd=folder)
    assert json.loads(done.stdout)["as_configured"]["of"] == 1
    assert json.loads(done.stdout)["remark"] == "; ".join(done.stderr.decode().splitlines())


def test_no_time_is_quiet_where_the_log_is_not(folder: Path) -> None:
    truth = {"test_start": "2025-12-31T23:00", "end": "2026-01-01T12:00", "incidents": []}
    (folder / "wide.json").write_text(json.dumps(truth))
    done = run("evaluate", "app.log", "wide.json", "--history", "app.log", cwd=folder)
    assert done.returncode == 0, done.stderr
    told, none, learnt = done.stderr.decode().splitlines()
    assert learnt.startswith("the history (2026-01-01 00:00:00 to 2026-01-01 00:25:00 UTC)")
    assert learnt.endswith("if it holds events of this log, it has learnt what is judged here")
    assert told.startswith(
        "the labels are of 2025-12-31 23:00:00 to 2026-01-01 12:00:00 UTC, the log of 2026-01-01 00:00:00 to 2026-01-01"
    )
    assert told.endswith(": only 2026-01-01 00:00:00 to 2026-01-01 00:25:00 UTC is judged")
    assert none == "there is no incident to find: only false alarms are counted"
    assert done.stdout.decode().splitlines()[0] == "wide: 0 incidents, 0.42 quiet hours"
    refused = run("evaluate", "app.log", "wide.json", cwd=folder)
    assert refused.returncode == 1
    assert refused.stderr.decode() == (
        "logguard: app.log: no event is before test_start (2025-12-31 23:00:00) to learn from, the first is of "
        "2026-01-01 00:00:00: use a later test_start, or --history EVENTS\n"
    )


def test_all_to_be_ignored_is_told(folder: Path) -> None:
    labels(folder / "ignored.json", 1, 18)
    truth = json.loads((folder / "ignored.json").read_text())
    truth["ignore"] = [{"start": truth["test_start"], "end": truth["end"]}]
    (folder / "ignored.json").write_text(json.dumps(truth))
    done = run("evaluate", "app.log", "ignored.json", cwd=folder)
    assert done.stderr.decode().splitlines() == [
        "no time is quiet, outside of incidents and spans to ignore: false alarms cannot be counted"
    ]


def test_times_of_labels_are_utc_wherever_they_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    done = run("evaluate", "app.log", "fitting.json", "--format", "json", cwd=folder)
    assert json.loads(done.stdout)["as_configured"]["found"] == 1


def test_the_promise_is_explained_and_each_detector_announced(folder: Path) -> None:
    """Without labels, the burst is a false alarm."""
    labels(folder / "none.json", 1)
    chosen = ("--detector", "fusion", "--detector", "novelty")
    done = run("evaluate", "app.log", "none.json", *chosen, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().splitlines() == [
        "judging: fusion (1 of 2)",
        "judging: novelty (2 of 2)",
        "there is no incident to find: only false alarms are counted",
    ]
    lines = done.stdout.decode().splitlines()
    assert lines[1] == (
        "promise: 2 false alarms a day, so 0.017 in these quiet hours; more than 0 breaks it (95 %)"
    )
    assert lines[3].split()[-3:] == ["-", "-", "-"]  # there is nothing to find
    row = next(line for line in lines if line.startswith("  false alarms"))
    assert row.split("  ")[1] == "false alarms (promise: <= 0)"
    assert "1 (broken)" in row


def test_a_false_alarm_that_is_part_of_a_true_alert_is_explained(folder: Path) -> None:
    """The burst is labelled half a minute late: one alert, of which the first windows are false alarms."""
    labels(folder / "late.json", 1, 18)
    truth = (folder / "late.json").read_text().replace("T00:18:00", "T00:18:30")
    (folder / "late.json").write_text(truth)
    done = run("evaluate", "app.log", "late.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    rows = {row[0]: row[1] for row in (re.split("  +", line.strip()) for line in lines) if row[1:]}
    assert rows["false alarms (promise: <= 0)"] == "1 (broken)"
    assert rows["alerts, of them in quiet time only"] == "1, 0"
    golden = Path(__file__).with_name("golden") / "evaluate_legend.txt"
    legend = golden.read_text().splitlines()
    at = lines.index(legend[0])
    assert lines[at : at + len(legend)] == legend


def test_what_each_suppression_saves_and_hides_is_told(folder: Path) -> None:
    told = ("--author", "me", "--feedback", "said.toml")
    for what in (
        ("--template", "disk lost", "--service", "db", "--reason", "wrongly"),
        ("--matches", "^[red]nothing[/]", "--reason", "of old"),
    ):
        done = run("suppress", *what, *told, cwd=folder)
        assert done.returncode == 0, done.stderr
    command = ("evaluate", "app.log", "fitting.json", "--feedback", "said.toml")
    done = run(*command, cwd=folder)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    golden = Path(__file__).with_name("golden") / "evaluate_suppressions.txt"
    assert text[text.index("\nfusion: what each") :] == golden.read_text()
    done = run(*command, "--format", "json", cwd=folder)
    figures, *rows = (json.loads(row) for row in done.stdout.splitlines())
    assert figures["kind"] == "evaluation"
    assert [(r["kind"], r["detector"], r["template"], r["saved"], r["hid"]) for r in rows] == [
        ("suppression", "fusion", "disk lost", 1, ["18"]),
        ("suppression", "fusion", "", 0, []),
    ]
    piped = (folder / "app.log").read_bytes()
    refused = run("evaluate", "-", *command[2:], cwd=folder, stdin=piped)
    assert refused.returncode == 2
    assert b"can be read once" in refused.stderr
