"""Which process runs which files of tests: those on a broker share a few, the rest goes file by file.

Tests on servers wait for a third of their time, the others work all of it. Were they not kept apart, all processes would
wait at once, and work at once later; and each would start a broker and a database of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

SECONDS = {
    "test_kafka_operations.py": 190,
    "test_kafka_pipeline.py": 160,
    "test_kafka_chaos.py": 100,
    "test_kafka_bounds.py": 80,
    "test_kafka_audit.py": 50,
    "test_kafka_models.py": 50,
    "test_kafka_origin.py": 30,
    "test_kafka_slide.py": 20,
    "test_kafka_compiled.py": 20,
}
"""File on a broker → how long it takes, about: they are to end together."""


def shares(processes: int) -> dict[str, int]:
    """File on a broker → number of its process, the longest first."""
    taken = [0] * processes
    found = {}
    for name, seconds in sorted(SECONDS.items(), key=lambda one: -one[1]):
        found[name] = taken.index(min(taken))
        taken[found[name]] += seconds
    return found


_SHARES = shares(max(os.cpu_count() or 1, 2))


def share_of(nodeid: str) -> str:
    """What is run by one process: a file, or several on one broker."""
    file = nodeid.partition("::")[0]
    share = _SHARES.get(PurePath(file).name)
    return file if share is None else f"broker {share}"


def broker_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Tests in an order in which the long ones begin first, file by file."""
    last = len(_SHARES)
    return sorted(items, key=lambda item: _SHARES.get(item.path.name, last))


class Sharing(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each process a share, and the next when it is done."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return share_of(nodeid)
