"""How far each partition's time has come, by what was last told of it: what windows wait for, and who is quiet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.reading import held, read
from log_guard.adapters.kafka.records import progress_of
from log_guard.app.rendering import some
from log_guard.core.events import SECOND
from log_guard.core.iso import iso

LOOK_BACK = 1_000
"""Offsets of the summaries among which the last word is looked for: of a partition that is read there is one a second."""
LATELY = 30.0
"""Seconds: who reads a partition has told of it since, but for a hand-over."""


@dataclass(frozen=True)
class Pace:
    """What was last told of a partition.

    watermark:  event time, µs, up to which windows need not wait for it; None: no event of it has been read yet.
    idle:       it has been quiet for so long that its time goes on by the clock.
    told:       when that was, seconds since 1970.
    """

    watermark: int | None
    idle: bool
    told: float


def paces(cluster: Cluster, summaries: str) -> dict[int, Pace]:
    """Partition → what was told of it lately."""
    low, high = held(cluster, summaries)[0]
    return {
        progress.partition: Pace(progress.watermark, progress.idle, message.timestamp()[1] / 1_000)
        for messages in read(cluster, summaries, {0: (max(low, high - LOOK_BACK), high)})
        for message in messages
        for progress in progress_of(message.headers())  # type: ignore[arg-type]  # headers are typed wider than they come
    }


def waited_for(
    topic: str, partitions: Iterable[int], known: Mapping[int, Pace], now: float
) -> str | None:
    """What open windows wait for; None where that is only time, which goes on in all partitions alike.

    now:  seconds since 1970.
    """
    unheard = [p for p in partitions if p not in known]
    if unheard:
        return f"{_named(topic, unheard)}: nothing was told of it lately, so no process reads it"
    before = [p for p, pace in known.items() if pace.watermark is None and not pace.idle]
    if before:
        return f"{_named(topic, before)}: no event of it has been read yet"
    times = {p: pace.watermark for p, pace in known.items() if pace.watermark is not None}
    if not times or (last := max(times.values())) - min(times.values()) < SECOND:
        return None
    slowest = [p for p, time in times.items() if time == min(times.values())]
    said = f"{_named(topic, slowest)}, whose time is {iso(min(times.values()))}, elsewhere up to {iso(last)}"
    told = min(known[p].told for p in slowest)
    return said if now - told < LATELY else f"{said}; nothing was told of it since {_moment(told)}"


def asides(topic: str, known: Mapping[int, Pace], unread: Iterable[int], now: float) -> list[str]:
    """What is no fault, and still good to know: who is quiet, and of whom nobody tells any more.

    unread:  partitions with events that are still to be read; of those there are findings.
    """
    lately = {p for p, pace in known.items() if now - pace.told < LATELY}
    quiet = [p for p in lately if known[p].idle]
    said = [f"quiet, so time goes on by the clock: {_named(topic, quiet)}"] if quiet else []
    left = known.keys() - lately - set(unread)
    if left:
        since = _moment(max(known[p].told for p in left))
        said.append(f"no process reads since {since}: {_named(topic, left)}")
    return said


def _named(topic: str, partitions: Iterable[int]) -> str:
    return some([f"{topic}-{p}" for p in sorted(partitions)])


def _moment(seconds: float) -> str:
    return iso(round(seconds) * SECOND)
