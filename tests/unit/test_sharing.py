"""Which process runs which files of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sharing import SECONDS, share_of, shares

TESTS = Path(__file__).parents[1]


def test_every_file_on_a_broker_is_known() -> None:
    assert {path.name for path in TESTS.glob("integration/test_kafka_*.py")} == SECONDS.keys()


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_shares_take_about_as_long(processes: int) -> None:
    taken = [0] * processes
    for name, share in shares(processes).items():
        taken[share] += SECONDS[name]
    assert sum(taken) == sum(SECONDS.values())
    assert max(taken) - min(taken) <= 0.25 * max(taken)


def test_other_files_go_one_by_one() -> None:
    assert share_of("tests/unit/test_windows.py::test_one[a::b]") == "tests/unit/test_windows.py"
    assert share_of("tests/integration/test_kafka_slide.py::test_two").startswith("broker ")
