"""Strings as small integers: the window arithmetic runs on numbers, the strings are kept once."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl


class Vocabulary:
    """Two-way table of strings and their ids (0, 1, 2 ... in order of arrival).

    The ids mean nothing outside the process: nothing that is computed depends on their order.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self.words: list[str] = list(words)
        self._ids: dict[str, int] = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def id(self, word: str) -> int:
        """Id of a word; a word not seen before gets the next one."""
        number = self._ids.get(word)
        if number is None:
            number = self._ids[word] = len(self.words)
            self.words.append(word)
        return number

    def find(self, word: str) -> int | None:
        """Id of a word, if it has one."""
        return self._ids.get(word)

    def ids(self, words: pl.Series) -> pl.Series:
        """Ids of a String series as Int64, row by row; touches Python once per distinct word."""
        distinct = words.unique().sort()
        table = pl.DataFrame(
            {
                "word": distinct,
                "id": pl.Series([self.id(w) for w in distinct.to_list()], dtype=pl.Int64),
            }
        )
        return (
            words.alias("word")
            .to_frame()
            .join(table, on="word", how="left", maintain_order="left")["id"]
        )

    def keep(self, ids: np.ndarray) -> np.ndarray:
        """Forget all words but these; return old id → new id (-1 where forgotten)."""
        order = np.unique(ids)
        mapping = np.full(len(self.words), -1, dtype=np.int64)
        mapping[order] = np.arange(len(order))
        self.words = [self.words[i] for i in order.tolist()]
        self._ids = {word: i for i, word in enumerate(self.words)}
        return mapping
