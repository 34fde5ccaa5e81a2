"""Raw lines for the counts that weigh, and from when on they came."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.baseline.keys import ALL_LEVELS
from log_guard.core.evidence.lines import OWN_SHARE, Line, level_name, usual_of
from log_guard.core.results import Sample
from log_guard.core.scoring.parts import VOLUME_TEMPLATE, Parts

SHOWN_SAMPLES = 3
LEAST_SHARE = 0.02
"""Share of the score below which a line of evidence has no raw line: that would be any ordinary one."""


def samples_of(parts: Parts, lines: list[Line], samples: pl.DataFrame) -> tuple[Sample, ...]:
    """Raw lines of what leads, each of another template.

    Of a volume that is too large, lines of the messages that rise with it, or of its level. One that is too small has
    none, nor has a message that did not come: whatever came would stand below it as if it were meant. Of what else
    there was too little a line says nothing.
    """
    total = sum(line.square for line in lines)
    rows = samples.select("level", "template", "source", "position", "sample").rows()
    out: list[Sample] = []
    seen: set[int] = set()
    for number, line in enumerate(lines):
        if number and line.square < LEAST_SHARE * total:
            break
        few = bool(parts.side[line.members[0]] < 0)
        if number and few:
            continue
        heavy = line.square >= OWN_SHARE * total and not few
        for i in line.members[: SHOWN_SAMPLES if heavy else 1]:
            level, template = int(parts.level[i]), int(parts.template[i])
            shown = _shown_of(parts, line, i)
            for row in rows:
                wanted = (shown is None or row[1] in shown) and level in (ALL_LEVELS, row[0])
                if not wanted or row[1] in seen:
                    continue
                seen.add(row[1])
                out.append(Sample(level_name(row[0]) or "", row[4], row[2], row[3]))
                if len(out) == SHOWN_SAMPLES:
                    return tuple(out)
                if template != VOLUME_TEMPLATE:
                    break
    return tuple(out)


def _shown_of(parts: Parts, line: Line, i: int) -> set[int] | None:
    """Templates whose lines may be shown of the i-th count, a member of the line; None: all."""
    template = int(parts.template[i])
    if template != VOLUME_TEMPLATE:
        return {template}
    if parts.side[i] < 0:
        return set()
    return {int(parts.template[m]) for m in line.messages} - {VOLUME_TEMPLATE} or None


def onset_of(parts: Parts, line: Line, samples: pl.DataFrame, start: int) -> int:
    """Start of the pane (µs) in which a line of evidence began, in a window from ``start`` on.

    What is never or hardly ever there began with its first event; what is usual began when there were
    more of it than usual; what is missing has been so from the start of the window at the latest.
    """
    i = line.members[0]
    if parts.side[i] < 0:
        return start
    volume = int(parts.template[i]) == VOLUME_TEMPLATE
    wanted = pl.lit(True) if volume else pl.col("template").is_in(parts.template[line.members])
    if parts.level[i] != ALL_LEVELS and len(line.members) == 1:
        wanted &= pl.col("level") == int(parts.level[i])
    panes = samples.filter(wanted).group_by("pane").agg(pl.col("count").sum()).sort("pane")
    if panes.is_empty():
        return start
    high = usual_of(parts, i)[1] if len(line.members) == 1 else 0
    beyond = panes["count"].to_numpy().cumsum() > high
    return int(panes["pane"][int(np.argmax(beyond))])
