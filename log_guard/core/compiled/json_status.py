"""How badly a request was answered, of JSON lines that compiled code reads: ``formats/status.py`` says what is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.json_tokens import after_bare, after_plain, after_spaces
from log_guard.core.compiled.texts import Ints, Words, below, frozen, same
from log_guard.core.events import Bytes

_STATUS, _CODE, _CODE_UPPER = np.frombuffer(b"atus\0\0\0\0code\0\0\0\0Code\0\0\0\0", np.uint64)


@dataclass(frozen=True)
class Statuses:
    """Names of fields that may tell a status, and what a bad one adds to a message before its number, equally long."""

    names: tuple[str, ...]
    client: str
    server: str


def add_statuses(
    text: Bytes, firsts: Ints, begins: Ints, ends: Ints, said: Ints, statuses: Statuses
) -> None:
    """Put messages with what their statuses add to them where their lines began, and say where that is.

    There is room: a line has its time beside its message.

    text:          is written to, and holds
    firsts:        where the line of each message begins, (n,),
    begins, ends:  and the bounds of the message, (n,), which are set anew.
    said:          status of each, 0 where none is told, (n,).
    """
    badly = np.frombuffer((statuses.client + statuses.server).encode(), np.uint8)
    _add(text, firsts, begins, ends, said, frozen(badly).reshape(2, -1))


@kernel
def may_be_bad_status(text: Bytes, words: Words, name_end: int, value: int) -> bool:
    """Whether a field with a value of three characters may tell that a request was answered badly (``status``)."""
    if text[value] != ord("4") and text[value] != ord("5"):
        return False
    last = words[name_end - 4] & below(4)
    return bool(last == _STATUS or last == _CODE or last == _CODE_UPPER)  # noqa: SIM109


@kernel
def status_of(
    text: Bytes, words: Words, i: int, other_bounds: Ints, statuses: int, is_utf8: bool
) -> int:
    """Status, of a request that was answered badly, that one field of an object tells; 0: none, -1: another has to look.

    i:             where the object, which was read already, begins.
    other_bounds:  names of fields that may tell it, so many of them, and of others for which this is not looked into.
    """
    seen, said = False, 0
    i += 1
    while True:
        start = after_spaces(text, i) + 1
        i = after_plain(words, start, is_utf8)
        name = _among(words, start, i - start, other_bounds)
        value = after_spaces(text, after_spaces(text, i + 1) + 1)
        quoted = text[value] == ord('"')
        value += quoted
        i = after_plain(words, value, is_utf8) if quoted else after_bare(text, words, value)
        if name >= statuses or (name >= 0 and seen):
            return -1
        if name >= 0:
            seen = True
            number = _three(text, value) if i - value == 3 else 0
            said = number if 400 <= number < 600 and number != 499 else 0
        i = after_spaces(text, i + quoted)
        if text[i] == ord("}"):
            return said
        i += 1


@kernel
def _three(text: Bytes, i: int) -> int:
    """Return the number of three digits, or 0."""
    number = 0
    for x in range(3):
        digit = int(text[i + x]) - 48
        if not 0 <= digit <= 9:
            return 0
        number = 10 * number + digit
    return number


@kernel
def _among(words: Words, start: int, size: int, bounds: Ints) -> int:
    """Which of these names this is, or -1."""
    for f in range(len(bounds) - 1):
        if bounds[f + 1] - bounds[f] == size and same(words, start, bounds[f], size):
            return f
    return -1


@kernel
def _add(text: Bytes, firsts: Ints, begins: Ints, ends: Ints, said: Ints, badly: Bytes) -> None:
    for k in range(len(said)):
        if said[k] == 0:
            continue
        to = firsts[k]
        for i in range(begins[k], ends[k]):
            text[to] = text[i]
            to += 1
        begins[k] = firsts[k]
        kind = badly[said[k] // 100 - 4]
        for i in range(len(kind)):
            text[to] = kind[i]
            to += 1
        for unit in (100, 10, 1):
            text[to] = 48 + said[k] // unit % 10
            to += 1
        ends[k] = to
