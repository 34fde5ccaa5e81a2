"""Trouble that is how things are: an error that is logged now and then, by itself, all through a history.

An incident says much at once, or comes in one place. What comes alone, in three spells or more that do not
all lie in one third of the history, is neither; it is learnt, and is no alarm.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import SPELL
from log_guard.core.events import Level
from log_guard.core.statements import Templates
from log_guard.core.windows import WHOLE, WindowSpec

LEAST_SPELLS = 3
THIRDS = 2
"""Thirds of the history that must hold some of it."""


def troubled_rows(panes: pl.DataFrame, templates: Templates) -> np.ndarray:
    """Which pane rows, (n,), are severe or speak of trouble."""
    severe = panes["level"].to_numpy() >= Level.ERROR
    return np.asarray(severe | templates.troubled(panes["template"].to_numpy()))


def ordinary_rows(panes: pl.DataFrame, templates: Templates, spec: WindowSpec) -> np.ndarray:
    """Which pane rows, (n,), are of ordinary trouble."""
    found = np.zeros(panes.height, dtype=bool)
    trouble = panes.with_columns(
        statement=pl.Series(templates.statements(panes["template"].to_numpy()))
    ).with_row_index("row")
    trouble = trouble.filter(pl.Series(troubled_rows(panes, templates)))
    if trouble.is_empty():
        return found
    first, last = panes["pane"].to_numpy().min(), panes["pane"].to_numpy().max()
    said = ["group", "level", "statement"]
    heard = trouble.select(
        *said,
        window=pl.col("pane") // spec.window,
        spell=pl.col("pane") // SPELL,
        third=(pl.col("pane") - first) * 3 // (last - first + 1),
    ).unique()
    ordinary = (
        heard.with_columns(often=pl.col("spell").n_unique().over(said))
        # In company of what is as rare as itself, or rarer: what comes more often comes beside all else.
        .with_columns(company=pl.col("often").rank("max").over("group", "window"))
        .group_by(said)
        .agg(pl.col("often").first(), pl.col("third").n_unique(), pl.col("company").median())
        .filter(
            (pl.col("often") >= LEAST_SPELLS)
            & (pl.col("third") >= THIRDS)
            & (pl.col("company") <= 1)
        )
    )
    found[trouble.join(ordinary, on=said, how="semi")["row"].to_numpy()] = True
    return found


def ordinary_windows(
    panes: pl.DataFrame,
    templates: Templates,
    spec: WindowSpec,
    ends: np.ndarray,
    groups: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Which of these windows, (n,) event times (µs) and group ids, hold ordinary trouble and no other, and which no trouble at all."""
    ordinary = ordinary_rows(panes, templates, spec)
    other = troubled_rows(panes, templates) & ~ordinary
    some = _holding(panes, ordinary, spec, ends, groups)
    more = _holding(panes, other, spec, ends, groups)
    return np.asarray(some & ~more), np.asarray(~some & ~more)


def _holding(
    panes: pl.DataFrame, rows: np.ndarray, spec: WindowSpec, ends: np.ndarray, groups: np.ndarray
) -> np.ndarray:
    """Which windows hold one of these pane rows; the whole stream's hold those of all groups."""
    pane, group = panes["pane"].to_numpy()[rows], panes["group"].to_numpy()[rows]
    offsets = np.arange(1, spec.panes + 1) * spec.slide
    inside: np.ndarray = np.zeros(len(ends), dtype=bool)
    for number in np.unique(groups).tolist():
        mine = pane if number == WHOLE else pane[group == number]
        inside |= (groups == number) & np.isin(ends, (mine[:, None] + offsets).reshape(-1))
    return inside
