"""TLS and logins, on servers that insist on them: whatever librdkafka and libpq know passes through."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from log_guard.adapters.store import Store
from servers import DatabaseServer, Identity, KafkaServer, Login, ServerError, make_identity
from tests.integration.test_kafka_bounds import made
from tests.integration.test_kafka_pipeline import audit
from tests.kafka import PARTITIONS, Pipeline

PASSWORD = "open,sesame"


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """Under /tmp itself: the database's unprivileged user must be able to walk there."""
    path = Path("/tmp") / f"logguard-test-{uuid.uuid4().hex[:8]}"
    path.mkdir(mode=0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def identity(directory: Path) -> Identity:
    try:
        return make_identity(directory)
    except ServerError as e:
        pytest.skip(str(e))


@pytest.fixture(scope="module")
def broker(directory: Path, identity: Identity) -> Iterator[KafkaServer]:
    server = KafkaServer(directory / "kafka", Login(identity, "logguard", PASSWORD))
    try:
        server.start()
    except ServerError as e:
        pytest.skip(str(e))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def database(directory: Path, identity: Identity) -> Iterator[DatabaseServer]:
    server = DatabaseServer(directory / "database", identity=identity)
    try:
        server.start()
    except ServerError as e:
        pytest.skip(str(e))
    yield server
    server.kill()


def properties(identity: Identity, password: str = PASSWORD) -> dict[str, str]:
    return {
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(identity.certificate),
        "sasl.mechanism": "PLAIN",
        "sasl.username": "logguard",
        "sasl.password": password,
    }


def test_the_pipeline_with_tls_and_a_login(
    broker: KafkaServer, database: DatabaseServer, identity: Identity, tmp_path: Path
) -> None:
    url = f"{database.url}?sslmode=verify-full&sslrootcert={identity.certificate}"
    pipeline = Pipeline(broker.secure_address, url, f"test-{uuid.uuid4().hex[:8]}", tmp_path)
    pipeline.heartbeat = 0.2
    pipeline.changes |= {"idle_seconds": 1.0, "kafka_properties": properties(identity)}
    try:
        for command in (("topics", "create"), ("topics", "check"), ("db", "upgrade")):
            done = pipeline.run(*command)
            assert done.returncode == 0, done.stdout + done.stderr
        start = int(time.time()) // 60 * 60 - 7_200
        begin = datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        done = pipeline.run(
            *("simulate", "--kafka-brokers", broker.secure_address, "--topic"),
            *(pipeline.settings.topic, "--minutes", "0.1", "--rate", "20", "--start", begin),
        )
        assert done.returncode == 0, done.stderr
        pipeline.produce([made(start + 60, 1.0, 360) for _ in range(PARTITIONS)])
        for role in ("summarise", "detect", "write"):
            pipeline.start(role, role)
        pipeline.wait("all", lambda: audit(pipeline) == 0)
        codes = pipeline.stop()
        assert codes == dict.fromkeys(codes, 0)
        with Store(url, upgrade=False) as store:
            assert store.count_results() > 100
    finally:
        pipeline.kill_all()


def test_a_wrong_password_is_one_line_and_is_not_shown(
    broker: KafkaServer, identity: Identity, tmp_path: Path
) -> None:
    pipeline = Pipeline(broker.secure_address, str(tmp_path / "no.db"), "nobody", tmp_path)
    pipeline.changes["kafka_properties"] = properties(identity, "hush-hush")
    done = pipeline.run("topics", "check")
    assert done.returncode == 1
    assert len([line for line in done.stderr.splitlines() if line.startswith("logguard: ")]) == 1
    assert "hush" not in done.stdout + done.stderr


def test_the_settings_of_a_database_ask_for_its_certificate(
    database: DatabaseServer, identity: Identity, tmp_path: Path
) -> None:
    pipeline = Pipeline("127.0.0.1:1", "", "nobody", tmp_path)
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    pipeline.changes |= {
        "db_host": "127.0.0.1",
        "db_port": database.port,
        "db_user": "postgres",
        "db_sslmode": "verify-full",
        "db_sslrootcert": str(make_identity(stranger).certificate),
    }
    done = pipeline.run("db", "upgrade")
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr
    pipeline.changes["db_sslrootcert"] = str(identity.certificate)
    done = pipeline.run("db", "upgrade")
    assert done.returncode == 0, done.stderr
