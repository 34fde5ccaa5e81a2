"""A process that a signal has told to stop, and what must not keep it."""

from __future__ import annotations

import signal
import subprocess
import sys

KEPT_AT_EXIT = """
import threading
import time
from log_guard.app.process import run_roles

class Client:
    def __init__(self):
        self.me = self
    def __del__(self):
        threading.Event().wait()  # as Kafka's client does for a broker that hangs

class Session:
    def step(self):
        time.sleep(0.01)
        return True
    def close(self, *, clean):
        pass

class Role:
    name = "kept"
    def open(self):
        clients.append(Client())
        return Session()

clients = []
raise SystemExit(run_roles([Role()]))
"""


def test_what_is_taken_down_with_the_interpreter_does_not_keep_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", KEPT_AT_EXIT], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert b"running" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert b"stopped" in output
    finally:
        process.kill()
        process.communicate()
