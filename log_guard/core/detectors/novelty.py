"""Novelty: what has not been seen, or hardly ever, is surprising; the more so if it means trouble.

The surprise of a statement (``statements.py``) is ``-log2`` of the share of the group's spells (of 2
minutes) that held it, with half a spell added (the Krichevsky-Trofimov estimate). A template that is
rarer than its statement adds half of the difference: a new variant of a well-known line is some news. So is
a line that is no trouble and new to its service, but known from another: replicas run one program, and what one of
them says the next will say.

Three things make known lines less surprising than their share of all history: what has been there again and
again within the last hour is usual now (a deploy); so is what has been so since it was first there, if that
is a day ago or more; and what has come back after an hour or more, and is no
trouble, is known to come back (a nightly job, a restart).

It is weighted by what the key means. An ERROR means much in a service that hardly ever logs one and
little in one that logs them all day, and so do the words of trouble where levels lie: what weighs is
how rare the level, or such talk, is in the group. The weight counts in the measure in which the key
itself is rare: a harmless ERROR that is known stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from log_guard.core.exact import exact

TONE_WEIGHT = 0.2
"""What a bit of surprise at the level, or at words of trouble, adds to the weight of a key."""
SEVERE_WEIGHT = 1.0
"""What ERROR and FATAL add to it, however usual they are in the group."""
MAX_TONE_BITS = 12.0
VARIANT_SHARE = 0.5
"""Share of a template's rarity, beyond that of its statement, that counts, and of a statement's in its service,
beyond that in the whole stream."""

AGAIN, TROUBLE_AGAIN = 1.0, 5.0
"""Spells of the last hour that do not count as again; of trouble, those of one incident do not."""
RETURN_SPELLS = 30
"""What was there again so many spells (an hour) after its first time is known to come back."""
RETURN_SHARE = 0.5
"""Share of its surprise that is left to what is known to come back."""


def rarity_bits(spells_with: np.ndarray | float, spells_watched: np.ndarray) -> np.ndarray:
    """``-log2`` of the share of spells with something in them, (n,)."""
    share = (spells_with + 0.5) / (np.maximum(spells_watched, spells_with) + 1.0)
    return np.asarray(-np.log2(share))


def novelty_bits(
    spells_with: np.ndarray,
    spells_watched: np.ndarray,
    statement_spells: np.ndarray | None = None,
    tone_shares: np.ndarray | float = 1.0,
    severe: np.ndarray | float = 0.0,
    usual_in: Sequence[tuple[np.ndarray, np.ndarray]] = (),
    returning: np.ndarray | bool = False,
    anywhere: tuple[np.ndarray, np.ndarray] = (np.zeros(1), np.zeros(1)),
) -> np.ndarray:
    """Surprise of keys that occur, bits; all arguments (n,).

    statement_spells:  spells with the statement behind the key; None: the key is all there is.
    tone_shares:       share of the group's events that have the key's level, or that speak of trouble
                       as it does, in (0, 1].
    severe:            1 for ERROR and FATAL, else 0.
    usual_in:          for each of some stretches of history, such as the last hour, the spells in which the
                       statement was there *again* (0 or less: it was not), and the spells of it watched.
    returning:         whether it is known to come back.
    anywhere:          spells of the whole stream with the statement (0: that says nothing), and those watched.
    """
    own = rarity_bits(spells_with, spells_watched)
    said = own if statement_spells is None else rarity_bits(statement_spells, spells_watched)
    usual = np.zeros(len(said))
    for again, watched in usual_in:
        less = said - rarity_bits(np.maximum(again, 0.0), watched)
        usual = np.maximum(usual, less * (again > 0))
    beyond = np.maximum(said - usual - rarity_bits(*anywhere), 0.0) * (anywhere[0] > 0)
    usual = usual + (1.0 - VARIANT_SHARE) * beyond
    own, said = np.maximum(own - usual, 0.0), said - usual
    bits = said + VARIANT_SHARE * np.maximum(own - said, 0.0)
    bits = np.where(returning, RETURN_SHARE * bits, bits)
    tone = np.clip(-np.log2(tone_shares), 0.0, MAX_TONE_BITS)
    rare = bits / np.maximum(rarity_bits(0.0, spells_watched), 1.0)
    return exact(bits * (1.0 + rare * (TONE_WEIGHT * tone + SEVERE_WEIGHT * severe)))


class NoveltyDetector:
    """The same for a plain matrix of counts, behind scikit-learn's outlier interface.

    X is (windows, keys); columns beyond those fitted are keys never seen. ``offset_`` is the lowest
    score of the windows it was fitted on.
    """

    def get_params(self, deep: bool = True) -> dict[str, object]:
        return {}

    def fit(self, X: np.ndarray, y: None = None) -> NoveltyDetector:
        X = np.asarray(X)
        self.seen_ = (X > 0).sum(axis=0).astype(float)
        self.rows_ = float(len(X))
        self.offset_ = float(self.score_samples(X).min())
        return self

    def score_samples(self, X: np.ndarray) -> np.ndarray:
        """Minus the Euclidean norm of the keys' surprises, (windows,)."""
        X = np.asarray(X)
        seen = np.concatenate([self.seen_, np.zeros(X.shape[1] - len(self.seen_))])
        rows = np.full(len(seen), self.rows_)
        bits = novelty_bits(seen, rows)
        return np.asarray(-np.sqrt(((X > 0) * bits**2).sum(axis=1)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(self.score_samples(X) >= self.offset_, 1, -1)
