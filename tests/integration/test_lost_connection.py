"""A database that goes away in the midst of a statement."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from select import select
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

from sqlalchemy import make_url

from log_guard.adapters.kafka.records import result_record
from log_guard.adapters.store import Store
from tests.integration.test_store import result

WRITE = """
import json, sys
from log_guard.adapters.store import Store
from log_guard.errors import StoreError
try:
    with Store(sys.argv[1], upgrade=False) as store:
        store.apply(json.load(sys.stdin))
except StoreError as error:
    print(error)
"""


@contextmanager
def cut_at(url: str, until: bytes) -> Iterator[str]:
    """A way to the database on which the connection breaks once this is sent."""
    parsed = make_url(url)
    database = parsed.host or "localhost", parsed.port or 5432

    class Way(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(database) as there:
                ends = {self.request: there, there: self.request}
                while True:
                    for end in select(list(ends), [], [])[0]:
                        some = end.recv(65_536)
                        if not some or until in some:
                            return
                        ends[end].sendall(some)

    with ThreadingTCPServer(("127.0.0.1", 0), Way) as server:
        Thread(target=server.serve_forever).start()
        host, port = server.server_address[:2]
        way = parsed.set(host=str(host), port=port).update_query_dict({"sslmode": "disable"})
        yield way.render_as_string(hide_password=False)
        server.shutdown()


def test_it_is_said_once_and_by_us(database_url: str) -> None:
    Store(database_url).close()
    windows = [replace(result(), window_start=result().window_start + n) for n in range(1_000)]
    records = [json.loads(result_record(one, "log-events", "")[1]) for one in windows]
    with cut_at(database_url, b"INSERT INTO anomaly_results") as way:
        done = subprocess.run(
            [sys.executable, "-c", WRITE, way],
            input=json.dumps(records),
            capture_output=True,
            text=True,
            check=True,
        )
    assert "server closed the connection unexpectedly" in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""
