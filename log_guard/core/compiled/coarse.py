"""The coarse step of masking, compiled: every message once, byte by byte."""

from __future__ import annotations

import numpy as np

from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.texts import (
    ONES,
    SLACK,
    TOPS,
    Ints,
    Words,
    first_marked,
    frozen,
    numbered,
    words_of,
    writable_words_of,
)
from log_guard.core.events import Bytes

_DIGIT, _HEX, _WORD, _APART = 1, 2, 4, 8
_KIND = np.zeros(256, np.uint8)
for _bytes, _kind in (
    (b"0123456789", _DIGIT | _HEX | _WORD),
    (b"abcdefABCDEF", _HEX | _WORD),
    (b"ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ_", _WORD),
    (b" \"',;=/()[]", _APART),  # what no rule for addresses or names goes on over
):
    _KIND[list(_bytes)] = _kind
_UUID = np.frombuffer(b"0-0-0-0-", np.uint64)[0]  # and a last 0
_CLIENT, _SERVER = (np.frombuffer(word, np.uint64)[0] for word in (b"client-e", b"server-e"))
_ERROR = np.frombuffer(b"rror\0\0\0\0", np.uint64)[0]
_ZEROS = np.uint64(ord("0")) * ONES
_TENS = np.uint64(10) * ONES


def coarse(text: Bytes, begins: Ints, ends: Ints, most: int) -> tuple[Ints, list[str]]:
    """Messages → the number of each one's coarse text, (n,), and the distinct coarse texts.

    text, begins, ends:  messages (UTF-8), by their bounds, (n,).
    most:                characters of a message that count.

    Coarse texts are those of ``Masker.coarse`` without masks of the user's own, but that the parts of
    a UUID which have no decimal digit are collapsed too. Its template is the same, and one text stands
    for many.
    """
    # The word that stands for a status is nine bytes longer, and what has to come before it is as many.
    out = np.empty(2 * int((ends - begins).sum()) + 2 * SLACK, np.uint8)
    bounds = np.zeros(len(begins) + 1, np.int64)
    text, begins, ends = frozen(text), frozen(begins), frozen(ends)
    _collapse(text, words_of(text), begins, ends, most, writable_words_of(out), bounds)
    return numbered(out, bounds[:-1], bounds[1:])


@kernel
def _collapse(
    text: Bytes,
    words: Words,
    begins: Ints,
    ends: Ints,
    most: int,
    out: Words,
    bounds: Ints,
) -> None:
    """Put the coarse text of message ``k`` between ``bounds[k]`` and ``bounds[k + 1]`` of ``out``.

    A word of hexadecimal digits of which one is decimal becomes ``0``; so does, within other words,
    each run of decimal digits. Bytes above 127 are no part of words. Of a UUID all parts become ``0``.
    """
    to = 0
    for k in range(len(begins)):
        begin, end = begins[k], _cut(text, begins[k], ends[k], most)
        i = begin
        while i < end:
            # Up to the next decimal digit all stays as it is.
            start = i
            i = _next_digit(words, i, end)
            for x in range(0, i - start, 8):
                out[to + x] = words[start + x]
            to += i - start
            if i == end:
                break
            first, last = i, i
            while first > start and _KIND[text[first - 1]] & _HEX:
                first -= 1
            while last < end and _KIND[text[last]] & _HEX:
                last += 1
            begun = first == begin or not _KIND[text[first - 1]] & _WORD
            if begun and last - first == 8 and _is_uuid(text, first, begin, end):
                to -= i - first
                i = first + 36
                out[to] = _UUID
                to += 8
            elif begun and last - first == 3 and _is_bad_status(text, first, last, begin, end):
                out[to] = _CLIENT if text[first] == ord("4") else _SERVER
                out[to + 8] = _ERROR
                to += 12
                i = last
                continue
            elif begun and (last == end or not _KIND[text[last]] & _WORD):
                to -= i - first
                i = last
            else:
                while i < end and _KIND[text[i]] & _DIGIT:
                    i += 1
            out[to] = np.uint64(ord("0"))
            to += 1
        bounds[k + 1] = to


@kernel
def _is_uuid(text: Bytes, i: int, begin: int, end: int) -> bool:
    """Whether a UUID begins here and stands by itself."""
    if i + 36 > end or (i > begin and not _KIND[text[i - 1]] & _APART):
        return False
    if i + 36 < end and not _KIND[text[i + 36]] & _APART:
        return False
    for x in range(36):
        hyphen = x == 8 or x == 13 or x == 18 or x == 23
        if hyphen != (text[i + x] == ord("-")) or not (hyphen or _KIND[text[i + x]] & _HEX):
            return False
    return True


@kernel
def _is_bad_status(text: Bytes, i: int, last: int, begin: int, end: int) -> bool:
    """Whether this number is the status of a request, in quotes before it, that was not answered well.

    A client that has gone away (499) is none.
    """
    if i - begin < 8 or (last < end and _KIND[text[last]] & _WORD):
        return False
    second, third = text[i + 1], text[i + 2]
    if not (_KIND[second] & _DIGIT and _KIND[third] & _DIGIT):
        return False
    if text[i] == ord("4"):
        if second == ord("9") and third == ord("9"):
            return False
    elif text[i] != ord("5"):
        return False
    if text[i - 1] != ord(" ") or text[i - 2] != ord('"') or not _KIND[text[i - 3]] & _DIGIT:
        return False
    i -= 4
    if text[i] == ord(".") and _KIND[text[i - 1]] & _DIGIT:
        i -= 2
    return (
        i - 4 >= begin
        and text[i] == ord("/")
        and text[i - 4] == ord("H")
        and text[i - 3] == ord("T")
        and text[i - 2] == ord("T")
        and text[i - 1] == ord("P")
    )


@kernel
def _next_digit(words: Words, i: int, end: int) -> int:
    while i < end:
        # Digits are 0 to 9 after this, and a byte less ten borrows into its top bit where it was one
        # of them (Hacker's Delight, 6-1).
        word = words[i] ^ _ZEROS
        digits = (word - _TENS) & ~word & TOPS
        if digits:
            return min(i + first_marked(digits), end)
        i += 8
    return end


@kernel
def _cut(text: Bytes, begin: int, end: int, most: int) -> int:
    """Where the first ``most`` characters end."""
    if end - begin <= most:
        return end
    for i in range(begin, end):
        most -= (text[i] & 0xC0) != 0x80  # all bytes of a character but its first look so
        if most < 0:
            return i
    return end
