"""Counting equal rows, compiled."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.texts import GOLDEN, Ints, frozen

_FEW = 1 << 12


def counted(first: Ints, second: Ints, ranks: npt.NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """Group rows that are alike in both columns, (n,) each: the row of the smallest rank of each group, and its count."""
    rows, counts = np.empty(len(first), np.int64), np.zeros(len(first), np.int64)
    first, second, ranks = frozen(first), frozen(second), frozen(ranks)
    size, found = _FEW, -1
    while found < 0:
        table = np.full(size, -1, np.int64)
        found = _count(first, second, ranks, rows, counts, table)
        size *= 16
    return rows[:found], counts[:found]


@kernel
def _count(
    first: Ints,
    second: Ints,
    ranks: npt.NDArray[np.uint64],
    rows: Ints,
    counts: Ints,
    table: Ints,
) -> int:
    """Fill ``rows`` and ``counts``; return how many groups there are, -1 if the table is too small."""
    found = 0
    last = np.int64(len(table) - 1)
    for k in range(len(first)):
        one, other = first[k], second[k]
        h = np.uint64(one)
        h = ((h ^ (h >> np.uint64(32))) * GOLDEN + np.uint64(other)) * GOLDEN
        slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(last))
        while table[slot] >= 0:
            row = rows[table[slot]]
            if one == first[row] and other == second[row]:
                break
            slot = (slot + 1) & last
        group = table[slot]
        if group < 0:
            if 2 * found > last:
                return -1
            group = table[slot] = found
            rows[found], counts[found] = k, 0
            found += 1
        counts[group] += 1
        if ranks[k] < ranks[rows[group]]:
            rows[group] = k
    return found
