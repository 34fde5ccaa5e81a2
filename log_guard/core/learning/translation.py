"""A model in the words of a running detector: its ids are other ones there, and nothing else differs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.keys import renumbered
from log_guard.core.baseline.table import Table
from log_guard.core.learning.model import Model
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary


def translated(model: Model, groups: Vocabulary, templates: Templates) -> Model:
    """The model with the ids of these tables, to which its words are added."""
    group = groups.ids(pl.Series(model.groups, dtype=pl.String)).to_numpy()
    template = templates.ids(pl.Series(model.templates, dtype=pl.String)).to_numpy()

    def under(ids: np.ndarray, table: Table) -> Table:
        return Table.of(ids, table.sums, table.peaks)

    b = model.baseline
    return replace(
        model,
        groups=tuple(groups.words),
        templates=tuple(templates.words),
        baseline=Baseline(
            keys=under(renumbered(b.keys.ids, group, template), b.keys),
            statements=under(renumbered(b.statements.ids, group), b.statements),
            volumes=under(renumbered(b.volumes.ids, group), b.volumes),
            groups=under(group[b.groups.ids], b.groups),
        ),
    )
