"""What a log at the edge of what is understood is told, instead of a silent miss."""

from __future__ import annotations

import json
from pathlib import Path

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


def test_a_message_that_is_not_found_is_no_silent_miss(tmp_path: Path) -> None:
    json_log(tmp_path / "odd.json", "gravity", "saying")
    when = ("--timestamp-field", "when")
    done = run("try", "odd.json", *when, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "logguard: odd.json: JSON lines, but no message and no level and no service found in the first 200 of them; "
        "name the field (--message-field NAME, --level-field NAME, --service-field NAME); their fields: gravity, "
        "saying, when\n"
    )
    named = run("try", "odd.json", *when, "--message-field", "saying", cwd=tmp_path)
    assert b"disk full" in named.stdout
    json_log(tmp_path / "short.json", "sev", "txt")
    assert b"ERROR 'disk full'" in run("try", "short.json", *when, cwd=tmp_path).stdout
