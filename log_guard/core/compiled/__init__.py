"""The passes over every byte of a log, compiled to machine code by numba.

Each stands in for slower code and does exactly what that does, or leaves the work to it;
``tests/unit/test_compiled.py`` holds the two equal over hostile text. The modules of this package are
imported late: loading numba takes longer than reading a small log does.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec


@cache
def available() -> bool:
    """Whether numba is installed; without it all works, slower."""
    return find_spec("numba") is not None
