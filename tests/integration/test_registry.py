"""The registry of models: one pointer, whatever is killed in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from log_guard.adapters.models import Registry, open_model, verify_model
from log_guard.app.modelling import Candidate, candidate_lines
from log_guard.core.learning.model import Model
from log_guard.errors import ModelError
from tests.streams import micros
from tests.unit.test_pipeline_properties import model

NOW = "2026-01-01T00:00:00Z"


def several(many: int = 3) -> list[Model]:
    """Sound models that differ."""
    return [replace(model(), false_alarms_per_day=1.0 + i) for i in range(many)]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def promote(registry: Registry, name: str) -> str | None:
    return registry.promote(name, time=NOW, author="me", reason="a test")


def test_a_model_is_kept_promoted_and_found_again(registry: Registry) -> None:
    one, other = several(2)
    names = [registry.add(one), registry.add(other)]
    assert [name.split("-")[0] for name in names] == ["0001", "0002"]
    assert registry.add(one) == names[0]  # and not kept twice
    with pytest.raises(ModelError, match="not a LogGuard model"):
        open_model(registry.directory)
    assert promote(registry, names[1]) is None
    assert promote(registry, names[0]) == names[1]
    assert registry.current == names[0]
    assert open_model(registry.directory).false_alarms_per_day == one.false_alarms_per_day
    assert [(e.action, e.model, e.before) for e in registry.history] == [
        ("promote", names[1], None),
        ("promote", names[0], names[1]),
    ]


def test_what_was_refused_is_kept_and_is_no_step_to_go_back_to(registry: Registry) -> None:
    names = [registry.add(m) for m in several(3)]
    promote(registry, names[0])
    registry.refuse(names[1], time=NOW, author="me", reason="worse")
    promote(registry, names[2])
    registry.refuse(names[1], time=NOW, author="me", reason="worse again")
    assert registry.current == names[2]
    assert [(e.action, e.before, e.reason) for e in registry.history[1::2]] == [
        ("refuse", names[0], "worse"),
        ("refuse", names[2], "worse again"),
    ]
    assert registry.rollback(time=NOW, author="me") == names[0]


def test_rollback_goes_back_a_step_each_time(registry: Registry) -> None:
    names = [registry.add(m) for m in several(3)]
    for name in names:
        promote(registry, name)
    back = [registry.rollback(time=NOW, author="me") for _ in range(2)]
    assert back == [names[1], names[0]]
    with pytest.raises(ModelError, match="no model before the current one"):
        registry.rollback(time=NOW, author="me")
    promote(registry, names[2])
    assert registry.rollback(time=NOW, author="me") == names[0]


def test_a_damaged_model_is_not_promoted_nor_gone_back_to(registry: Registry) -> None:
    names = [registry.add(m) for m in several(2)]
    promote(registry, names[0])
    promote(registry, names[1])
    (registry.directory / names[0] / "text.idf.npy").write_bytes(b"")
    with pytest.raises(ModelError, match="damaged"):
        promote(registry, names[0])
    with pytest.raises(ModelError, match="damaged"):
        registry.rollback(time=NOW, author="me")
    assert registry.current == names[1]


@pytest.mark.parametrize("name", ["../models", "", ".", "/etc", "0009-abc", "registry.json"])
def test_a_name_leads_nowhere_else(registry: Registry, name: str) -> None:
    registry.add(model())
    with pytest.raises(ModelError, match="holds no model"):
        promote(registry, name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "damaged"),
        ('{"kind": "other"}', "damaged"),
        ('{"format": 3}', "newer LogGuard"),
        ('{"format": "x"}', "damaged"),
    ],
)
def test_a_damaged_pointer_is_refused(registry: Registry, content: str, said: str) -> None:
    registry.add(model())
    (registry.directory / "registry.json").write_text(content)
    with pytest.raises(ModelError, match=said):
        _ = registry.current


def test_commands_at_once_wait_for_one_another(registry: Registry) -> None:
    models = several(4)

    def work(one: Model) -> None:
        promote(Registry(registry.directory), Registry(registry.directory).add(one))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, models))
    history = registry.history
    assert len(history) == len({entry.model for entry in history}) == 4
    assert [entry.before for entry in history] == [None, *(e.model for e in history[:-1])]


ENDLESS = """
import itertools, sys
from log_guard.adapters.models import Registry
registry = Registry(sys.argv[1])
for name in itertools.cycle(sys.argv[2:]):
    registry.promote(name, time="2026-01-01T00:00:00Z", author="me")
    print(name, flush=True)
"""


def test_killed_at_any_moment_the_registry_is_whole(registry: Registry) -> None:
    names = [registry.add(m) for m in several(2)]
    promoted = 0
    for attempt in range(6):
        # Another starts with the one that is not current, which may be either.
        order = names if registry.current != names[0] else names[::-1]
        process = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(registry.directory), *order],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        for _ in range(2 + attempt):
            process.stdout.readline()
        time.sleep(attempt * 0.0007)  # somewhere in the middle of the next promotion
        process.send_signal(signal.SIGKILL)
        process.communicate()
        current = registry.current
        assert current in names
        assert verify_model(registry.directory / current) == []
        history = registry.history
        assert history[-1].model == current
        assert len(history) >= promoted + 2 + attempt
        promoted = len(history)
    promote(registry, names[0] if registry.current == names[1] else names[1])
    content = json.loads((registry.directory / "registry.json").read_bytes())
    assert content["current"] == registry.current


def test_that_a_history_was_not_normal_throughout_is_said() -> None:
    one = Candidate("0001-a", None, None, promoted=True, unusual=1, worst=micros(60))
    many = replace(one, unusual=1_200)
    said = [next(iter(candidate_lines(candidate))) for candidate in (one, many)]
    assert said[0].startswith(
        "1 window of the history was not normal itself, at 2026-01-01 00:01:00:"
    )
    assert said[1].startswith(
        "1,200 windows of the history were not normal themselves, most of all at "
    )
    assert list(candidate_lines(replace(one, worst=None))) == ["promoted 0001-a"]
