"""Texts that lie in one array of bytes, given by their bounds: numbered, or taken out.

Eight bytes at a time are looked at as one word, so every array ends with slack.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from log_guard.core.compiled.jit import kernel
from log_guard.core.events import Bytes

Words = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_Array = TypeVar("_Array", Bytes, Ints, Words)

SLACK = 8
"""Bytes at the end of an array that belong to no text: a word can be read from each place before."""

ONES = np.uint64(0x0101010101010101)
TOPS = np.uint64(0x8080808080808080)
"""A word of bytes that are 1, and one of bytes of which only the top bit is set."""

_FEW = 1 << 12
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def frozen(array: _Array) -> _Array:
    """See an array as one that is contiguous and not written to: a kernel is compiled for each kind."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def array_of(*parts: bytes) -> Bytes:
    """Join parts to one array, which can be written to, with slack."""
    sizes = [len(part) for part in parts]
    text = np.zeros(sum(sizes) + SLACK, np.uint8)
    to = 0
    for part, size in zip(parts, sizes, strict=True):
        text[to : to + size] = np.frombuffer(part, np.uint8)
        to += size
    return text


def words_of(text: Bytes) -> Words:
    """View an array with slack as words of eight bytes, one from each place."""
    words = writable_words_of(text)
    words.flags.writeable = False
    return words


def writable_words_of(text: Bytes) -> Words:
    """View an array with slack as words that can be put to each place, if its bytes can."""
    return np.ndarray((len(text) - SLACK + 1,), np.uint64, text.data, 0, (1,))


def numbered(text: Bytes, begins: Ints, ends: Ints) -> tuple[Ints, list[str]]:
    """Texts (UTF-8, bounds (n,)) → the number of each, (n,), and the distinct texts by number."""
    begins, ends = frozen(begins), frozen(ends)
    codes, firsts = np.empty(len(begins), np.int64), np.empty(len(begins), np.int64)
    size, found = _FEW, -1
    while found < 0:  # a small table stays in the processor's cache, and is mostly enough
        table = np.full(size, -1, np.int64)
        found = _number(words_of(text), begins, ends, codes, firsts, table)
        size *= 16
    firsts = firsts[:found]
    bounds = zip(begins[firsts].tolist(), ends[firsts].tolist(), strict=True)
    view = text.data
    return codes, [str(view[a:b], "utf-8") for a, b in bounds]


def taken(text: Bytes, begins: Ints, ends: Ints) -> pl.Series:
    """Texts (UTF-8, bounds (n,)) → String, (n,)."""
    sizes = ends - begins
    at = np.cumsum(sizes) - sizes
    out = np.empty(int(sizes.sum()) + SLACK, np.uint8)
    _copy(words_of(text), frozen(begins), frozen(ends), writable_words_of(out))
    whole = pl.DataFrame({"at": at, "size": sizes}).select(
        pl.lit(out.tobytes()).bin.slice(pl.col("at"), pl.col("size")).cast(pl.String)
    )
    return whole.to_series()


@kernel
def lines_of(text: Bytes) -> int:
    """How many newlines there are: ``bytes.count`` takes ten times as long."""
    lines = 0
    for byte in text:
        lines += byte == 10
    return lines


@kernel
def below(size: int) -> np.uint64:
    """Mask of the first ``size`` bytes of a word; of all, from eight on."""
    return ~np.uint64(0) if size >= 8 else (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)


@kernel
def first_marked(tops: np.uint64) -> int:
    """Which byte of a word is the first whose top bit is set; no other bits are, and one is."""
    # The bits below it, one of each byte, added up in the top byte.
    before = ((tops & (~tops + np.uint64(1))) - np.uint64(1)) & ONES
    return int((before * ONES) >> np.uint64(56)) - 1


@kernel
def same(words: Words, i: int, j: int, size: int) -> bool:
    """Whether so many bytes are the same from ``i`` and from ``j`` on."""
    while size >= 8:
        if words[i] != words[j]:
            return False
        i += 8
        j += 8
        size -= 8
    return bool((words[i] ^ words[j]) & below(size) == 0)


@kernel
def _number(words: Words, begins: Ints, ends: Ints, codes: Ints, firsts: Ints, table: Ints) -> int:
    """Number the distinct texts in the order in which they first come.

    codes:   filled with the number of each text, (n,).
    firsts:  filled with the index of the first text of each number.
    table:   room for a table with open addressing: -1 everywhere, a power of two.

    Returns how many distinct texts there are, or -1 if the table is too small for them.
    """
    found = 0
    last = np.int64(len(table) - 1)
    for k in range(len(begins)):
        begin, size = begins[k], ends[k] - begins[k]
        h = np.uint64(size)
        x, rest = begin, size
        while rest >= 8:
            h = (h ^ words[x]) * GOLDEN
            h ^= h >> np.uint64(32)
            x += 8
            rest -= 8
        h = (h ^ (words[x] & below(rest))) * GOLDEN
        h ^= h >> np.uint64(32)
        slot = np.int64(h & np.uint64(last))
        while table[slot] >= 0:  # hashes say where to look, texts decide
            first = firsts[table[slot]]
            if ends[first] - begins[first] == size and same(words, begins[first], begin, size):
                break
            slot = (slot + 1) & last
        if table[slot] < 0:
            if 2 * found > last:
                return -1
            table[slot] = found
            firsts[found] = k
            found += 1
        codes[k] = table[slot]
    return found


@kernel
def _copy(words: Words, begins: Ints, ends: Ints, out: Words) -> None:
    to = 0
    for k in range(len(begins)):
        for i in range(begins[k], ends[k], 8):  # what is too much is written over, or slack
            out[to + i - begins[k]] = words[i]
        to += ends[k] - begins[k]
