"""A labels file says where it is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from log_guard.app.labels_file import read_labels
from log_guard.core.evaluation.evaluation import Incident
from log_guard.errors import InputError

START, LATER, END = (f"2026-01-01T00:{minute}:00Z" for minute in (10, 20, 30))
SOUND: dict[str, Any] = {
    "test_start": START,
    "end": END,
    "incidents": [{"id": 7, "start": LATER, "end": LATER}],
    "ignore": [{"start": START, "end": LATER}],
}


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(SOUND))
    labels = read_labels(str(tmp_path / "mine.json"))
    moment = labels.test_start + 600  # an incident may be of one
    assert labels.name == "mine"
    assert labels.incidents == (Incident("7", moment, moment),)
    assert labels.ignore == ((labels.test_start, moment),)
    assert labels.end - labels.test_start == 1_200


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ([SOUND], "what it holds must be an object {...}, and is a list; a labels file needs "),
        ("text", 'what it holds must be an object {...}, and is "text"; a labels file needs '),
        ({"test_start": START, "end": END}, "it has no incidents; a labels file needs "),
        ({"incidents": None}, "incidents must be a list [...], and is null; "),
        ({"incidents": {"id": 1}}, "incidents must be a list [...], and is an object; "),
        (
            {"incidents": [["a", START, END]]},
            "incidents[0] must be an object {...}, and is a list;",
        ),
        (
            {"incidents": [*SOUND["incidents"], {"id": 1, "start": START}]},
            "incidents[1] has no end",
        ),
        ({"incidents": [{"start": START, "end": END}]}, "incidents[0] has no id"),
        ({"ignore": {}}, "ignore must be a list [...], and is an object; "),
        ({"test_start": 1767225600}, "test_start is 1767225600: write a time such as 2026-01-31T"),
        ({"end": "\x1b[31m"}, 'end is "\\u001b[31m": write a time such as '),
        ({"end": "9" * 80}, f'end is "{"9" * 38}…: write a time such as '),
        ({"ignore": [{"start": START, "end": None}]}, "ignore[0].end is null: write a time "),
        (
            {"incidents": [{"id": 1, "start": END, "end": LATER}]},
            f"incidents[0] ends ({LATER}) before it starts ({END}): correct one of them",
        ),
        ({"ignore": [{"start": END, "end": LATER}]}, f"ignore[0] ends ({LATER}) before it "),
        ({"end": START}, f"end ({START}) is not after test_start ({START}): correct one of them"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: Any, said: str) -> None:
    whole = not isinstance(changed, dict) or len(changed) == 2
    (tmp_path / "mine.json").write_text(json.dumps(changed if whole else {**SOUND, **changed}))
    with pytest.raises(InputError) as refused:
        read_labels(str(tmp_path / "mine.json"))
    assert str(refused.value).startswith(f"{tmp_path / 'mine.json'}: {said}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "mine.json").write_bytes(text)
    with pytest.raises(InputError, match="not a labels file, for it is no JSON"):
        read_labels(str(tmp_path / "mine.json"))
