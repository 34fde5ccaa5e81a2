"""Which counts a person is shown: each thing once, and many small things as one line.

A burst of one message raises its own count, that of its level and that of all events. These are three
parts of the score and one thing, so what one count explains is told with it. Shares stay whole: each
part of the score is in exactly one line, or in none but the remainder.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from log_guard.core.baseline.keys import ALL_LEVELS
from log_guard.core.detectors.surprise import USUAL_BITS, usual_counts
from log_guard.core.events import Level
from log_guard.core.results import Part
from log_guard.core.scoring.parts import NOVELTY, VOLUME_TEMPLATE, Parts
from log_guard.core.statements import how_telling

SHOWN_PARTS = 8
OWN_LINES, OWN_SHARE = 3, 0.1
"""So many messages of a kind are shown one by one, if each is such a share of the score; the others of
that kind are one line."""
MOSTLY = 0.8
"""Share of a volume's excess from which on messages are said to make it up."""
FEW = 3
"""Messages that make up a volume are named if they are so many; if more are needed, the volume is named."""
UNSEEN = 1e-9
UNLEVELLED = "no level"
ALL_EVENTS = "all"

Counts = dict[tuple[int, int], int]
"""Counts of a window by (level, template id)."""


@dataclass(slots=True)
class Line:
    """One line of evidence.

    members:  indexes of its parts; the first is the one that is named.
    square:   squared contribution of all of it.
    volumes:  indexes of the volumes that it explains.
    messages: indexes of the counts that rise or fall with it, of a volume.
    """

    kind: str
    members: list[int]
    square: float
    volumes: list[int] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)


def level_name(level: int) -> str | None:
    """Name of a level; None for all levels together."""
    if level == ALL_LEVELS:
        return None
    return UNLEVELLED if level == Level.UNSPECIFIED else Level(level).name


def lines_of(parts: Parts, squares: np.ndarray, templates: list[str]) -> list[Line]:
    """Lines of the parts that weigh, what leads first."""
    order, kinds = by_weight(parts, squares, templates), kinds_of(parts)
    lines = [Line(kinds[i], [i], float(squares[i])) for i in order.tolist() if squares[i] > 0]
    lines = _explained(parts, lines)
    lines.sort(key=lambda line: -line.square)  # stable: ties stay as they were
    return _grouped(parts, lines, float(squares.sum()), templates)


def by_weight(parts: Parts, squares: np.ndarray, templates: list[str]) -> np.ndarray:
    """Indexes, heaviest part first; of equal ones the severest, then the most telling."""

    def rank(i: int) -> tuple[float, int, int, int, str]:
        template, level = int(parts.template[i]), int(parts.level[i])
        text = "" if template == VOLUME_TEMPLATE else templates[template]
        severity = -1 if level == ALL_LEVELS else level
        return (-float(squares[i]), int(parts.detector[i]), -severity, -how_telling(text), text)

    return np.array(sorted(range(len(squares)), key=rank), dtype=np.int64)


def kinds_of(parts: Parts) -> list[str]:
    """As in ``results.Part``, of each; a message never seen is new also where it is its count that surprises."""
    novel = parts.detector == NOVELTY
    unseen = novel & (parts.mean < UNSEEN)
    keys = set(zip(parts.level[unseen].tolist(), parts.template[unseen].tolist(), strict=True))
    each = zip(parts.level.tolist(), parts.template.tolist(), strict=True)
    new = np.fromiter((key in keys for key in each), np.bool_, len(novel))
    many, few = np.where(novel, "rare", "surging"), np.where(parts.count == 0, "silent", "fading")
    kinds: list[str] = np.where(parts.side > 0, np.where(new, "new", many), few).tolist()
    return kinds


def usual_of(parts: Parts, i: int, windows: float = 1.0) -> tuple[int, int]:
    """Usual range of the i-th count, in so many windows together; a count that surprises lies outside.

    Sums of independent negative binomial counts of one mean and variance are negative binomial, too.
    """
    bits = float(parts.bits[i]) if parts.detector[i] != NOVELTY else USUAL_BITS
    mean, variance = float(parts.mean[i]) * windows, float(parts.variance[i]) * windows
    return usual_counts(mean, variance, bits, float(parts.side[i]))


def _explained(parts: Parts, lines: list[Line]) -> list[Line]:
    """Give the volumes that other lines make up to these."""
    silence = next((line for line in lines if _is_silence(parts, line)), None)
    if silence is not None:
        # When nothing comes at all, that any one thing does not come is no news.
        rest = [line for line in lines if line is not silence and parts.side[line.members[0]] < 0]
        silence.square += sum(line.square for line in rest)
        return [line for line in lines if line not in rest]
    kept = list(lines)
    volumes = [line for line in lines if parts.template[line.members[0]] == VOLUME_TEMPLATE]
    for volume in sorted(volumes, key=lambda line: int(parts.level[line.members[0]]), reverse=True):
        if volume not in kept:
            continue
        makers = [line for line in kept if _is_within(parts, line.members[0], volume.members[0])]
        makers.sort(key=lambda line: -_excess(parts, line.members[0]))
        messages = [m for m in makers if parts.template[m.members[0]] != VOLUME_TEMPLATE]
        levels = [m for m in makers if m not in messages]
        enough = MOSTLY * _excess(parts, volume.members[0])
        if enough <= 0:  # of skewed counts the upper side may begin below the mean
            continue
        in_step = [m for m in makers if _keeps_step(parts, m.members[0], volume.members[0])]
        if _sum(parts, messages[:FEW]) >= enough:
            maker = messages[0]
        elif _sum(parts, messages) >= enough and any(line in messages for line in in_step):
            for line in in_step:
                volume.square += line.square
                volume.messages += [*line.members, *line.messages]
                kept.remove(line)
            continue
        elif _sum(parts, levels[:1]) >= enough:
            maker = levels[0]
        else:
            continue
        maker.square += volume.square
        maker.volumes[:0] = [*volume.members, *volume.volumes]
        kept.remove(volume)
    return kept


def _sum(parts: Parts, lines: list[Line]) -> float:
    return sum(_excess(parts, line.members[0]) for line in lines)


def _keeps_step(parts: Parts, i: int, volume: int) -> bool:
    """Whether a count has risen or fallen no more than twice as far as the volume that it is in."""
    scaled = parts.mean[i] * abs(parts.count[volume] / max(parts.mean[volume], UNSEEN) - 1.0)
    return bool(abs(parts.count[i] - parts.mean[i]) <= 2.0 * scaled)


def _is_silence(parts: Parts, line: Line) -> bool:
    i = line.members[0]
    whole = parts.template[i] == VOLUME_TEMPLATE and parts.level[i] == ALL_LEVELS
    return bool(whole and parts.count[i] == 0 and parts.side[i] < 0)


def _is_within(parts: Parts, i: int, volume: int) -> bool:
    """Whether events of the i-th count are events of this volume, and both are too many or too few."""
    if parts.detector[i] != parts.detector[volume] or parts.side[i] != parts.side[volume]:
        return False
    level = parts.level[volume]
    finer = parts.template[i] != VOLUME_TEMPLATE or parts.level[i] != ALL_LEVELS
    return bool(i != volume and finer and level in (ALL_LEVELS, parts.level[i]))


def _excess(parts: Parts, i: int) -> float:
    return float(parts.side[i] * (parts.count[i] - parts.mean[i]))


def _grouped(parts: Parts, lines: list[Line], total: float, templates: list[str]) -> list[Line]:
    """Put the small messages of a kind into one line each; a message that is not small leads them.

    A line of a stack trace is small, whatever it weighs.
    """
    own: list[Line] = []
    small: dict[str, list[Line]] = {}
    shown: Counter[str] = Counter()
    for line in lines:
        template = int(parts.template[line.members[0]])
        volume = template == VOLUME_TEMPLATE
        heavy = shown[line.kind] < OWN_LINES and line.square >= OWN_SHARE * total
        if volume or (heavy and how_telling(templates[template])):
            own.append(line)
            shown[line.kind] += not volume
        else:
            small.setdefault(line.kind, []).append(line)
    made = [_pooled(parts, kind, some, templates) for kind, some in small.items()]
    first = own[:1] if own and own[0].square >= OWN_SHARE * total else []
    rest = [*own[len(first) :], *made]
    return [*first, *sorted(rest, key=lambda line: -line.square)]


def _pooled(parts: Parts, kind: str, lines: list[Line], templates: list[str]) -> Line:
    """One line of several, heaviest first; of those of much the same weight the most telling is named."""

    def rank(line: Line) -> tuple[bool, bool, int]:
        telling = how_telling(templates[int(parts.template[line.members[0]])])
        return not telling, line.square < lines[0].square / 4, -telling

    return Line(
        kind,
        [i for line in sorted(lines, key=rank) for i in line.members],
        sum(line.square for line in lines),
        [v for line in lines for v in line.volumes],
    )


def part_of(
    parts: Parts,
    line: Line,
    total: float,
    templates: list[str],
    seconds: float,
    silent: float = 1.0,
) -> Part:
    """The line as people and programs are given it.

    seconds:  length of the window; ``silent``: windows that a silence has lasted.
    """
    i = line.members[0]
    template = int(parts.template[i])
    windows = max(silent, 1.0) if _is_silence(parts, line) else 1.0
    ranges = [usual_of(parts, member, windows) for member in line.members]
    all_of = [*line.members, *line.volumes, *line.messages]
    return Part(
        kind=line.kind,
        level=level_name(int(parts.level[i])),
        template=None if template == VOLUME_TEMPLATE else templates[template],
        observed=int(parts.count[line.members].sum()),
        expected=round(float(parts.mean[line.members].sum()) * windows, 6),
        low=sum(low for low, _ in ranges),
        high=sum(high for _, high in ranges),
        bits=round(float(np.sqrt((parts.bits[all_of] ** 2).sum())), 3),
        share=round(line.square / total, 4),
        messages=len(line.members) if not line.messages else _messages(parts, line),
        volumes=tuple(level_name(int(parts.level[v])) or ALL_EVENTS for v in line.volumes),
        seconds=float(parts.windows[i]) * seconds if parts.windows[i] > 1 else None,
    )


def _messages(parts: Parts, line: Line) -> int:
    return int((parts.template[line.messages] != VOLUME_TEMPLATE).sum())
