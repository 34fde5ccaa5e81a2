"""The command line. Commands are thin: they read options, call the app, and print.

Heavy modules are imported inside the commands, so that ``--help`` answers at once. Here is only what has
to be there before anything is imported.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130
"""As a shell has it of a program that Ctrl-C has ended: 128 + SIGINT."""
ROLES = ("process", "summarise", "detect", "write")
"""Commands that run until a signal, which is no failure of theirs."""


def _stopped_early(number: int, frame: FrameType | None) -> None:
    os._exit(0 if number == signal.SIGTERM else INTERRUPTED)


def _interrupted(number: int, frame: FrameType | None) -> None:
    """Raise it once: a second Ctrl-C, or one where nothing can be raised, leaves nothing to be told."""
    signal.signal(number, _stopped_early)
    sys.unraisablehook = _unraisable
    raise KeyboardInterrupt


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    if unraisable.exc_type is KeyboardInterrupt:
        os._exit(INTERRUPTED)
    sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run the command line."""
    # Until the imports are done there is nothing to finish.
    if sys.argv[1:2] and sys.argv[1] in ROLES:
        signal.signal(signal.SIGTERM, _stopped_early)
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not so under nohup
    if heard:
        signal.signal(signal.SIGINT, _stopped_early)
    from log_guard.cli.commands import run

    if heard:
        signal.signal(signal.SIGINT, _interrupted)
    run()
