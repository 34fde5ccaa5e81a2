"""LogGuard watches log streams and says, within seconds, what is not normal, and why.

For programs that embed it::

    import log_guard

    for item in log_guard.scan("app.log"):
        if isinstance(item, log_guard.Alert) and item.state == "opened":
            print(item.evidence.sentence)

See :func:`log_guard.app.api.scan` for a file and :class:`log_guard.app.api.Scanner` for batches of lines.
The names are imported when they are first used: ``import log_guard`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from log_guard.app.api import Alert, Ledger, LogGuardError, Result, Scanner, scan

    __version__: str

__all__ = ["Alert", "Ledger", "LogGuardError", "Result", "Scanner", "scan"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("logguard")
    if name in __all__:
        return getattr(import_module("log_guard.app.api"), name)
    raise AttributeError(f"module 'log_guard' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
