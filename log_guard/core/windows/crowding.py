"""Rows of the groups that have no windows of their own, counted under one name."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows.admission import LATE_NAMES, OTHER_GROUPS, Admission


def own_groups(
    summary: pl.DataFrame, admission: Admission, groups: Vocabulary, starts: Mapping[int, int]
) -> pl.Series:
    """The groups of a summary, where there is no more room those that came too late as one.

    starts:  group → first pane that held an event on time. The events renamed are added to
             ``admission.crowded``.
    """
    full_from = admission.full_from
    if full_from is None:
        return summary["group"]
    names = summary["group"].unique().to_list()
    others = summary["group"].is_in(admission.strangers(names, groups.find, starts))
    # A late event from before the bound was met is of its own group, whenever it comes.
    if len(groups) < (admission.most or 0) + LATE_NAMES:
        others &= summary["pane"] >= full_from
    admission.crowded += int(summary["count"].filter(others).sum())
    return summary.select(
        pl.when(others).then(pl.lit(OTHER_GROUPS)).otherwise("group").alias("group")
    )["group"]


def refused_rows(
    rows: pl.DataFrame, admission: Admission, other: int, starts: Mapping[int, int]
) -> pl.Series:
    """Which rows (``pane``, ``group``) belong to groups that were refused; ``other`` is their id as one."""
    full_from = admission.full_from
    assert full_from is not None
    groups = rows["group"].unique().to_list()
    own = [g for g in groups if g == other or admission.is_own(g, starts)]
    return ~rows["group"].is_in(own) & (rows["pane"] >= full_from)
