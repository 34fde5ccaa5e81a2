"""Settings and servers for all tests."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import NullPool, create_engine, make_url, text
from xdist.remote import Producer

from log_guard.adapters.kafka.topics import create
from servers import DatabaseServer, KafkaServer, ServerError
from tests.kafka import PARTITIONS, Pipeline, running
from tests.sharing import Sharing, broker_first

# No deadlines: a machine may be slow, and a test says nothing about speed. The same examples each
# time: a change is judged by what it changed.
settings.register_profile("logguard", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("logguard")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: the tests on servers wait for much of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    return Sharing(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = broker_first(items)


_missing: dict[str, str] = {}


def _cannot(server: str, why: ServerError) -> None:
    """Without a server its tests are skipped and named at the end; in CI that is a failure."""
    _missing[server] = str(why)
    if os.environ.get("CI") == "true":
        pytest.fail(f"no {server}: {why}")
    pytest.skip(f"no {server}: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for server, why in _missing.items():
        terminalreporter.write_line(f"not run, for want of {server}: {why}", yellow=True)


@pytest.fixture(scope="session")
def kafka_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker of our own, which a test may kill."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    try:
        server.start()
    except ServerError as e:
        _cannot("Kafka", e)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> str:
    """Address of the broker: the one that LOGGUARD_TEST_KAFKA names, or our own."""
    given = os.environ.get("LOGGUARD_TEST_KAFKA")
    if given:
        return given
    server: KafkaServer = request.getfixturevalue("kafka_server")
    return server.address


@pytest.fixture(scope="session")
def database_server() -> Iterator[DatabaseServer]:
    """A database server of our own, which a test may kill."""
    # Its unprivileged user cannot reach pytest's own directories.
    directory = Path("/tmp") / f"logguard-test-{uuid.uuid4().hex[:8]}"
    server = DatabaseServer(directory)
    try:
        server.start()
    except ServerError as e:
        _cannot("TimescaleDB", e)
    yield server
    server.kill()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def plain_server() -> Iterator[DatabaseServer]:
    """A PostgreSQL of our own, without the extension."""
    directory = Path("/tmp") / f"logguard-test-{uuid.uuid4().hex[:8]}"
    server = DatabaseServer(directory, timescale=False)
    try:
        server.start()
    except ServerError as e:
        _cannot("PostgreSQL", e)
    yield server
    server.kill()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def plain_url(plain_server: DatabaseServer) -> Iterator[str]:
    """A database of this test's own on a plain PostgreSQL."""
    yield from _own_database(plain_server.start())


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of this test's own, on the server that LOGGUARD_TEST_DSN names, or on our own."""
    given = os.environ.get("LOGGUARD_TEST_DSN")
    if not given:
        server: DatabaseServer = request.getfixturevalue("database_server")
        given = server.start()
    yield from _own_database(given)


def _own_database(given: str) -> Iterator[str]:
    """A new database on the server that a URL names; it is dropped afterwards."""
    name = f"logguard_test_{uuid.uuid4().hex[:12]}"
    base = make_url(given).set(drivername="postgresql+psycopg")
    # No pool: a test may have killed the server since the connection was made.
    engine = create_engine(base, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield base.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def pipeline(kafka: str, database_url: str, tmp_path: Path) -> Iterator[Pipeline]:
    """Topics and tables of this test's own, made and empty; no process yet."""
    one = Pipeline(kafka, database_url, f"test-{uuid.uuid4().hex[:8]}", tmp_path)
    one.heartbeat = 0.2
    one.changes |= {"idle_seconds": 60.0, "session_timeout_seconds": 3.0}
    with running(one):
        deployment = one.deployment
        create(deployment.cluster(), deployment.topics(PARTITIONS), 1)
        deployment.store(upgrade=True).close()
        yield one
