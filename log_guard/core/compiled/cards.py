"""Numbers that may be those of payment cards, compiled: what ``masking.cards.CARD_LIKE`` finds."""

from __future__ import annotations

import numpy as np

from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.texts import Flags, Ints, frozen
from log_guard.core.events import Bytes

_DIGITS = 13


def card_like(text: Bytes, begins: Ints, ends: Ints) -> Flags:
    """Which texts, given by their bounds, have so many digits with at most a space or a hyphen between two, (n,)."""
    found = np.zeros(len(begins), np.bool_)
    _find(frozen(text), frozen(begins), frozen(ends), found)
    return found


@kernel
def _find(text: Bytes, begins: Ints, ends: Ints, found: Flags) -> None:
    for k in range(len(begins)):
        begin, end = begins[k], ends[k]
        # Among so many bytes on end there is one of any such number, and mostly it is a letter.
        i = begin + _DIGITS - 1
        while i < end and not found[k]:
            if _is_part(text, i, begin, end):
                first, last = i, i + 1
                while first > begin and _is_part(text, first - 1, begin, end):
                    first -= 1
                while last < end and _is_part(text, last, begin, end):
                    last += 1
                digits = 0
                for x in range(first, last):
                    digits += _is_digit(text[x])
                found[k] = digits >= _DIGITS
                i = last
            i += _DIGITS


@kernel
def _is_part(text: Bytes, i: int, begin: int, end: int) -> bool:
    """Whether this is a digit, or a space or a hyphen between two."""
    if _is_digit(text[i]):
        return True
    if text[i] != ord(" ") and text[i] != ord("-"):
        return False
    return i > begin and i + 1 < end and _is_digit(text[i - 1]) and _is_digit(text[i + 1])


@kernel
def _is_digit(byte: np.uint8) -> bool:
    return bool(ord("0") <= byte <= ord("9"))
