"""What a newcomer stumbles over: each mistake gets one line that names the repair."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.test_commands import run


def plain(minutes: float = 20, first: int = 0) -> list[str]:
    """A quiet log, five lines a second."""
    return [
        f"2026-01-01 10:{i // 300:02d}:{i // 5 % 60:02d} INFO Order {i} placed"
        for i in range(first, int(minutes * 300))
    ]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "app.log"
    path.write_text("\n".join(plain()) + "\n")
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["--timezone", "Mars"],
            2,
            "logguard: --timezone 'Mars': use an IANA name such as UTC or Europe/Berlin",
        ),
        (
            ["--train-until", "yesterday"],
            2,
            "Usage: logguard try [OPTIONS] {FILE|-}\nTry 'logguard try -h' for help.\n\n"
            "Error: Invalid value for '--train-until': 'yesterday' is no time: write one as 2026-01-31T12:00:00Z",
        ),
        (
            ["--train-until", "2020-01-01"],
            2,
            "logguard: --train-until 2020-01-01 00:00:00: the log begins later, at 2026-01-01 10:00:00; name a time within "
            "it, or leave it out to learn from its first third",
        ),
        (
            ["--train-until", "2027-01-01"],
            2,
            "logguard: --train-until 2027-01-01 00:00:00: the log ends before, at 2026-01-01 10:19:59, and nothing would be "
            "judged; name a time within it, or leave it out to learn from its first third",
        ),
        (
            ["--feedback", "no-such.toml"],
            1,
            "logguard: no such file: no-such.toml (check the path)",
        ),
        (
            ["--only", "alert"],
            2,
            "logguard: --only chooses among the objects of --format json: add that, or leave it out",
        ),
        (["--mask", "x=("], 2, "logguard: mask x: not a regular expression (unclosed group)"),
    ],
)
def test_a_wrong_option_is_one_line(log: Path, arguments: list[str], code: int, said: str) -> None:
    done = run("try", str(log), *arguments)
    shown = done.stderr.decode().strip().replace("python -m log_guard.cli", "logguard")
    assert (done.returncode, shown) == (code, said)


def test_a_time_may_name_its_zone(log: Path) -> None:
    until = [
        run("try", str(log), "--train-until", text).stderr
        for text in ("2026-01-01T12:10:00+02:00", "2026-01-01T10:10:00Z", "2026-01-01 10:10")
    ]
    assert len(set(until)) == 1
    assert b"learning until 2026-01-01 10:10:00" in until[0]


def test_text_that_is_called_json_is_none(log: Path) -> None:
    done = run("try", str(log), "--input-format", "json")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"logguard: {log}: no line of it is JSON; leave --input-format out, and its format is recognised; "
        "the first line is '2026-01-01 10:00:00 INFO Order 0 placed'\n"
    )


def test_lines_that_end_in_a_carriage_return_alone_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mac.log"
    path.write_text("\r".join(plain()))
    done = run("try", str(path))
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"logguard: {path}: its lines end in a carriage return alone, as on old Macs, and so it is one line: "
        "tr '\\r' '\\n' < FILE | logguard try -\n"
    )


def test_of_json_only_what_is_asked_for_is_written_and_the_ledger(log: Path) -> None:
    trouble = [f"2026-01-01 10:15:{i:02d} ERROR Disk {i} lost by its controller" for i in range(30)]
    text = "\n".join(sorted([*plain(), *trouble, "no time"])).encode()

    def written(*only: str) -> list[str]:
        done = run("try", "-", "--format", "json", *only, stdin=text)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode().splitlines()

    everything = written()
    for kinds in (["alert"], ["alert", "dead_letter"]):
        wanted = [line for line in everything if json.loads(line)["kind"] in (*kinds, "ledger")]
        assert written(*(word for kind in kinds for word in ("--only", kind))) == wanted
        assert len(wanted) > len(kinds)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's device that is always full")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_disk_is_one_line(log: Path, form: str) -> None:
    command = [sys.executable, "-m", "log_guard.cli", "try", str(log), "--format", form]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == (
        "logguard: No space left on device (while reading or writing)"
    )


def test_a_log_newest_first_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "newest.log"
    path.write_text("\n".join(reversed(plain())) + "\n")
    repair = "is the log sorted newest first? Turn it round (tac FILE | logguard try -)"
    done = run("try", str(path))
    assert done.returncode == 1
    assert done.stderr.decode() == f"logguard: {path}: its times go backwards; {repair}\n"
    piped = run("try", "-", stdin=path.read_bytes())
    assert piped.stderr.decode() == f"logguard: standard input: its times go backwards; {repair}\n"


def test_a_pipe_that_ends_before_it_was_learnt_from_says_so(log: Path) -> None:
    done = run("try", "-", "--train-until", "2027-01-01", stdin=log.read_bytes())
    assert done.stdout.decode().strip().splitlines()[0] == (
        "nothing was judged: the log ends at 2026-01-01 10:19:59, before 2027-01-01 00:00:00, up to "
        "which it was to be learnt from; use an earlier --train-until"
    )


def test_all_dead_letters_are_in_the_last_line(log: Path, tmp_path: Path) -> None:
    """Six reasons are more than are listed, but the figures add up."""
    good = '{"time":"2026-01-01T10:%02d:%02dZ","msg":"Order placed"}'
    lines = [good % (i // 60, i % 60) for i in range(1200)]
    bad = [
        "",
        "[1]",
        "{",
        '{"msg":"x"}',
        '{"time":"never","msg":"x"}',
        '{"a":' * 3000 + "1" + "}" * 3000,
    ]
    path = tmp_path / "bad.jsonl"
    path.write_text("\n".join([*lines, *bad, *bad[:5], lines[-1]]) + "\n")
    done = run("try", str(path))
    assert done.stdout.decode().splitlines()[-1] == (
        "all 1,212 events accounted for: 1,201 scored, 11 dead letters (empty line: 2, invalid JSON: 2, "
        "no timestamp: 2, not a JSON object: 2, unreadable timestamp: 2, other reasons: 1)"
    )


def test_times_without_a_year_end_when_the_file_was_written(tmp_path: Path) -> None:
    """December read in January is of the year before, and the report says which year was taken."""
    path = tmp_path / "syslog"
    new_year = datetime(2025, 12, 31, 23, 50, tzinfo=UTC)
    times = [new_year + timedelta(seconds=i) for i in range(1200)]
    path.write_text("".join(f"{t:%b %e %H:%M:%S} host cron[1]: job done\n" for t in times))
    os.utime(path, (times[-1].timestamp(),) * 2)
    opening = run("try", str(path)).stderr.decode()
    assert "2025-12-31 23:50:00 to 2026-01-01 00:09:59 UTC" in opening
    assert "(no year in its times: taken to end in 2026; --year YEAR sets it)" in opening
    done = run("try", str(path), "--year", "2020")
    assert "2019-12-31 23:50:00 to 2020-01-01 00:09:59 UTC" in done.stderr.decode()
    assert done.stdout.decode().splitlines()[-1] == "all 1,200 events accounted for: 1,200 scored"


def test_a_line_of_another_year_at_the_end_does_not_stretch_the_span(
    log: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stray.log"
    path.write_text(log.read_text() + "2030-01-01 00:00:00 INFO stray\n")
    assert "2026-01-01 10:00:00 to 2026-01-01 10:19:59 UTC" in run("try", str(path)).stderr.decode()


def test_a_log_that_is_written_to_once_a_year_spans_years(tmp_path: Path) -> None:
    path = tmp_path / "rare.log"
    lines = [line.replace("2026", year) for year in ("2024", "2026") for line in plain(1)]
    path.write_text("\n".join(lines[:-250]) + "\n")
    assert "2024-01-01 10:00:00 to 2026-01-01 10:00:09 UTC" in run("try", str(path)).stderr.decode()


def test_what_is_not_recognised_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "clock.log"
    path.write_text("10:00:00 INFO no date, password=hunter2 \x1b[31m\n")
    done = run("try", str(path))
    assert done.stderr.decode() == (
        f"logguard: {path}: format not recognised; looked for json, log4j-xml, container, cri, nginx, logfmt, syslog, plain, prefixed. "
        "Each event needs a date and a time of day, among the first words of its line or in a JSON field; "
        "its first line is '10:00:00 INFO no date, password=<secret>  [31m'\n"
    )


def test_what_a_suppression_did_is_told_and_where_it_fits_nothing(
    log: Path, tmp_path: Path
) -> None:
    feedback = ("--feedback", str(tmp_path / "feedback.toml"))
    for template in ("Order <id> placed", "Order <num> placed"):
        run("suppress", "--template", template, "--reason", "test", "--author", "me", *feedback)
    done = run("try", str(log), *feedback)
    assert done.stdout.decode().splitlines()[-4:] == [
        "all 6,000 events accounted for: 6,000 scored",
        "the suppression of 'Order <id> placed' fits no message of this log (write the template as an alert shows it)",
        "suppressed 'Order <num> placed' (test): 3,975 events were not judged",
        "how many alerts each suppression saves: logguard whatif LOG --change feedback=FILE",
    ]


def test_a_format_that_nobody_read_is_remarked_upon(tmp_path: Path) -> None:
    log = tmp_path / "two.log"
    said = (
        '{"timestamp":"2026-01-01T00:MM:SSZ","level":"info","service":"a","message":"m"}\nplain\n'
    )
    times = (divmod(second, 60) for second in range(1200))
    log.write_text(
        "".join(said.replace("MM", f"{m:02}").replace("SS", f"{s:02}") for m, s in times)
    )
    done = run("try", str(log))
    assert done.returncode == 0
    assert b"1,200 of 2,400 records could not be read as json and were not judged" in done.stdout


def test_a_gzip_that_is_cut_off_is_judged_as_far_as_it_goes(tmp_path: Path) -> None:
    trouble = [f"2026-01-01 10:15:{i:02d} ERROR Disk {i} lost by its controller" for i in range(30)]
    log = tmp_path / "app.log.gz"
    log.write_bytes(gzip.compress("\n".join(sorted([*plain(), *trouble])).encode())[:-20])
    done = run("try", str(log))
    assert done.returncode == 1
    assert b"ALERT 1" in done.stdout
    assert b"events accounted for" in done.stdout.splitlines()[-1]
    assert b"cannot be unpacked beyond byte" in done.stderr.splitlines()[-1]


def test_a_gzip_that_is_cut_off_and_too_short_is_said_to_be_both(tmp_path: Path) -> None:
    log = tmp_path / "app.log.gz"
    log.write_bytes(gzip.compress("\n".join(plain(3)).encode())[:-20])
    done = run("try", str(log))
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert b"app.log.gz cannot be unpacked beyond byte" in said
    assert b"(it ends too early): what came before was read; copy or compress it again" in said
    assert b"of what was read, the log spans" in said


@pytest.mark.parametrize("end", ["2026-01-01 10:20:00,", "  torn frame of the event be"])
def test_the_line_at_which_a_gzip_was_cut_off_is_no_event(tmp_path: Path, end: str) -> None:
    log, letters = tmp_path / "app.log.gz", tmp_path / "dead.jsonl"
    packed = gzip.compress("\n".join([*plain(), end]).encode())
    log.write_bytes(
        packed[:-8]
    )  # without the trailer: all text is there, and it is not known that it is all
    done = run("try", str(log), "--dead-letters", str(letters))
    assert (done.returncode, b"ALERT" in done.stdout) == (1, False)
    (letter,) = map(json.loads, letters.read_text().splitlines())
    assert (letter["reason"], letter["position"], letter["raw"]) == ("cut off", 6_001, end)
