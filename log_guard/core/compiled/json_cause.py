"""Fields that may tell the cause of an error, of JSON lines that compiled code reads: ``formats/json_cause.py`` says which do."""

from __future__ import annotations

import numpy as np

from log_guard.core.compiled.jit import kernel

_ERR, _EXC, _EXC_UPPER, _AT_X, _THROWN, _STACK = np.frombuffer(
    b"".join(
        name.ljust(8, b"\0") for name in (b"err", b"exc", b"Exc", b'@x"', b"thrown", b"stack_")
    ),
    np.uint64,
)
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
