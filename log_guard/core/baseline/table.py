"""Sums and maxima by id, which add: what a baseline is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Table:
    """Sorted int64 ids and, for each, a row of sums and one of maxima; tables add.

    ids:   (n,)
    sums:  (n, k) float64 holding multiples of 2**-20, so that adding is exact
    peaks: (n, p) float64 of 0 or more, merged by the larger
    """

    ids: np.ndarray
    sums: np.ndarray
    peaks: np.ndarray

    @staticmethod
    def empty(sums: int, peaks: int = 0) -> Table:
        return Table(np.empty(0, dtype=np.int64), np.empty((0, sums)), np.empty((0, peaks)))

    @staticmethod
    def of(ids: np.ndarray, sums: np.ndarray, peaks: np.ndarray | None = None) -> Table:
        """Merge the rows of equal ids."""
        unique, inverse = np.unique(ids, return_inverse=True)
        out = np.zeros((len(unique), sums.shape[1]))
        np.add.at(out, inverse, sums)
        peaks = np.empty((len(ids), 0)) if peaks is None else peaks
        highest = np.zeros((len(unique), peaks.shape[1]))
        np.maximum.at(highest, inverse, peaks)
        return Table(unique, out, highest)

    def __add__(self, other: Table) -> Table:
        return Table.of(
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.sums, other.sums]),
            np.concatenate([self.peaks, other.peaks]),
        )

    def take(self, rows: np.ndarray) -> Table:
        """Return the rows of these indexes, which ascend."""
        return Table(self.ids[rows], self.sums[rows], self.peaks[rows])

    def look_up(self, ids: np.ndarray) -> np.ndarray:
        """Sums of these ids, (len(ids), k); zeros where unknown."""
        return self._found(ids, self.sums)

    def look_up_peaks(self, ids: np.ndarray) -> np.ndarray:
        """Maxima of these ids, (len(ids), p); zeros where unknown."""
        return self._found(ids, self.peaks)

    def _found(self, ids: np.ndarray, values: np.ndarray) -> np.ndarray:
        out = np.zeros((len(ids), *values.shape[1:]))
        if len(self.ids):
            at = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
            hit = self.ids[at] == ids
            out[hit] = values[at[hit]]
        return out


def among(ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Which ids, (n,), are among those that are known, sorted, (k,): what ``numpy.isin`` would sort anew."""
    if not len(known):
        return np.zeros(len(ids), dtype=bool)
    at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.asarray(known[at] == ids)
