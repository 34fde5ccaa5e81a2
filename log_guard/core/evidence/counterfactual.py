"""What would have been normal: at most three bounds on counts, none of which can be left out.

A bound is taken from what leads the evidence, so that it names what a person would look at. Where
many messages lead, their number is one bound: a restart's twenty lines go together or not at all.
Volumes are bounded only where no message leads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from log_guard.core.baseline.keys import ALL_LEVELS
from log_guard.core.evidence.lines import (
    Counts,
    Line,
    by_weight,
    kinds_of,
    level_name,
    usual_of,
)
from log_guard.core.results import Bound
from log_guard.core.scoring.parts import NOVELTY, VOLUME_TEMPLATE, Parts
from log_guard.core.windows.spec import LASTING

MAX_BOUNDS = 3
MAX_TRIED = 8
"""Bounds that are tried together before it is given up."""

Key = tuple[int, int]


@dataclass(frozen=True)
class Change:
    """A bound, and what it makes of the counts.

    keys:   what it is about; of these, those beyond ``bound.count`` of them go, or become what they usually
            are (``bound.kind``), or their sum becomes ``bound.count``, in the same proportions.
    mix:    of what is too few, or of a kind of counts: usual counts of its keys.
    """

    bound: Bound
    keys: tuple[Key, ...]
    mix: tuple[float, ...] = ()

    def apply(self, counts: Counts) -> Counts:
        """Return other counts, that keep the bound."""
        if self.bound.kind:
            gone = self.keys[self.bound.count :]
            usual = dict(zip(gone, map(int, self.mix[self.bound.count :]), strict=False))
            return {key: n for key, n in counts.items() if key not in gone} | usual
        now = {key: counts.get(key, 0) for key in self.keys}
        if self.bound.relation == "<=":
            total, most = sum(now.values()), self.bound.count
            if total <= most:
                return counts
            fewer = {key: n * most // total for key, n in now.items()}
            lacking = most - sum(fewer.values())
            for key in sorted(now, key=lambda k: (-now[k], k))[:lacking]:
                fewer[key] += 1
            return {**counts, **fewer}
        least = {k: max(now[k], round(m)) for k, m in zip(self.keys, self.mix, strict=True)}
        lacking = self.bound.count - sum(least.values())
        if lacking > 0:
            least[self.keys[int(np.argmax(self.mix))]] += lacking
        return {**counts, **least}


def normal_if(
    parts: Parts,
    lines: list[Line],
    weights: np.ndarray,
    counts: Counts,
    templates: list[str],
    is_normal: Callable[[Counts], bool],
) -> tuple[Bound, ...]:
    """Bounds that make the window normal; empty where no three are found.

    lines:    of the evidence, what leads first.
    weights:  squared contribution of each part in its own detector, (n,).
    """
    tried: list[Change] = []
    now = counts
    for change in _changes(parts, lines, weights, counts, templates):
        after = change.apply(now)
        if after == now:
            continue
        tried.append(change)
        now = after
        if is_normal(now):
            return _told(_needed(tried, counts, is_normal), counts, is_normal)
        if len(tried) == MAX_TRIED:
            break
    lead = lines[0].members[0] if lines else None
    surges = lead is not None and parts.detector[lead] != NOVELTY and parts.side[lead] > 0
    return _fewer(counts, is_normal) if surges else ()


def _fewer(counts: Counts, is_normal: Callable[[Counts], bool]) -> tuple[Bound, ...]:
    """The largest number of events, in the same mix, that is found normal by bisection."""
    keys, low, high = tuple(counts), 0, sum(counts.values())
    while high - low > max(1, high // 64):
        middle = (low + high) // 2
        if is_normal(Change(Bound(None, None, "<=", middle), keys).apply(counts)):
            low = middle
        else:
            high = middle
    return (Bound(None, None, "<=", low),) if low else ()


def applied(changes: list[Change], counts: Counts) -> Counts:
    """Counts after all these changes."""
    for change in changes:
        counts = change.apply(counts)
    return counts


def _needed(
    changes: list[Change], counts: Counts, is_normal: Callable[[Counts], bool]
) -> list[Change]:
    """Leave out what can be left out, the later ones first, until nothing can."""
    for dropped in reversed(changes):
        rest = [change for change in changes if change is not dropped]
        if rest and is_normal(applied(rest, counts)):
            return _needed(rest, counts, is_normal)
    return changes


def _told(
    changes: list[Change], counts: Counts, is_normal: Callable[[Counts], bool]
) -> tuple[Bound, ...]:
    if len(changes) > MAX_BOUNDS:
        return ()
    if len(changes) == 1 and changes[0].bound.kind:
        changes = [_loosest(changes[0], counts, is_normal)]
    return tuple(change.bound for change in changes)


def _loosest(change: Change, counts: Counts, is_normal: Callable[[Counts], bool]) -> Change:
    """How many of these messages, the most surprising first, would still be normal."""
    low, high = 0, len(change.keys)
    while high - low > 1:
        middle = (low + high) // 2
        bound = Bound(None, None, "<=", middle, change.bound.kind)
        if is_normal(replace(change, bound=bound).apply(counts)):
            low = middle
        else:
            high = middle
    return replace(change, bound=Bound(None, None, "<=", low, change.bound.kind))


def _changes(
    parts: Parts, lines: list[Line], weights: np.ndarray, counts: Counts, templates: list[str]
) -> list[Change]:
    """What may be tried, in this order: what leads, all new or rare messages, what the other detector minds.

    Last come all messages of a kind of counts, unless they lead.
    """
    order = [int(i) for i in by_weight(parts, weights, templates) if weights[i] > 0]
    kinds = ("new", "rare", "surging", "fading", "silent")
    of_each = kinds_of(parts)
    together = {kind: _without(parts, weights, kind, of_each) for kind in kinds}
    found: list[Change | None] = []
    for line in lines[:MAX_BOUNDS]:
        if len(line.members) == 1:
            found.append(_change(parts, line.members[0], counts, templates))
        else:
            found.append(together[line.kind])
    found += [_unheard(parts, weights, line.members[0], templates) for line in lines[:1]]
    found += [together["new"], together["rare"]]
    shown = {i for line in lines for i in [*line.members, *line.volumes, *line.messages]}
    others = [i for i in order if i not in shown and parts.detector[i] != NOVELTY]
    found += [_change(parts, i, counts, templates) for i in others[:MAX_BOUNDS]]
    found += [together[kind] for kind in kinds[2:]]
    return list(dict.fromkeys(change for change in found if change is not None))


def _without(parts: Parts, weights: np.ndarray, kind: str, of_each: list[str]) -> Change | None:
    """No messages of this kind; in its keys those come first that weigh most, in both detectors together.

    What is too many or too few becomes what it usually is.
    """
    weight: dict[Key, float] = {}
    for i in np.flatnonzero((weights > 0) & (parts.template != VOLUME_TEMPLATE)).tolist():
        key = int(parts.level[i]), int(parts.template[i])
        weight[key] = weight.get(key, 0.0) + float(weights[i])
    mine = {
        (int(parts.level[i]), int(parts.template[i])): max(
            round(float(parts.mean[i])), int(parts.side[i] < 0)
        )
        for i in np.flatnonzero((weights > 0) & (parts.template != VOLUME_TEMPLATE)).tolist()
        if of_each[i] == kind
    }
    if len(mine) < 2:
        return None
    keys = tuple(sorted(mine, key=lambda key: (-weight[key], key)))
    usual = () if kind in ("new", "rare") else tuple(float(mine[key]) for key in keys)
    return Change(Bound(None, None, "<=", 0, kind), keys, usual)


def _unheard(parts: Parts, weights: np.ndarray, i: int, templates: list[str]) -> Change | None:
    """None of the i-th count at all, where that it comes is as odd as how often: one would be one too many."""
    level, template = int(parts.level[i]), int(parts.template[i])
    same = (parts.level == level) & (parts.template == template) & (parts.detector == NOVELTY)
    if template == VOLUME_TEMPLATE or not (same & (weights > 0)).any():
        return None
    bound = Bound(level_name(level), templates[template], "<=", 0)
    return Change(bound, ((level, template),))


def _bounds(parts: Parts, i: int, now: int) -> tuple[int, int]:
    """Lowest and highest count of the window that is usual or, of what has lasted, no more part of it.

    The window, of ``now`` events, is itself in the stretch: as it goes towards the turn, so does that.
    """
    if parts.windows[i] == 1:
        return usual_of(parts, i)
    turn = float(parts.turn[i])
    turn += (turn - now) / (2.0 * LASTING - 1.0)
    return int(np.ceil(turn)), int(np.floor(turn))


def _change(parts: Parts, i: int, counts: Counts, templates: list[str]) -> Change | None:
    """The i-th count as it usually is."""
    level, template = int(parts.level[i]), int(parts.template[i])
    now = sum(
        n
        for (at, of), n in counts.items()
        if level in (ALL_LEVELS, at) and template in (VOLUME_TEMPLATE, of)
    )
    low, high = _bounds(parts, i, now)
    volume = template == VOLUME_TEMPLATE
    name = None if volume else templates[template]
    if parts.side[i] > 0:
        keys = (
            tuple(sorted(k for k in counts if level in (ALL_LEVELS, k[0])))
            if volume
            else ((level, template),)
        )
        most = 0 if parts.detector[i] == NOVELTY and high <= 1 else high
        return Change(Bound(level_name(level), name, "<=", most), keys)
    least = max(low, 1)
    if not volume:
        return Change(Bound(level_name(level), name, ">=", least), ((level, template),), (0.0,))
    missing = [
        j
        for j in range(len(parts.side))
        if parts.side[j] < 0
        and parts.template[j] != VOLUME_TEMPLATE
        and level in (ALL_LEVELS, int(parts.level[j]))
    ]
    if not missing and parts.windows[i] > 1:  # little is missing of each of many
        there = tuple(sorted(k for k in counts if level in (ALL_LEVELS, k[0])))
        bound = Bound(level_name(level), None, ">=", least)
        return Change(bound, there, tuple(float(counts[k]) for k in there)) if there else None
    if not missing:
        return None
    keys = tuple((int(parts.level[j]), int(parts.template[j])) for j in missing)
    mix = tuple(float(parts.mean[j]) for j in missing)
    return Change(Bound(level_name(level), None, ">=", least), keys, mix)
