"""A model in the words of a running detector: its ids are other ones there, and nothing else differs."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import polars as pl

from log_guard.core.baseline.baseline import (
    Baseline,
    Table,
    code_groups,
    code_levels,
    code_templates,
    key_codes,
)
from log_guard.core.learning.model import Model
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary


def translated(model: Model, groups: Vocabulary, templates: Templates) -> Model:
    """The model with the ids of these tables, to which its words are added."""
    group = groups.ids(pl.Series(model.groups, dtype=pl.String)).to_numpy()
    template = templates.ids(pl.Series(model.templates, dtype=pl.String)).to_numpy()
    tables: dict[str, Table] = {}
    for part in fields(model.baseline):
        table = getattr(model.baseline, part.name)
        if part.name == "groups":
            tables[part.name] = Table.of(group[table.ids], table.sums, table.peaks)
        else:  # only those of the keys name templates
            names = template if part.name == "keys" else None
            tables[part.name] = _renumbered(table, group, names)
    return replace(
        model,
        groups=tuple(groups.words),
        templates=tuple(templates.words),
        baseline=Baseline(**tables),
    )


def _renumbered(table: Table, group: np.ndarray, template: np.ndarray | None) -> Table:
    """Packed codes under new ids; ``template`` None: the codes hold none of our ids."""
    codes = table.ids
    templates = code_templates(codes)
    mine = templates if template is None else template[templates]
    renamed = key_codes(group[code_groups(codes)], code_levels(codes), mine)
    return Table.of(renamed, table.sums, table.peaks)
