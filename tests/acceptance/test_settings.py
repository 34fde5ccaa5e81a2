"""One name everywhere: option, environment, file; what wins, what is said, and what never is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from log_guard.cli.commands import run

Process = subprocess.Popen[str]


def started(*command: str, **environment: str) -> Process:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("LOGGUARD_")}
    return subprocess.Popen(
        [sys.executable, "-m", "log_guard.cli", *command],
        env={**plain, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def logguard(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    with started(*command, **environment) as process:
        out, said = process.communicate()
    return subprocess.CompletedProcess(process.args, process.returncode, out, said)


Quick = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Quick:
    """The same within this process: a start for each of many cases would take most of their time."""

    def run_here(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("LOGGUARD_")]:
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["logguard", *command])
            with pytest.raises(SystemExit) as ended:
                run()
        out, said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(command, ended.value.code, out, said)

    return run_here


def shown(*options: str, **environment: str) -> dict[str, Any]:
    done = logguard("config", "show", "--format", "json", *options, **environment)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('topic = "of-file"\nwindow_seconds = 60\nslide_seconds = 20.0\n')
    found = shown(
        *("--config", str(file), "--topic", "of-option"),
        LOGGUARD_TOPIC="of-environment",
        LOGGUARD_WINDOW_SECONDS="40",
    )
    assert found["topic"] == {"value": "of-option", "from": "command line"}
    assert found["window_seconds"] == {"value": 40.0, "from": "environment"}
    assert found["slide_seconds"] == {"value": 20.0, "from": str(file)}
    assert found["output_topic"] == {"value": "anomaly-results", "from": "default"}


def test_what_nobody_gave_is_not_checked_and_loads_nothing() -> None:
    script = (
        "import sys; from log_guard.app.settings_loading import load_settings; load_settings({}); "
    )
    script += "assert 'polars' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_is_found_where_configurations_live(tmp_path: Path) -> None:
    (tmp_path / "logguard").mkdir()
    (tmp_path / "logguard" / "config.toml").write_text('topic = "mine"\n')
    assert shown(XDG_CONFIG_HOME=str(tmp_path))["topic"]["value"] == "mine"


def test_the_options_of_the_original_design_have_their_defaults() -> None:
    found = {name: entry["value"] for name, entry in shown().items()}
    expected = {
        "kafka_brokers": "localhost:9092",
        "topic": "log-events",
        "output_topic": "anomaly-results",
        "window_seconds": 30.0,
        "db_host": "localhost",
        "db_port": 5432,
        "db_name": "logguard",
        "db_user": "logguard",
        "processor_group": "logguard-processor",
        "detector_group": "logguard-detector",
        "writer_group": "logguard-writer",
        "poll_milliseconds": 100,
        "db_batch": 100,
        "db_batch_seconds": 5.0,
    }
    assert expected.items() <= found.items()


@pytest.mark.parametrize("said", ["a=b,c=d e", '{"a": "b", "c": "d e"}'])
def test_properties_of_the_environment_are_pairs_or_json(said: str) -> None:
    found = shown(LOGGUARD_KAFKA_PROPERTIES=said)["kafka_properties"]
    assert found == {"value": {"a": "b", "c": "d e"}, "from": "environment"}


def test_secrets_are_never_shown() -> None:
    done = logguard(
        *(
            "config",
            "show",
            "--db-password",
            "hush-one",
            "--kafka-property",
            "sasl.password=hush-two",
            "--kafka-property",
            "ssl.key.pem=hush-four",
        ),
        LOGGUARD_DB_URL="postgresql://u:hush-three@h/d",
    )
    assert done.returncode == 0
    assert "hush" not in done.stdout + done.stderr
    assert '"sasl.password" = "***"' in done.stdout


def test_a_setting_that_kafkas_client_does_not_know_is_one_line() -> None:
    done = logguard("topics", "check", "--kafka-property", "nonsense.x=1")
    assert done.returncode == 2
    assert done.stderr.startswith(
        'logguard: --kafka-property: No such configuration property: "nonsense.x"'
    )
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:hush@db:5432/logs", "postgresql://me:***@db:5432/logs"),
        ("postgresql://:hush@[::1]/logs", "postgresql://:***@[::1]/logs"),
        ("postgresql://me@db/logs", "postgresql://me@db/logs"),
        (
            "postgresql+psycopg://me:%2Fhush@db/logs?sslmode=require&password=hush&sslpassword=hush",
            "postgresql+psycopg://me:***@db/logs?sslmode=require&password=***&sslpassword=***",
        ),
        ("/var/lib/logs.db", "/var/lib/logs.db"),
        ("sqlite:////var/lib/logs.db", "sqlite:////var/lib/logs.db"),
        # Where it is not plain which part the password is, nothing is shown.
        ("postgresql://me:a@hush@db/logs", "***"),
        ("postgresql://me:a/hush@db/logs", "***"),
        ("postgresql://me:1/hush@db/logs", "***"),
        ("postgresql://me:a?hush@db/logs", "***"),
        ("postgresql://me:a#hush@db/logs", "***"),
        ("postgresql://me:a:hush@db/logs", "***"),
        ("host=db password=hush", "***"),
    ],
)
def test_of_the_url_of_a_database_all_but_its_secrets_is_shown(
    url: str, said: str, quick: Quick
) -> None:
    done = quick("config", "show", "--format", "json", LOGGUARD_DB_URL=url)
    assert json.loads(done.stdout)["db_url"]["value"] == said
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("options", "environment", "file", "said"),
    [
        (("--window-seconds", "0"), {}, "", "--window-seconds 0.0: Input should be greater"),
        (
            (),
            {"LOGGUARD_DB_PORT": "x"},
            "",
            "LOGGUARD_DB_PORT 'x': Input should be a valid integer",
        ),
        ((), {}, "nonsense = 1", "nonsense: no such setting; see `logguard config show`"),
        ((), {}, "topic = ", "cannot be read"),
        (("--kafka-property", "oops"), {}, "", "--kafka-property, number 1: give NAME=VALUE"),
        (
            (),
            {"LOGGUARD_KAFKA_PROPERTIES": "sasl.username=u,sasl.password=s3,hush"},
            "",
            "LOGGUARD_KAFKA_PROPERTIES, number 3: give NAME=VALUE, e.g. security.protocol=SSL; a value with a comma needs",
        ),
        (
            (),
            {"LOGGUARD_KAFKA_PROPERTIES": "{oops"},
            "",
            "LOGGUARD_KAFKA_PROPERTIES: that is no JSON",
        ),
        (("--config", "/nowhere.toml"), {}, "", "--config /nowhere.toml: no such file"),
        (
            (),
            {"LOGGUARD_DB_PASSWORD": "hush", "LOGGUARD_DB_PASSWORD_FILE": "/run/secret"},
            "",
            "LOGGUARD_DB_PASSWORD: does not go with LOGGUARD_DB_PASSWORD_FILE: give one of them",
        ),
        (("--window-seconds", "inf"), {}, "", "--window-seconds inf: Input should be a finite"),
        (("--false-alarms-per-day", "nan"), {}, "", "--false-alarms-per-day nan: Input should be"),
        (("--max-lateness-seconds", "1e300"), {}, "", "--max-lateness-seconds 1e+300: Input"),
        (("--kafka-brokers", ""), {}, "", "--kafka-brokers '': give HOST:PORT"),
        (("--kafka-brokers", "a:9092,,b"), {}, "", "--kafka-brokers 'a:9092,,b': give HOST:PORT"),
        ((), {"LOGGUARD_KAFKA_BROKERS": "a:70000"}, "", "LOGGUARD_KAFKA_BROKERS 'a:70000': give"),
        ((), {"LOGGUARD_TOPIC": ""}, "", "LOGGUARD_TOPIC '': give a name that Kafka takes"),
        ((), {}, 'topic = " "', "c.toml: topic ' ': give a name that Kafka takes"),
        (("--state-topic", ".."), {}, "", "--state-topic '..': give a name that Kafka takes"),
        (("--timezone", "Mars/X"), {}, "", "--timezone 'Mars/X': use an IANA name"),
        ((), {"LOGGUARD_TIMEZONE": ""}, "", "LOGGUARD_TIMEZONE '': use an IANA name"),
        ((), {}, 'timezone = "Mars/X"', "c.toml: timezone 'Mars/X': use an IANA name"),
        (("--detector", "x"), {}, "", "--detector 'x': use fusion, novelty, surprise, shift, ref"),
        (
            (),
            {"LOGGUARD_INPUT_FORMAT": "xml"},
            "",
            "LOGGUARD_INPUT_FORMAT 'xml': use json, log4j-xml, con",
        ),
        ((), {}, 'group_by = "host,,pod"', "c.toml: group_by 'host,,pod': give service, names"),
        ((), {}, 'writer_group = ""', "c.toml: writer_group '': String should have at least 1"),
        ((), {}, 'db_sslmode = "maybe"', "c.toml: db_sslmode 'maybe': String should match"),
        (
            ("--output-topic", "log-events"),
            {},
            "",
            "--output-topic log-events: does not go with the default --topic log-events: each needs a topic",
        ),
        (
            (),
            {"LOGGUARD_WRITER_GROUP": "one"},
            'detector_group = "one"',
            "LOGGUARD_WRITER_GROUP one: does not go with ",
        ),
        (
            ("--window-seconds", "20"),
            {"LOGGUARD_SLIDE_SECONDS": "40"},
            "",
            "--window-seconds 20.0: does not go with LOGGUARD_SLIDE_SECONDS 40.0: a window must be",
        ),
        (
            ("--lateness-seconds", "700"),
            {},
            "",
            "--lateness-seconds 700.0: does not go with the default --max-lateness-seconds 600.0: windows",
        ),
        (
            ("--lateness-seconds", "30"),
            {"LOGGUARD_MAX_LATENESS_SECONDS": "20"},
            "",
            "--lateness-seconds 30.0: does not go with LOGGUARD_MAX_LATENESS_SECONDS 20.0: windows",
        ),
        (
            (),
            {"LOGGUARD_GROUP_BY": "service, host"},
            'input_format = "nginx"',
            "LOGGUARD_GROUP_BY service, host: does not go with ",
        ),
        (
            ("--detector-group", "logguard-writer-events"),
            {},
            "",
            "--detector-group logguard-writer-events: does not go with the default --writer-group logguard-writer: "
            "--db-log-events makes a group",
        ),
        (
            (),
            {},
            "slide_seconds = 7",
            "c.toml: slide_seconds 7.0: does not go with the default --window-seconds 30.0: a window",
        ),
    ],
)
def test_what_is_wrong_is_named(
    tmp_path: Path,
    options: tuple[str, ...],
    environment: dict[str, str],
    file: str,
    said: str,
    quick: Quick,
) -> None:
    if file:
        (tmp_path / "c.toml").write_text(file)
        options = (*options, "--config", str(tmp_path / "c.toml"))
    done = quick("config", "show", *options, **environment)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("config", "show", "--format", "xml"), "'xml' is not one of 'toml', 'json'"),
        (("audit", "--format", "xml"), "'xml' is not one of 'text', 'json'"),
        (("db", "check", "--db-sslrootcert", "/nowhere"), "--db-sslrootcert /nowhere: no such"),
    ],
)
def test_what_can_never_do_ends_at_once(command: tuple[str, ...], said: str) -> None:
    done = logguard(*command)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_variable_that_is_no_setting_is_told(tmp_path: Path) -> None:
    odd = {"LOGGUARD_KAFKA_BROKER": "b:1", "LOGGUARD_XYZ": "1", "LOGGUARD_API_SERVICE_HOST": "b"}
    done = logguard("config", "show", **odd)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "logguard: LOGGUARD_KAFKA_BROKER: no such setting; is LOGGUARD_KAFKA_BROKERS meant?",
        "logguard: LOGGUARD_XYZ: no such setting; see `logguard config show`",
    ]
    url = ("--db-url", str(tmp_path / "store.db"), "--log-format", "json")
    said = json.loads(logguard("db", "upgrade", *url, **odd).stderr.splitlines()[0])
    assert (said["variable"], said["meant"]) == ("LOGGUARD_KAFKA_BROKER", "LOGGUARD_KAFKA_BROKERS")


def test_of_two_passwords_the_one_that_was_said_last_holds() -> None:
    unused = "without effect beside"
    found = shown("--db-password", "hush", LOGGUARD_DB_PASSWORD_FILE="/run/secret")
    assert found["db_password"] == {"value": "***", "from": "command line"}
    told = {"value": "", "from": f"environment, {unused} --db-password"}
    assert found["db_password_file"] == told
    found = shown("--db-password-file", "/run/secret", LOGGUARD_DB_PASSWORD="hush")
    assert found["db_password"]["from"] == f"environment, {unused} --db-password-file"
    assert found["db_password_file"] == {"value": "/run/secret", "from": "command line"}


def test_properties_of_kafka_are_shown_with_their_origin() -> None:
    done = logguard("config", "show", LOGGUARD_KAFKA_PROPERTIES="security.protocol=SSL")
    assert "[kafka_properties] # environment" in done.stdout


AWAY = [("topics", "check"), ("audit",), ("topics", "create")]


@pytest.fixture(scope="module", autouse=True)
def kept_waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Process]]:
    """Commands whose server is away: they give up after ten seconds, and other tests do not wait for it."""
    folder, away = tmp_path_factory.mktemp("away"), ("--kafka-brokers", "localhost:1")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(started(*command, *away, LOGGUARD_DB_URL=str(folder / f"{n}.db")))
            for n, command in enumerate(AWAY)
        ]
        yield processes
        for process in processes:
            process.kill()


@pytest.mark.parametrize("number", range(len(AWAY)))
def test_a_server_that_is_away_is_one_line(kept_waiting: list[Process], number: int) -> None:
    _, said = kept_waiting[number].communicate()
    assert kept_waiting[number].returncode == 1
    assert len([line for line in said.splitlines() if line.startswith("logguard: ")]) == 1


def test_a_database_is_made_checked_and_kept_up_to_date(tmp_path: Path) -> None:
    url = ("--db-url", str(tmp_path / "store.db"))
    assert "run `logguard db upgrade`" in logguard("db", "check", *url).stdout
    assert "run `logguard db maintain` once an hour" in logguard("db", "upgrade", *url).stdout
    assert logguard("db", "check", *url).returncode == 0
    assert logguard("db", "upgrade", *url).returncode == 0, "a second time is harmless"
    assert "deleted 0 results" in logguard("db", "maintain", *url).stdout


@pytest.mark.parametrize(("write", "told"), [((), ["--db-host --db-port"]), (("--write",), [])])
def test_options_of_the_database_without_write_are_told(
    write: tuple[str, ...], told: list[str]
) -> None:
    done = logguard(
        *("process", "--to", "2026-01-31T12:00:00Z", "--log-format", "json", *write),
        *("--db-port", "5433", "--db-host", "db"),
        LOGGUARD_DB_NAME="logs",
    )
    assert done.returncode == 2, "there is no --run"
    said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["options"] for line in said if "only with --write" in line["event"]] == told


def test_a_url_in_which_the_password_may_go_on_is_refused_and_not_shown() -> None:
    done = logguard("db", "check", "--db-url", "postgresql://u:s3@hush@nowhere/db")
    assert "write an @ in it as %40" in done.stderr
    assert "hush" not in done.stdout + done.stderr


@pytest.mark.parametrize("role", ["process", "detect"])
def test_live_results_are_not_filed_under_the_name_of_a_run(role: str, quick: Quick) -> None:
    done = quick(role, LOGGUARD_RUN="strict")
    assert done.returncode == 2
    assert "--run strict (LOGGUARD_RUN) is for a past span: give --from and --to" in done.stderr
