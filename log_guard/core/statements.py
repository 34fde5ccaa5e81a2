"""What stands behind a template: the statement that a program makes, and whether it speaks of trouble.

``Upstream orders unavailable`` and ``Upstream users unavailable`` are two templates, for no word of
them is a number, and one statement: somebody wrote it once. What varies stands mostly towards the end
of a line, so a statement is told by its first six words, placeholders left out. A function of the
template alone, like the template is of its message: nothing depends on what came before.

Levels lie, or are missing. The words do not: a line that says *refused*, *traceback* or *out of
memory* speaks of trouble, at whatever level it was logged. What that is worth is decided by how rarely
a service speaks so (``detectors/novelty.py``); here it is only read. The words are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import numpy as np

from log_guard.core.vocabulary import Vocabulary

STATEMENT_WORDS = 6

_FILLED = re.compile(r"\S*<[a-z_]+>\S*")
_WORD = re.compile(r"[^\W\d_](?:[^\W\d]|[.'-])*")
_TROUBLE = re.compile(
    r"error|exception|traceback|fail|fatal|panic|critical|abort|crash|\bkilled|segfault"
    r"|refus|den(?:y|ied)|reject|forbidden|unauthori[sz]ed|invalid|illegal|violat|corrupt|unexpected"
    r"|unreachable|unavailable|not respond|timed?[ -]?out|\b(?:is|are|was|went|link|host|node) down\b|\blos(?:t|ing)\b|\bdrop"
    r"|cannot|can't|could ?n[o']t|unable|deadlock|overflow|exceed|exhaust|out of|\bfull\b|degraded|\bleak"
    r"|attack|injection|intrusion|malicious|breach|suspicious|tamper|forge",
    re.IGNORECASE,
)

# Code is set in far; a logger or a thread that is filled up to a column, and ends in a mark, is not.
_FRAME = re.compile(
    r"""Traceback \(most recent call last\)|\bFile "[^"]*", line |^\s*(?:at [\w$.<>/]+\(|\.\.\. )"""
    r"""|^\s{4,}\S|[^\s\[]\s{4,}[^\s\]:|-]"""
)
_EXCEPTION = re.compile(r"\b[A-Za-z_]\w*(?:Error|Exception|Failure|Fault|Timeout|Panic)\b")


def statement_of(template: str) -> str:
    """First six words of a template; of one without a word, the template itself."""
    words = _WORD.findall(_FILLED.sub(" ", template))
    return " ".join(words[:STATEMENT_WORDS]) or template


def speaks_of_trouble(template: str) -> bool:
    """Whether a word of it is one that people use for what goes wrong."""
    return _TROUBLE.search(template) is not None


@lru_cache(maxsize=4096)  # asked at every trial of what would have been normal, of the same few
def how_telling(template: str) -> int:
    """How much a line says of what went wrong: 3 where it names an exception, 2 where it speaks of trouble.

    0 for a line of a stack trace, where each was logged as an event of its own: it says where, not what; and
    for a single name.
    """
    if _FRAME.search(template):
        return 0
    if _EXCEPTION.search(template):
        return 3
    return 2 if speaks_of_trouble(template) else int(" " in template)


class Templates(Vocabulary):
    """The table of templates; each is looked at once, when it is first asked about."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        super().__init__(words)
        self._statements = np.empty(0, dtype=np.int64)
        self._troubled = np.empty(0, dtype=bool)

    def statements(self, ids: np.ndarray) -> np.ndarray:
        """Number of the statement behind each template, (n,) int64 in [0, 2**32).

        A hash of its words and not an id: baselines of other machines and days mean the same by it.
        """
        self._look()
        return np.asarray(self._statements[ids])

    def troubled(self, ids: np.ndarray) -> np.ndarray:
        """Which of the templates speak of trouble, (n,) bool."""
        self._look()
        return np.asarray(self._troubled[ids])

    def keep(self, ids: np.ndarray) -> np.ndarray:
        """Forget all templates but these; return old id → new id (-1 where forgotten)."""
        self._statements, self._troubled = self._statements[:0], self._troubled[:0]
        return super().keep(ids)

    def _look(self) -> None:
        fresh = self.words[len(self._statements) :]
        if fresh:
            numbers = [_number(statement_of(word)) for word in fresh]
            self._statements = np.concatenate([self._statements, np.array(numbers, np.int64)])
            spoken = [speaks_of_trouble(word) for word in fresh]
            self._troubled = np.concatenate([self._troubled, np.array(spoken, bool)])


def _number(statement: str) -> int:
    return int.from_bytes(blake2b(statement.encode(), digest_size=4).digest(), "little")
