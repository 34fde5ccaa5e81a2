"""Flat JSON lines, compiled: bytes → events, a line at a time, where the line is as most lines are.

Such a line is one object whose fields are strings without escapes, numbers, ``true``, ``false`` or
``null``, and in which all fields that matter are strings, the time one in ISO 8601. Every other line is left to
:mod:`log_guard.core.decoding.formats.json_lines`, which reads all there is. How badly a request was answered
(``json_status``) and the cause of an error (``json_cause``) are read here, where one field tells it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.compiled.iso_time import MINUTE, read_minute, read_within
from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.json_cause import causes_of, is_error, may_be_cause
from log_guard.core.compiled.json_status import Statuses, add_statuses, may_be_bad_status, status_of
from log_guard.core.compiled.json_tokens import after_bare, after_plain, after_spaces
from log_guard.core.compiled.texts import (
    Flags,
    Ints,
    Words,
    array_of,
    below,
    frozen,
    lines_of,
    numbered,
    same,
    words_of,
)
from log_guard.core.events import Bytes

_TIME, _LEVEL, _SERVICE, _MESSAGE = range(4)
_MAY_BE_BAD, _CAUSE = 1 << 4, 1 << 5
_REMEMBERED = 32
"""So many names of fields are remembered from one line to the next."""


@dataclass(frozen=True)
class Flat:
    """Lines that were read, in order; k of them.

    read:            which lines these are, of all, (lines,).
    bounds:          where each line begins, and where the last one ends, (lines + 1,).
    time:            microseconds UTC, (k,).
    level, service:  number of each line's text, (k,), and the distinct texts.
    text:            the lines (and more, and slack), though not as they were: in it
    begins, ends:    bounds of the messages, with what a status adds to them, (k,).
    causes:          of lines that tell an error beside their message: their number, the field and its text.
    """

    read: Flags
    bounds: Ints
    time: Ints
    level: tuple[Ints, list[str]]
    service: tuple[Ints, list[str]]
    text: Bytes
    begins: Ints
    ends: Ints
    causes: list[tuple[int, str, str]]


def read_flat(
    data: bytes,
    keys: tuple[str, str, str, str],
    *,
    bare_utc: bool,
    statuses: Statuses,
    before: tuple[str, ...] = (),
) -> Flat:
    """Read lines.

    data:      lines, each ended by a newline.
    keys:      names of the fields that are the time, the level, the service ("": none), the message.
    bare_utc:  a time without a zone is UTC (else its line is left).
    statuses:  where a status stands, and what it says.
    before:    names that would go before those, were a line looked at on its own.
    """
    # The names come after the lines: one text.
    names = [key.encode() for key in (*keys, *statuses.names, *before)]
    text = array_of(data, *names)
    sizes: Ints = np.array([len(data), *map(len, names)], np.int64)
    name_bounds = np.cumsum(sizes)
    lines = lines_of(frozen(text[: len(data)]))
    spans, time = np.zeros((2, 4, lines), np.int64), np.empty(lines, np.int64)
    bounds, said = np.zeros(lines + 1, np.int64), np.zeros(lines, np.int64)
    key_bounds, other_bounds = frozen(name_bounds[:5]), frozen(name_bounds[4:])
    names_of = (key_bounds, other_bounds, len(statuses.names))
    causes = np.zeros((2, 2, lines), np.int64)
    found = (spans, time, bounds, said, causes)
    _scan(frozen(text), words_of(text), *names_of, _is_utf8(data), bare_utc, *found)
    read = time >= 0
    first = bounds[:-1]
    if not read.all():
        spans, causes = spans[:, :, read], causes[:, :, read]
        time, said, first = time[read], said[read], first[read]
    begins, ends = spans
    level = numbered(text, begins[_LEVEL], ends[_LEVEL])
    service = numbered(text, begins[_SERVICE], ends[_SERVICE])  # where none is named all are empty
    told = causes_of(text, causes[:, 0], causes[:, 1])
    if said.any():  # after all else was taken from the lines, for it is written into them
        add_statuses(text, first, begins[_MESSAGE], ends[_MESSAGE], said, statuses)
    return Flat(read, bounds, time, level, service, text, begins[_MESSAGE], ends[_MESSAGE], told)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@kernel
def _scan(
    text: Bytes,
    words: Words,
    key_bounds: Ints,
    other_bounds: Ints,
    statuses: int,
    is_utf8: bool,
    bare_utc: bool,
    spans: Ints,
    time: Ints,
    bounds: Ints,
    said: Ints,
    causes: Ints,
) -> None:
    """Read all lines; ``time`` is -1 where a line is left, ``said`` a status that is told, or 0.

    Bounds of the names and texts of errors that are told are put into ``causes``.

    A newline is part of no token, so nothing is read beyond the end of a line.
    """
    wanted = 0
    for f in range(4):
        if key_bounds[f] < key_bounds[f + 1]:
            wanted |= 1 << f
    names = np.full((3, _REMEMBERED), -1, np.int64)
    last, minute = 0, -1  # where a time began last, and its minute
    i = 0
    for n in range(len(time)):
        time[n] = -1
        first = i
        found, i = _scan_object(text, words, i, key_bounds, is_utf8, spans, n, names, causes)
        if found >= _MAY_BE_BAD:
            said[n] = status_of(text, words, first, other_bounds, statuses, is_utf8)
            found = found & (_MAY_BE_BAD - 1) if said[n] >= 0 else -1
        if text[i] == ord("\r"):
            i += 1
        if found == wanted and text[i] == ord("\n"):
            # Objects within strings, and lines with a time of their own, are looked into, by those who can.
            opening = text[spans[0, _MESSAGE, n]]
            inner = opening == ord("{") or opening == ord("[")
            inner |= _is_year(text, spans[0, _MESSAGE, n])
            inner |= opening == ord('"')  # without a message the other fields are told
            if wanted >> _SERVICE & 1:
                inner |= text[spans[0, _SERVICE, n]] == ord("{")
            if not inner:
                begin, end = spans[0, _TIME, n], spans[1, _TIME, n]
                if minute < 0 or end - begin < MINUTE or not same(words, begin, last, MINUTE):
                    last, minute = begin, read_minute(text, begin, end)
                if minute >= 0:
                    time[n] = read_within(text, begin + MINUTE, end, minute, bare_utc)
        while text[i] != ord("\n"):
            i += 1
        i += 1
        bounds[n + 1] = i


@kernel
def _scan_object(
    text: Bytes,
    words: Words,
    i: int,
    key_bounds: Ints,
    is_utf8: bool,
    spans: Ints,
    n: int,
    names: Ints,
    causes: Ints,
) -> tuple[int, int]:
    """Read an object; which fields were found, as bits (and ``_MAY_BE_BAD``, ``_CAUSE``), or -1; and where it ends.

    names:  of the last object that had as many fields: where each name begins, its size and which field it is. Most
            objects of a log have the same names in the same order.
    """
    if text[i] != ord("{"):
        return -1, i
    found, place = 0, -1
    i += 1
    while True:
        i = after_spaces(text, i)
        if text[i] != ord('"'):
            return -1, i
        start = i + 1
        place = min(place + 1, _REMEMBERED - 1)
        size = names[1, place]
        if size >= 0 and same(words, start, names[0, place], size + 1):  # the quote, too
            i, field = start + size, names[2, place]
        else:
            i = after_plain(words, start, is_utf8)
            if text[i] != ord('"'):
                return -1, i
            field = _field(words, start, i - start, key_bounds)
            names[0, place], names[1, place], names[2, place] = start, i - start, field
        name, name_end = start, i
        i = after_spaces(text, i + 1)
        if text[i] != ord(":"):
            return -1, i
        i = after_spaces(text, i + 1)
        if text[i] == ord('"'):
            start = i + 1
            i = after_plain(words, start, is_utf8)
            if text[i] != ord('"'):
                return -1, i
            if field < 0 and i > start and may_be_cause(words[name]):
                if found & _CAUSE or not is_error(words, name, name_end):
                    return -1, i
                found |= _CAUSE
                causes[0, 0, n], causes[1, 0, n] = name, name_end
                causes[0, 1, n], causes[1, 1, n] = start, i
            if field < 0 and i - start == 3 and may_be_bad_status(text, words, name_end, start):
                found |= _MAY_BE_BAD
            # Of a key given twice the first counts.
            if field >= 0 and not (found >> field) & 1:
                spans[0, field, n] = start
                spans[1, field, n] = i
                found |= 1 << field
            i += 1
        else:
            end = after_bare(text, words, i)
            if field >= 0 or end == i:
                return -1, i
            if end - i == 3 and may_be_bad_status(text, words, name_end, i):
                found |= _MAY_BE_BAD
            i = end
        i = after_spaces(text, i)
        if text[i] == ord("}"):
            return found, i + 1
        if text[i] != ord(","):
            return -1, i
        i += 1


@kernel
def _is_year(text: Bytes, i: int) -> bool:
    """Whether this looks like the beginning of a date."""
    if text[i] != ord("2") or text[i + 1] != ord("0"):
        return False
    mark = text[i + 4]
    return bool(mark == ord("-") or mark == ord("/"))


@kernel
def _field(words: Words, start: int, size: int, key_bounds: Ints) -> int:
    """Which of the fields has this name, or -1."""
    if size == 0:
        return -1
    first = words[start]
    mask = below(size)
    for f in range(4):
        at = key_bounds[f]
        alike = key_bounds[f + 1] - at == size and (first ^ words[at]) & mask == 0
        if alike and (size <= 8 or same(words, start + 8, at + 8, size - 8)):
            return f
    return -1
