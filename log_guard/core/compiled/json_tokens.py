"""What JSON lines are made of, compiled: where each token ends."""

from __future__ import annotations

import numpy as np

from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.texts import ONES, TOPS, Words, below, first_marked
from log_guard.core.events import Bytes

_QUOTES = np.uint64(ord('"')) * ONES
_ESCAPES = np.uint64(ord("\\")) * ONES
_SPACES = np.uint64(ord(" ")) * ONES
_TRUE, _NULL, _FALSE = np.frombuffer(b"true\0\0\0\0null\0\0\0\0false\0\0\0", np.uint64)


@kernel
def after_spaces(text: Bytes, i: int) -> int:
    """Where a run of spaces ends."""
    while text[i] == ord(" "):
        i += 1
    return i


@kernel
def after_plain(words: Words, i: int, is_utf8: bool) -> int:
    """Where a run of plain characters ends: before a quote, a backslash or a control character."""
    while True:
        # A byte less one borrows into its top bit where it was zero (Hacker's Delight, 6-1).
        word = words[i]
        quote, escape = word ^ _QUOTES, word ^ _ESCAPES
        special = (quote - ONES) & ~quote | (escape - ONES) & ~escape | (word - _SPACES) & ~word
        if not is_utf8:
            special |= word
        special &= TOPS
        if special:
            return i + first_marked(special)
        i += 8


@kernel
def after_bare(text: Bytes, words: Words, i: int) -> int:
    """Where ``true``, ``false``, ``null`` or a number of at most 18 characters ends; else ``i``."""
    start = i
    four = words[i] & below(4)
    if four in (_TRUE, _NULL):
        return i + 4
    if words[i] & below(5) == _FALSE:
        return i + 5
    if text[i] == ord("-"):
        i += 1
    digits = _after_digits(text, i)
    if digits == i or (text[i] == ord("0") and digits > i + 1):
        return start
    i = digits
    if text[i] == ord("."):
        digits = _after_digits(text, i + 1)
        if digits == i + 1:
            return start
        i = digits
    return i if i - start <= 18 else start


@kernel
def _after_digits(text: Bytes, i: int) -> int:
    while ord("0") <= text[i] <= ord("9"):
        i += 1
    return i
