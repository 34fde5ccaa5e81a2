"""Message → template: what varies is replaced by a placeholder, what is secret is removed.

``Payment processed - transaction_id: txn_552216, amount: $705.61`` becomes
``Payment processed - transaction_id: <id>, amount: $<num>``.

Two steps, because one is cheap and the other is thorough:

1. :meth:`Masker.coarse` runs one regular expression over every message and collapses each run of
   (hexadecimal) digits to ``0``. Nothing is decided by it, but thousands of messages become a few.
2. :meth:`Masker.refine` runs the lists of rules below over the few that remain, and what it found
   is remembered.

``template = refine(coarse(message))`` depends on the message alone, so any split of a stream into
batches gives the same templates. The price of collapsing first is that an all-hexadecimal word with
a digit in it is a number like any other (``<num>``): a request id that happens to consist of
decimal digits must not become a template of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import polars as pl

from log_guard.core.events import Bytes
from log_guard.core.masking.replacing import masked, replacing
from log_guard.core.masking.rules import NARROWING, RULES
from log_guard.core.masking.secret_shapes import SECRETS
from log_guard.core.masking.showing import MAX_MESSAGE_CHARS, ODD, longest, one_line
from log_guard.errors import OptionError

MAX_CACHED = 20_000
"""Coarse messages whose templates are remembered; a full memory is emptied, nothing depends on it."""

MAX_TEMPLATE_CHARS = 512

DIGITS = r"(?-u:\b)[0-9a-fA-F]*[0-9][0-9a-fA-F]*(?-u:\b)|[0-9]+"

# How a request was answered is the one number of its line that says what it means. All other numbers are masked,
# so its class is put into the word that an access log read as such has (``formats/nginx.py``).
# Plain texts find the few lines that may need it, for polars remembers few expressions.
_BADLY = re.compile(r'(HTTP/[0-9](?:\.[0-9])?" )(4[0-8][0-9]|49[0-8]|5[0-9]{2})\b', re.ASCII)

_WITHOUT_SECRETS = replacing(SECRETS)
_NARROWED = replacing(NARROWING)
_FINISHED = replacing(RULES).str.strip_chars().str.slice(0, MAX_TEMPLATE_CHARS)

_Refined = tuple[str, bool]
"""Template of a coarse text, and whether that may hold a secret or a control character."""


def _told(found: re.Match[str]) -> str:
    return f"{found[1]}{'client' if found[2][0] == '4' else 'server'}-error"


@dataclass(frozen=True)
class Masker:
    """Turns messages into templates, and into samples that can be shown.

    extra:  (name, regular expression) pairs of the user's own, applied first; what they match
            becomes ``<name>``. Rust syntax: no look-around, so that time stays linear.
    """

    extra: tuple[tuple[str, str], ...] = ()
    _remembered: Remembered[_Refined] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, pattern in self.extra:
            try:
                pl.Series([""]).str.contains(pattern)
            except pl.exceptions.ComputeError as error:
                said = re.search(
                    r"(?m)^(?:error|regex error): (?!regex parse)(.*?)\.?$", str(error)
                )
                reason = said[1] if said else "it does not compile"
                raise OptionError(f"mask {name}: not a regular expression ({reason})") from None
            if not re.fullmatch(r"[a-z][a-z_]*", name):
                raise OptionError(f"mask name {name!r}: use lower-case letters and '_' only")
        # Thirty rules cost more than all the rest, so the few that narrow go first: what they leave
        # was mostly seen before.
        finish = Remembered[str](lambda narrowed: masked(narrowed, _FINISHED).to_list())

        def refined(coarse: pl.Series) -> list[_Refined]:
            odd = coarse.str.contains(ODD)
            return list(zip(finish(_narrow(coarse, odd)), odd.to_list(), strict=True))

        object.__setattr__(self, "_remembered", Remembered[_Refined](refined))

    def __reduce__(self) -> tuple[type[Masker], tuple[tuple[tuple[str, str], ...]]]:
        """To another process goes what it is, and not what it remembers."""
        return Masker, (self.extra,)

    def coarse(self, messages: pl.Series) -> pl.Series:
        """Collapse what mostly varies: String series → String series, a row a message."""
        if longest(messages) > MAX_MESSAGE_CHARS:
            messages = messages.str.slice(0, MAX_MESSAGE_CHARS)
        for name, pattern in self.extra:
            messages = messages.str.replace_all(pattern, f"<{name}>")
        requests = messages.str.contains("HTTP/", literal=True)
        if requests.any():
            badly = messages.str.contains('" 4', literal=True)
            badly |= messages.str.contains('" 5', literal=True)
            at = (requests & badly).fill_null(False).arg_true()
            lines = [_BADLY.sub(_told, line) for line in messages.gather(at).to_list()]
            messages = messages.clone().scatter(at, pl.Series(lines, dtype=pl.String))
        return messages.str.replace_all(DIGITS, "0")

    def refine(self, coarse: pl.Series) -> pl.Series:
        """Make templates of coarse messages; meant for the distinct ones only."""
        return pl.Series([template for template, _ in self._remembered(coarse)], dtype=pl.String)

    def indexed(self, messages: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Message → template, as an index for each message, UInt32, and the distinct templates."""
        texts = self.coarse(messages)
        distinct = texts.unique()
        numbers = pl.Series(np.arange(len(distinct), dtype=np.uint32))
        return self._indexed(texts.replace_strict(distinct, numbers).to_numpy(), distinct)[:2]

    def indexed_spans(
        self, text: Bytes, events: pl.DataFrame
    ) -> tuple[pl.Series, pl.Series, np.ndarray]:
        """Do the same to messages in an array of bytes (``SPAN_SCHEMA``), by compiled code.

        Masks of the user's own are not known to it.

        Also tells which messages may hold a secret, but for numbers of cards, or a control character, within the
        characters that count, (n,): no sign of one is lost in the coarse step, which takes hexadecimal words alone.
        """
        from log_guard.core.compiled.coarse import coarse  # late: loading it takes its time

        begins, ends = events["begin"].to_numpy(), events["end"].to_numpy()
        codes, distinct = coarse(text, begins, ends, MAX_MESSAGE_CHARS)
        return self._indexed(codes, distinct)

    def _indexed(
        self, codes: np.ndarray, distinct: Iterable[str]
    ) -> tuple[pl.Series, pl.Series, np.ndarray]:
        numbers: dict[str, int] = {}
        refined = self._remembered(distinct)
        index = np.array([numbers.setdefault(t, len(numbers)) for t, _ in refined], dtype=np.uint32)
        odd = np.array([is_odd for _, is_odd in refined], dtype=np.bool_)
        return pl.Series(index[codes]), pl.Series(list(numbers), dtype=pl.String), odd[codes]

    def templates(self, messages: pl.Series) -> pl.Series:
        """Message → template, row by row (the two steps together)."""
        index, templates = self.indexed(messages)
        return templates.gather(index)


_Found = TypeVar("_Found")


class Remembered(Generic[_Found]):
    """A function of texts, row by row, that is not computed again for a text seen lately."""

    def __init__(self, compute: Callable[[pl.Series], list[_Found]]) -> None:
        self._compute = compute
        self._known: dict[str, _Found] = {}

    def __call__(self, texts: Iterable[str]) -> list[_Found]:
        """Texts → results, as many."""
        known = self._known
        wanted = list(texts)
        fresh = list({text: None for text in wanted if text not in known})
        if fresh:
            if len(known) + len(fresh) > MAX_CACHED:
                known.clear()
                fresh = list(dict.fromkeys(wanted))
            found = self._compute(pl.Series(fresh, dtype=pl.String))
            known.update(zip(fresh, found, strict=True))
        return [known[text] for text in wanted]


def _narrow(coarse: pl.Series, odd: pl.Series) -> pl.Series:
    """What is left of the first line without secrets, addresses and ids; few are ``odd`` and have a secret or a second line."""
    at = odd.arg_true()
    if len(at):
        clean = masked(one_line(coarse.gather(at)), _WITHOUT_SECRETS)
        coarse = coarse.clone().scatter(at, clean)
    return masked(coarse, _NARROWED)


def mask_one(message: str, extra: Sequence[tuple[str, str]] = ()) -> str:
    """Return the template of one message (for explanations and tests, not for streams)."""
    return str(Masker(tuple(extra)).templates(pl.Series([message]))[0])
