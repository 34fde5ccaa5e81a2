"""The commands as a person or a program runs them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.streams import line
from tests.unit.test_cold_start import steady
from tests.unit.test_gate import SECONDS, deafening

ROOT = Path(__file__).parents[2]


def run(
    *arguments: str, cwd: Path | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "log_guard.cli", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    done = run(
        "simulate",
        "--minutes",
        "16",
        "--rate",
        "30",
        "--seed",
        "5",
        "--out",
        "app.log",
        "--truth",
        "truth.json",
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_try_speaks_json(simulated: Path) -> None:
    done = run("try", "app.log", "--format", "json", "--exit-code", cwd=simulated)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    results = [row for row in rows if row["kind"] == "result"]
    ledger = rows[-1]
    assert done.returncode == 3, done.stderr
    assert ledger["kind"] == "ledger"
    assert ledger["consumed"] == len((simulated / "app.log").read_bytes().splitlines())
    assert ledger["consumed"] == sum(v for k, v in ledger.items() if k not in ("kind", "consumed"))
    names = {
        "window_start",
        "window_end",
        "service",
        "revision",
        "final",
        "is_anomaly",
        "anomaly_score",
        "evidence",
    }
    features = {"log_count", "critical_rate", "text_svd_15", "message_anomaly_score"}
    assert names | features <= results[0].keys()
    anomalies = [row for row in results if row["is_anomaly"]]
    assert anomalies
    assert all(row["evidence"]["sentence"] and row["anomaly_score"] >= 0.5 for row in anomalies)
    assert any(row["kind"] == "alert" and row["state"] == "opened" for row in rows)


def test_try_reads_a_pipe_and_speaks_to_people(simulated: Path) -> None:
    done = run("try", "-", stdin=(simulated / "app.log").read_bytes())
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    assert "ALERT 1" in text
    assert "events accounted for" in text
    assert "\x1b" not in text


def test_train_then_try_with_the_model(simulated: Path) -> None:
    assert run("train", "app.log", "--out", "model", cwd=simulated).returncode == 0
    assert run("models", "verify", "model", cwd=simulated).stdout == b"model: sound\n"
    done = run("try", "app.log", "--model", "model", cwd=simulated)
    assert done.returncode == 0, done.stderr
    refused = run("try", "app.log", "--model", "model", "--window-seconds", "60", cwd=simulated)
    assert refused.returncode == 2
    assert b"trained on windows of 30 s" in refused.stderr


def test_a_registry_is_led_from_the_command_line(simulated: Path) -> None:
    def models(*arguments: str) -> str:
        done = run("models", *arguments, cwd=simulated)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    learn = ("train", "app.log", "--registry", "reg")
    first = run(*learn, cwd=simulated)
    assert first.returncode == 0, first.stderr
    assert b"of the history were not normal themselves" in first.stdout
    assert re.search(rb"^promoted 0001-[0-9a-f]{12}$", first.stdout, re.MULTILINE)
    again = run(*learn, cwd=simulated)
    assert again.returncode == 0
    assert b"is what was learnt before" in again.stdout
    other = run(*learn, "--false-alarms-per-day", "0.5", "--force", cwd=simulated)
    assert other.returncode == 0, other.stderr
    assert b"held out" in other.stdout
    listed = models("list", "reg")
    assert re.search(r"^0002-.*CURRENT$", listed, re.MULTILINE)
    assert "promoted 0001-" in listed
    assert models("verify", "reg") == "reg: sound\n"
    back = models("rollback", "reg", "--reason", "too quiet")
    assert back.startswith("rolled back to 0001-")
    assert "too quiet" in models("list", "reg")
    assert run("try", "app.log", "--model", "reg", cwd=simulated).returncode == 0
    assert run("models", "rollback", "reg", cwd=simulated).returncode == 1
    assert run("models", "promote", "reg", "0002", cwd=simulated).returncode == 1


def test_a_worse_model_is_kept_and_not_promoted(tmp_path: Path) -> None:
    for name, events in (("good.log", steady(SECONDS)), ("bad.log", deafening())):
        (tmp_path / name).write_bytes(b"\n".join(line(e) for e in sorted(events)) + b"\n")
    span = ("--from", "2026-01-01T00:58:15", "--to", "2026-01-01T00:59:00")
    said = ("--reason", "an outage", "--author", "me")
    assert run("label", "real", *span, *said, cwd=tmp_path).returncode == 0
    # A slide of 15 s: a third of the windows to explain.
    into = ("--registry", "reg", "--slide-seconds", "15")
    assert run("train", "good.log", *into, cwd=tmp_path).returncode == 0
    learn = ("train", "bad.log", *into, "--feedback", "feedback.toml")
    refused = run(*learn, cwd=tmp_path)
    assert refused.returncode == 1, refused.stderr
    assert b"refused: it finds 0 of 1 labelled incidents, the current one 1\n" in refused.stdout
    listed = run("models", "list", "reg", cwd=tmp_path).stdout.decode()
    assert re.search(r"^0001-.*CURRENT$", listed, re.MULTILINE)
    assert "0002-" in listed
    forced = run(*learn, "--force", cwd=tmp_path)
    assert forced.returncode == 0, forced.stderr
    assert b"promoted 0002-" in forced.stdout
    assert b"forced although it finds" in run("models", "list", "reg", cwd=tmp_path).stdout


def test_summaries_teach_the_same_model_as_their_log(simulated: Path) -> None:
    assert run("summaries", "make", "app.log", "--out", "kept", cwd=simulated).returncode == 0
    for source, out in (("app.log", "from-log"), ("kept", "from-summaries")):
        done = run("train", source, "--out", out, cwd=simulated)
        assert done.returncode == 0, done.stderr
    one, other = (
        {p.name: p.read_bytes() for p in (simulated / name).iterdir()}
        for name in ("from-log", "from-summaries")
    )
    assert one == other
    for wrong, said in (
        (("--slide-seconds", "10"), b"use --slide-seconds 5"),
        (("--group-by", "none"), b"use --group-by service"),
        (("--mask", "a=b"), b"masked already"),
    ):
        refused = run("train", "kept", "--out", "never", *wrong, cwd=simulated)
        assert refused.returncode == 2
        assert said in refused.stderr
    assert run("summaries", "make", "app.log", "--out", "kept", cwd=simulated).returncode == 1


def test_whatif_tells_what_would_go_and_come(simulated: Path) -> None:
    said = ("--reason", "known", "--author", "me", "--feedback", "whatif.toml")
    assert run("suppress", "--matches", "No space", *said, cwd=simulated).returncode == 0
    what = ("whatif", "app.log", "--change", "feedback=whatif.toml", "--labels", "truth.json")
    done = run(*what, cwd=simulated)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert re.match(r"now \d+ alerts?, then \d+: \d+ go, \d+ come, \d+ stay\n", text)
    assert re.search(r"^\d+ +\d+ +/No space/ \(known\)", text, re.MULTILINE)
    done = run(*what, "--change", "detector=surprise", "--format", "json", cwd=simulated)
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    total = rows[-1]
    assert total["kind"] == "whatif"
    assert total["go"] + total["stay"] <= total["now"] + total["then"]
    assert sum(row["kind"] == "alert" for row in rows) == sum(
        total[name] for name in ("go", "come", "stay")
    )
    assert [row["saved"] >= 0 for row in rows if row["kind"] == "suppression"] == [True]


def test_evaluate_learns_only_before_the_test(simulated: Path) -> None:
    done = run(
        "evaluate",
        "app.log",
        "truth.json",
        "--format",
        "json",
        "--results",
        "out.jsonl",
        cwd=simulated,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    truth = json.loads((simulated / "truth.json").read_text())
    ends = [
        json.loads(row)["window_end"] for row in (simulated / "out.jsonl").read_text().splitlines()
    ]
    assert figures["as_configured"]["of"] == len(truth["incidents"])
    assert figures["as_configured"]["found"] >= 1
    assert 0 < figures["bar"]["average_precision"] < 1
    assert figures["bar"]["budgets"].keys() == figures["budgets"].keys()
    assert min(ends) > truth["test_start"][:19]


@pytest.mark.parametrize(
    ("plot", "detectors"),
    [
        ("found.png", ["surprise"]),
        ("found.html", ["surprise", "sklearn.ensemble.IsolationForest"]),
    ],
)
def test_evaluate_compares_detectors_and_draws(
    simulated: Path, plot: str, detectors: list[str]
) -> None:
    truth = json.loads((simulated / "truth.json").read_text())
    truth["name"] = "<script> $\\frac{"  # neither markup nor a formula
    (simulated / "named.json").write_text(json.dumps(truth))
    chosen = [word for name in detectors for word in ("--detector", name)]
    # Windows that do not overlap: a detector of others is asked for each of them.
    paths = ("app.log", "named.json", "--plot", plot, "--results", "each.jsonl")
    how = ("--slide-seconds", "30", "--format", "json")
    done = run("evaluate", *paths, *chosen, *how, cwd=simulated)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(row) for row in done.stdout.splitlines()]
    assert [row["detector"] for row in rows] == detectors
    for row in rows:
        assert row["bar"] == rows[0]["bar"]
        assert row["seconds"] > 0
        assert row["megabytes"] > 10
        assert row["promise"]["most"] >= row["promise"]["expected"] - 1
        name = f"each.{row['detector']}.jsonl" if len(detectors) > 1 else "each.jsonl"
        written = (simulated / name).read_bytes().splitlines()
        assert len(written) == row["verdicts"]
    start = (simulated / plot).read_bytes()[:15]
    assert b"<script>" not in (simulated / plot).read_bytes()
    assert start.startswith(b"\x89PNG" if plot.endswith("png") else b"<!doctype html>")


def test_a_detector_by_import_path_learns_from_a_history(simulated: Path) -> None:
    detector = "sklearn.neighbors.LocalOutlierFactor"
    refused = run("evaluate", "app.log", "truth.json", "--detector", detector, cwd=simulated)
    assert refused.returncode == 2  # it cannot score what it was not fitted on
    learn = ("--history", "app.log", "--detector", "sklearn.svm.OneClassSVM")
    how = ("--slide-seconds", "30", "--format", "json")
    done = run("evaluate", "app.log", "truth.json", *learn, *how, cwd=simulated)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"] > 0


def test_a_detector_of_ones_own_that_fails_ends_evaluate_and_try_with_a_line(
    simulated: Path,
) -> None:
    """It scores its history, and fails later: such windows are not to look normal."""
    (simulated / "mine.py").write_text(
        "class Late:\n"
        "    fitted = False\n"
        "    def fit(self, X): return self\n"
        "    def score_samples(self, X):\n"
        "        if self.fitted: raise KeyError('weights')\n"
        "        self.fitted = True\n"
        "        return X[:, 0]\n"
    )
    for command in (("evaluate", "app.log", "truth.json"), ("try", "app.log")):
        done = run(*command, "--detector", "mine.Late", cwd=simulated)
        assert done.returncode == 1
        assert done.stderr.decode().splitlines()[-1] == (
            "logguard: detector 'mine.Late' cannot score: KeyError: 'weights' (in score_samples, mine.py line 5)"
        )
        assert b"Traceback" not in done.stderr


def test_one_detector_that_fails_takes_no_figures_of_others(simulated: Path) -> None:
    (simulated / "ours.py").write_text(
        "class Flat:\n"
        "    def fit(self, X): pass\n"
        "    def score_samples(self, X): return [0.0] * len(X)\n"
        "class Nan(Flat):\n"
        "    def score_samples(self, X): return [float('nan')] * len(X)\n"
    )
    chosen = ("--detector", "ours.Nan", "--detector", "ours.Flat")
    done = run("evaluate", "app.log", "truth.json", *chosen, "--format", "json", cwd=simulated)
    assert done.returncode == 1
    (row,) = map(json.loads, done.stdout.splitlines())
    assert row["detector"] == "ours.Flat"
    assert row["as_configured"]["found"] == 0  # the score that all windows have is no alarm
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("logguard: detector 'ours.Nan': score_samples was given ")


def test_evaluate_shows_a_table(simulated: Path) -> None:
    done = run("evaluate", "app.log", "truth.json", cwd=simulated)
    text = done.stdout.decode()
    assert done.returncode == 0, done.stderr
    first, promised, header, *_ = text.splitlines()
    assert re.fullmatch(r".*: \d+ incidents, [\d.]+ quiet hours", first)
    assert promised.startswith("promise: 2 false alarms a day, so ")
    assert header.split() == ["fusion", "rule"]
    for figure in ("found at <= 0.1 false/h", "average precision", "peak memory, MB"):
        assert figure in text
    assert max(map(len, text.splitlines())) <= 100


def test_a_person_says_what_is_fine(simulated: Path) -> None:
    said = ("--reason", "known", "--author", "me")
    for arguments in (
        ("suppress", "--matches", ".", *said),
        ("label", "noise", "--from", "2026-01-01", "--to", "2026-01-02", *said),
    ):
        done = run(*arguments, cwd=simulated)
        assert done.returncode == 0, done.stderr
    loud = run("try", "app.log", "--format", "json", cwd=simulated)
    quiet = run("try", "app.log", "--format", "json", "--feedback", "feedback.toml", cwd=simulated)
    alerts = [out.stdout.count(b'"opened"') for out in (loud, quiet)]
    assert alerts[1] < alerts[0]
    before = (simulated / "feedback.toml").read_bytes()
    for wrong, repair in (
        ((), "say which messages: either --template TEXT or --matches REGEX"),
        (
            ("--matches", "("),
            "--matches '(': not a regular expression (missing ), unterminated subpattern at position 0)",
        ),
        (
            ("--matches", ".*"),
            "--matches '.*': fits every message, for it needs nothing to be in one",
        ),
    ):
        refused = run("suppress", *wrong, *said, cwd=simulated)
        assert (refused.returncode, refused.stderr.decode()) == (2, f"logguard: {repair}\n")
    assert (simulated / "feedback.toml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["try", "no-such-file"], 1, b"no-such-file"),
        (["try", "prose.txt"], 1, b"format not recognised"),
        (["try", "timeless.json"], 1, b"--timestamp-field"),
        (["try", "short.log"], 1, b"too little to learn from"),
        (["try", "short.log", "--detector", "magic"], 2, b"no detector 'magic'"),
        (
            ["try", "short.log", "--window-seconds", "30", "--slide-seconds", "7"],
            2,
            b"multiple of the slide",
        ),
        (["try", "short.log", "--mask", "oops"], 2, b"NAME=REGEX"),
        (["try", "short.log", "--model", "."], 1, b"model"),
        (["evaluate", "short.log", "prose.txt"], 1, b"not a labels file, for it is no JSON"),
        (["whatif", "short.log", "--change", "colour=red"], 2, b"names: detector, "),
        (["whatif", "short.log", "--change", "window-seconds=x"], 2, b"no value for it"),
        (["evaluate", "short.log", "truth.json", "--plot", "a.gif"], 2, b"in .png or .html"),
        (["evaluate", "short.log", "truth.json", "--plot", "x/a.png"], 2, b"no directory x; make"),
        (
            ["evaluate", "-", "truth.json", "--detector", "fusion", "--detector", "surprise"],
            2,
            b"standard input and pipes can be read once",
        ),
        (
            ["evaluate", "no-such-file", "truth.json", "--detector", "a.b"],
            2,
            b"'a.b': cannot be imported",
        ),
    ],
)
def test_errors_are_one_line_with_the_repair(
    tmp_path: Path, arguments: list[str], code: int, said: bytes
) -> None:
    (tmp_path / "prose.txt").write_text("Once upon a time\nthere was a log\n")
    truth = '{"test_start": "2026-01-01T00:00:05Z", "end": "2026-01-01T00:01:00Z", "incidents": []}'
    (tmp_path / "truth.json").write_text(truth)
    (tmp_path / "timeless.json").write_text('{"message": "a"}\n' * 20)
    (tmp_path / "short.log").write_text("2026-01-01 00:00:00 INFO a\n2026-01-01 00:00:09 INFO b\n")
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert b"Traceback" not in done.stderr


def test_the_readme_examples_run(simulated: Path) -> None:
    found = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(found) == 2
    code = "\n".join(found)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=simulated, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b" in 30 s in " in done.stdout or b"events" in done.stdout


def test_help_shows_examples_a_line_each() -> None:
    text = run("try", "--help").stdout.decode()
    assert "  logguard try /var/log/syslog\n" in text
    assert "\\b" not in text


def test_a_role_that_is_told_to_end_while_it_is_still_starting_ends_well() -> None:
    # The interpreter tells what it imports: it is known how far it is, and nothing has to be timed.
    command = [sys.executable, "-X", "importtime", "-m", "log_guard.cli", "summarise"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.split()[-1] == b"pydantic":
                break
        process.terminate()
        process.stderr.read()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("module", [b"typer", b"polars"])
def test_ctrl_c_while_it_is_still_starting_shows_no_traceback(module: bytes) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "log_guard.cli", "try", "-"]
    with subprocess.Popen(command, stdin=-1, stderr=-1, stdout=-1) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if line.split()[-1] == module)
        process.send_signal(signal.SIGINT)
        said = [line for line in process.stderr if not line.startswith(b"import time:")]
        assert (process.wait(timeout=30), said) == (130, [])
