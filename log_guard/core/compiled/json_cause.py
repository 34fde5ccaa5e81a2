"""Fields that may tell the cause of an error, of JSON lines that compiled code reads: ``formats/json_cause.py`` says which do."""

from __future__ import annotations

import numpy as np

from log_guard.core.compiled.jit import kernel
from log_guard.core.compiled.texts import Ints, Words, below
from log_guard.core.events import Bytes

_ERR, _EXC, _EXC_UPPER, _AT_X, _THROWN, _STACK = np.frombuffer(
    b"".join(
        name.ljust(8, b"\0") for name in (b"err", b"exc", b"Exc", b'@x"', b"thrown", b"stack_")
    ),
    np.uint64,
)
_ERRORS = np.frombuffer(b"err\0\0\0\0\0error\0\0\0thrown\0\0xception", np.uint64)
_ERR_TEXT, _ERROR_TEXT, _THROWN_TEXT, _XCEPTION = _ERRORS
_THREE, _SIX = np.uint64(0xFFFFFF), np.uint64(0xFFFFFFFFFFFF)


@kernel
def may_be_cause(name: np.uint64) -> bool:
    """Whether a field, of whose name these are the first bytes, may tell a cause (``json_cause``)."""
    # ``in`` a tuple is made into a loop, which costs a tenth of all.
    three = name & _THREE
    if three == _ERR or three == _EXC or three == _EXC_UPPER or three == _AT_X:  # noqa: SIM109
        return True
    six = name & _SIX
    return bool(six == _THROWN or six == _STACK)  # noqa: SIM109


@kernel
def is_error(words: Words, name: int, end: int) -> bool:
    """Whether a field that may tell a cause is an error, whose text is all of it."""
    size = end - name
    if size == 9:
        return bool(words[name + 1] == _XCEPTION)
    word = words[name] & below(size)
    return bool(word == _ERR_TEXT or word == _ERROR_TEXT or word == _THROWN_TEXT)  # noqa: SIM109


def causes_of(text: Bytes, names: Ints, values: Ints) -> list[tuple[int, str, str]]:
    """Rows, names and texts of the errors whose bounds these are, (2, n) each; 0 where there is none."""
    view, at = text.data, np.flatnonzero(values[1])
    bounds = zip(at.tolist(), *names[:, at].tolist(), *values[:, at].tolist(), strict=True)
    return [(k, str(view[a:b], "utf-8"), str(view[c:d], "utf-8")) for k, a, b, c, d in bounds]
