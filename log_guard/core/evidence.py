"""Why a window is not normal: the score taken apart, in words, in figures and in raw lines."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl

from log_guard.core.baseline import ALL_LEVELS
from log_guard.core.events import Level
from log_guard.core.parts import NOVELTY, VOLUME_TEMPLATE, Parts
from log_guard.core.results import Bound, Evidence, Part, Sample

SHOWN_PARTS = 8
SHOWN_SAMPLES = 3
MAX_BOUNDS = 3
LEAST_SHARE = 0.02
"""Share of the score below which a count has no line shown for it: it would be any ordinary line."""
UNSEEN = 1e-9
MOSTLY = 0.8
"""Share of a volume from which on a message is said to make it up."""
UNLEVELLED = "no level"

Counts = dict[tuple[int, int], int]
"""Counts of a window by (level, template id)."""


def level_name(level: int) -> str | None:
    """Name of a level; None for all levels together."""
    if level == ALL_LEVELS:
        return None
    return UNLEVELLED if level == Level.UNSPECIFIED else Level(level).name


def explain(
    parts: Parts,
    squares: np.ndarray,
    samples: pl.DataFrame,
    templates: list[str],
    service: str,
    window_seconds: float,
    counts: Counts,
    is_normal: Callable[[Counts], bool],
    nearest_normal: dict[str, float],
) -> Evidence:
    """Build the evidence of one window.

    parts, squares:  its parts and their squared contributions, (n,).
    samples:         its samples, smallest hash first (``Windows.samples``).
    is_normal:       tells whether the window with other counts would be normal.
    """
    total = float(squares.sum()) or 1.0
    order = _by_weight(parts, squares, templates)
    made = [
        _part(parts, int(i), float(squares[i]) / total, templates)
        for i in order[:SHOWN_PARTS]
        if squares[i] > 0
    ]
    weighing = squares > 0
    new = int(((parts.detector == NOVELTY) & (parts.mean < UNSEEN) & weighing).sum())
    return Evidence(
        sentence=_sentence(made, new, service, window_seconds),
        parts=tuple(made),
        samples=_samples(
            parts, order[: max(int((squares >= LEAST_SHARE * total).sum()), 1)], samples
        ),
        normal_if=_normal_if(parts, order, counts, templates, is_normal),
        nearest_normal=nearest_normal,
        weighed=int(weighing.sum()),
    )


def _by_weight(parts: Parts, squares: np.ndarray, templates: list[str]) -> np.ndarray:
    """Indexes, heaviest part first; ties by what the part is, never by an id's accident."""

    def rank(i: int) -> tuple[float, int, int, str]:
        template = int(parts.template[i])
        text = "" if template == VOLUME_TEMPLATE else templates[template]
        return (-float(squares[i]), int(parts.detector[i]), int(parts.level[i]), text)

    return np.array(sorted(range(len(squares)), key=rank), dtype=np.int64)


def _usual(mean: float, variance: float) -> tuple[int, int]:
    """Range that holds about 98 % of the windows (mean and 2.33 standard deviations)."""
    spread = 2.33 * math.sqrt(max(variance, mean))
    return max(0, math.floor(mean - spread + 0.5)), math.ceil(mean + spread - 0.5)


def _part(parts: Parts, i: int, share: float, templates: list[str]) -> Part:
    template = int(parts.template[i])
    mean = float(parts.mean[i])
    low, high = _usual(mean, float(parts.variance[i]))
    observed = int(parts.count[i])
    if parts.detector[i] == NOVELTY:
        kind = "new" if mean < UNSEEN else "rare"
    elif parts.side[i] > 0:
        kind = "surging"
    else:
        kind = "silent" if observed == 0 else "fading"
    return Part(
        kind=kind,
        level=level_name(int(parts.level[i])),
        template=None if template == VOLUME_TEMPLATE else templates[template],
        observed=observed,
        expected=round(mean, 6),
        low=low,
        high=high,
        bits=round(float(parts.bits[i]), 3),
        share=round(share, 4),
    )


def describe(level: str | None, template: str | None) -> str:
    """How a count is called in a sentence."""
    if template is None:
        return "events" if level is None else f"{level} events"
    return f"'{template}'" if level in (None, UNLEVELLED) else f"{level} '{template}'"


def _sentence(parts: list[Part], new: int, service: str, seconds: float) -> str:
    """Say the heaviest part in words; ``new``: how many messages were never seen before."""
    where = "the whole stream" if service == "*" else service
    if not parts:
        return f"{where}: not normal"
    quiet = next(
        (p for p in parts if p.template is None and p.level is None and p.kind == "silent"), None
    )
    lead = quiet or _named(parts[0], parts)
    if quiet:
        return f"no events at all in {seconds:g} s in {where}; usual: {lead.low} to {lead.high}"
    times = "once" if lead.observed == 1 else f"{lead.observed} times"
    name = describe(lead.level, lead.template)
    events = name if lead.observed != 1 else name.removesuffix("s")
    usual = f"usual: {lead.low} to {lead.high}" if lead.high else "usual: none"
    if lead.kind == "new":
        text = f"{name} {times} in {seconds:g} s in {where}; never seen before"
    elif lead.kind == "rare":
        text = f"{name} {times} in {seconds:g} s in {where}; rare: {_how_often(lead.expected, seconds)}"
    elif lead.template is None:
        text = f"{lead.observed} {events} in {seconds:g} s in {where}; {usual}"
    else:
        text = f"{name} {times} in {seconds:g} s in {where}; {usual}"
    others = new - 1
    if lead.kind == "new" and others:
        text += f" (and {others} more new message{'s' if others > 1 else ''})"
    return text


def _named(lead: Part, parts: list[Part]) -> Part:
    """Of a volume that one message makes up, that message: people name what they can read."""
    if lead.template is not None or lead.kind != "surging":
        return lead
    for part in parts:
        same = part.template is not None and lead.level in (None, part.level)
        if same and part.observed >= MOSTLY * lead.observed:
            return part
    return lead


def _how_often(expected: float, seconds: float) -> str:
    """Mean count a window as a rate that a person can picture."""
    every = seconds / max(expected, UNSEEN)
    for unit, length in (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)):
        if every >= 1.5 * length:
            return f"about once in {every / length:.0f} {unit}"
    return f"about {60 / every:.0f} a minute"


def _samples(parts: Parts, order: np.ndarray, samples: pl.DataFrame) -> tuple[Sample, ...]:
    """Raw lines of the counts that matter most; of a volume, lines of that level."""
    out: list[Sample] = []
    seen: set[tuple[int, int]] = set()
    rows = samples.select("level", "template", "source", "position", "sample").rows()
    for i in order.tolist():
        level, template = int(parts.level[i]), int(parts.template[i])
        for row in rows:
            place = (row[2], row[3])
            if (
                place in seen
                or (template not in (VOLUME_TEMPLATE, row[1]))
                or level not in (ALL_LEVELS, row[0])
            ):
                continue
            seen.add(place)
            out.append(Sample(level_name(row[0]) or "", row[4], row[2], row[3]))
            if template != VOLUME_TEMPLATE:
                break
            if len(out) >= SHOWN_SAMPLES:
                break
        if len(out) >= SHOWN_SAMPLES:
            break
    return tuple(out[:SHOWN_SAMPLES])


def _normal_if(
    parts: Parts,
    order: np.ndarray,
    counts: Counts,
    templates: list[str],
    is_normal: Callable[[Counts], bool],
) -> tuple[Bound, ...]:
    """Change the counts that weigh most to what is usual, until the window would be normal."""
    changed: dict[tuple[int, int], int] = {}
    for i in order.tolist():
        key = (int(parts.level[i]), int(parts.template[i]))
        if key[1] == VOLUME_TEMPLATE or key in changed:
            continue
        low, high = _usual(float(parts.mean[i]), float(parts.variance[i]))
        target = (
            low
            if parts.side[i] < 0
            else (0 if parts.detector[i] == NOVELTY and high <= 1 else high)
        )
        if target == counts.get(key, 0) or (parts.side[i] > 0) == (target > counts.get(key, 0)):
            continue
        changed[key] = target
        if is_normal({**counts, **changed}):
            for dropped in list(changed):
                rest = {k: v for k, v in changed.items() if k != dropped}
                if rest and is_normal({**counts, **rest}):
                    changed = rest
            return tuple(
                Bound(level_name(k[0]), templates[k[1]], "<=" if v < counts.get(k, 0) else ">=", v)
                for k, v in changed.items()
            )
        if len(changed) == MAX_BOUNDS:
            break
    return _fewer_of_a_level(parts, order, counts, is_normal) or _same_mix(counts, is_normal)


def _fewer_of_a_level(
    parts: Parts, order: np.ndarray, counts: Counts, is_normal: Callable[[Counts], bool]
) -> tuple[Bound, ...]:
    """Of the level that weighs most: how many events of it, in the same proportions, would be normal."""
    level = next((int(parts.level[i]) for i in order.tolist()), ALL_LEVELS)
    mine = {key: n for key, n in counts.items() if key[0] == level}
    rest = {key: n for key, n in counts.items() if key[0] != level}
    if level in (ALL_LEVELS, Level.UNSPECIFIED) or not mine or not rest or not is_normal(rest):
        return ()
    low = _largest_normal(mine, lambda fewer: is_normal({**rest, **fewer}))
    return (Bound(level_name(level), None, "<=", low),)


def _same_mix(counts: Counts, is_normal: Callable[[Counts], bool]) -> tuple[Bound, ...]:
    """Find the largest total, in the same proportions, that would be normal."""
    low = _largest_normal(counts, is_normal)
    return (Bound(None, None, "<=", low),) if low else ()


def _largest_normal(counts: Counts, is_normal: Callable[[Counts], bool]) -> int:
    """Largest total of these counts, in the same proportions, found normal by bisection; 0 is taken as normal."""
    total = sum(counts.values())
    low, high = 0, total
    while high - low > max(1, total // 64):
        middle = (low + high) // 2
        if is_normal({k: round(v * middle / total) for k, v in counts.items()}):
            low = middle
        else:
            high = middle
    return low
