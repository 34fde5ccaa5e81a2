"""How kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

_Kernel = TypeVar("_Kernel", bound=Callable[..., object])


def kernel(function: _Kernel) -> _Kernel:
    """Compile at the first call; kept on disk, so that a machine compiles once.

    numba keeps the code beside the source or, where that cannot be written to, in the user's cache.
    """
    try:
        compiled = njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba's word for "there is no place to keep it": each process compiles
        compiled = njit(nogil=True)(function)
    return cast(_Kernel, compiled)
