"""Server processes: found again by the file that holds their number, and ended when their starter is gone."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class ServerError(Exception):
    """A server cannot be had here; the text says why and what would help."""


def cache_directory(name: str) -> Path:
    """Where downloads stay. An unprivileged server must reach it, so root's home will not do."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    base = Path("/var/cache") if os.geteuid() == 0 else home
    path = base / "logguard" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Let one process at a time be here: the next finds what this one has fetched."""
    with (directory / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def need(program: str, package: str) -> None:
    """Raise where a program is missing."""
    if shutil.which(program) is None:
        raise ServerError(f"{program} is missing (Debian: apt-get install {package})")


def free_port() -> int:
    """A port that nobody listens on just now.

    It is none of those that outgoing connections are given: a server that was killed gets it back.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as s, suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise ServerError("no free port between 20000 and 32000")


def run(*command: str | Path, **options: object) -> str:
    """Run to the end; its output, or ServerError with the last of what it said."""
    done = subprocess.run(  # type: ignore[call-overload]  # options are handed on
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if done.returncode:
        raise ServerError(f"{command[0]} failed: {' '.join(done.stdout.splitlines()[-3:])}")
    return str(done.stdout)


def alive(pid: int | None) -> bool:
    """Whether a process runs; one that was killed and not yet reaped does not."""
    if pid is None:
        return False
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def read_pid(file: Path) -> int | None:
    """The number in a file; None if there is none."""
    try:
        return int(file.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None


def wait_for(what: str, done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is so; ServerError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise ServerError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)


def answers(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def end(pid: int | None, number: int, seconds: float = 60.0) -> None:
    """Send a signal and wait until the process is gone, and those that it had started.

    A database's workers notice a moment later that it was killed, and until then it cannot start again.
    """
    if pid is not None and alive(pid):
        every = [pid, *_started_by(pid)]
        os.kill(pid, number)
        wait_for(f"process {pid} to end", lambda: all(map(_gone, every)), seconds)


def _started_by(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []


def _gone(pid: int) -> bool:
    with suppress(ChildProcessError):  # our own child stays a zombie until we look
        os.waitpid(pid, os.WNOHANG)
    return not alive(pid)


class Watch:
    """Kills a server when this process has ended in whatever way, also by a signal that it cannot handle.

    A shell waits for the end of its input, which the system brings about. It looks whether the process
    still is the one whose directory this is: numbers are given again.
    """

    _SCRIPT = (
        'read -r _; read -r pid < "$1" && grep -aqF -- "$2" "/proc/$pid/cmdline" && kill -9 "$pid"'
    )

    def __init__(self, pid_file: Path, directory: Path) -> None:
        self._shell = subprocess.Popen(
            ["sh", "-c", self._SCRIPT, "watch", str(pid_file), str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def end(self) -> None:
        """Watch no longer."""
        self._shell.kill()
        self._shell.communicate()


def pause(pid: int | None) -> None:
    """Stop a process in its tracks."""
    if pid is not None:
        os.kill(pid, signal.SIGSTOP)


def resume(pid: int | None) -> None:
    """Let it go on."""
    if pid is not None:
        os.kill(pid, signal.SIGCONT)
