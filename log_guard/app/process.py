"""Running roles in this process until a signal says to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import structlog

from log_guard.app.roles.session import Role, run

GRACE = 8.0
"""Seconds that roles have to finish after a signal."""


def run_roles(roles: Sequence[Role], stop: threading.Event | None = None) -> int:
    """Run each role in a thread of its own; the exit code.

    SIGINT and SIGTERM let each finish its step, commit and leave its group. A second one exits at
    once: nothing is lost by that either; and so does the process itself after GRACE seconds, where a
    server that is away keeps a role waiting. Once all have finished after a signal, it does not return: Kafka's
    clients, taken down with the interpreter, would wait for that server. A role that fails for good stops the others.
    """
    stop = stop or threading.Event()
    failures: list[BaseException] = []
    stopped: list[float] = []  # when a signal came
    log = structlog.get_logger()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()
        stopped.append(time.monotonic())

    previous = {n: signal.signal(n, on_signal) for n in (signal.SIGINT, signal.SIGTERM)}

    def work(role: Role) -> None:
        try:
            run(role, stop)
        except BaseException as e:  # noqa: BLE001  # whatever it is, the other roles must not go on alone
            failures.append(e)
            stop.set()

    said = False
    threads = [threading.Thread(target=work, args=(role,), name=role.name) for role in roles]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():  # a join without a timeout would not let signals in
                thread.join(0.2)
                if stopped and not said:
                    log.info("stopping")
                    said = True
                if stopped and time.monotonic() - stopped[0] > GRACE:
                    log.warning("stopped without waiting any longer", role=thread.name)
                    _leave()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    for failure in failures:
        raise failure
    log.info("stopped")
    if stopped:
        _leave()
    return 0


def _leave() -> NoReturn:
    """End the process at once, as a success."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
