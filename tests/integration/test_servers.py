"""The servers that tests start end with whoever started them, were it by ``kill -9``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from servers import DatabaseServer
from servers.process import alive, wait_for

STARTS = """
import sys
from pathlib import Path
from servers import DatabaseServer
DatabaseServer(Path(sys.argv[1])).start()
print("started", flush=True)
sys.stdin.read()
"""


def test_a_server_ends_when_its_starter_is_killed(database_server: DatabaseServer) -> None:
    # The fixture says whether there is one to be had here, and where its user can reach it.
    directory = Path(f"{database_server.directory}-watched")
    server = DatabaseServer(directory)
    command = [sys.executable, "-c", STARTS, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        try:
            assert starter.stdout.readline() == b"started\n"
            pid = server.pid
            assert alive(pid)
        finally:
            starter.kill()
    try:
        wait_for("the server to end", lambda: not alive(pid))
    finally:
        server.kill()
