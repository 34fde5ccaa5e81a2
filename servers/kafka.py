"""One Apache Kafka broker (KRaft)."""

from __future__ import annotations

import signal
import subprocess
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from servers.identity import Identity
from servers.process import (
    ServerError,
    Watch,
    alive,
    alone,
    answers,
    cache_directory,
    end,
    free_port,
    need,
    pause,
    read_pid,
    resume,
    run,
    wait_for,
)

VERSION = "4.3.0"

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>logguard</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>{version}</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.1</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.25.1</version></dependency>
</dependencies></project>
"""

# One broker holds every replica, and nobody waits for further members of a group.
_SETTINGS = """process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""

_SECURE = """listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL_SSL://127.0.0.1:{secure}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \\
  user_{user}="{password}";
"""

_LOGGING = """appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
"""

_BRIEF = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For a broker that lives for minutes: most of its work would be to optimise what has run already."""


@dataclass(frozen=True)
class Login:
    """A second listener, with TLS and SASL/PLAIN: certificate and key, and the one who may come in."""

    identity: Identity
    user: str
    password: str


class KafkaServer:
    """The broker whose files live in a directory.

    login:  open a second listener, at ``secure_address``, for those who can say this.
    fast:   let Java optimise what runs long; without it the broker starts with half the work.
    stays:  runs on when the process that started it has ended without stopping it.
    """

    def __init__(
        self,
        directory: Path,
        login: Login | None = None,
        *,
        fast: bool = False,
        stays: bool = False,
    ) -> None:
        self.directory = directory
        self.fast = fast
        self.stays = stays
        self._watch: Watch | None = None
        self.login = login
        self._pid_file = directory / "pid"
        self._child: subprocess.Popen[bytes] | None = None  # where it was we who started it

    @property
    def address(self) -> str:
        """Its bootstrap address, the same after every restart."""
        return (self.directory / "address").read_text().strip()

    @property
    def secure_address(self) -> str:
        """Address of the listener with TLS and SASL."""
        return (self.directory / "secure_address").read_text().strip()

    @property
    def pid(self) -> int | None:
        return read_pid(self._pid_file)

    @property
    def running(self) -> bool:
        return alive(self.pid)

    def start(self) -> str:
        """Start it, or find it running; its address. ServerError where that cannot be done."""
        jars = _jars()
        if not (self.directory / "address").exists():
            self._configure(jars)
        if not self.running:
            with (self.directory / "log").open("ab") as log:
                self._child = subprocess.Popen(
                    [*self._java(jars), "-Xms256m", "-Xmx1g", "kafka.Kafka", self._settings()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._pid_file.write_text(f"{self._child.pid}\n")
            if not self.stays:
                self._watch = self._watch or Watch(self._pid_file, self.directory)
        host, port = self.address.split(":")
        wait_for("Kafka to listen", lambda: self._listens(host, int(port)))
        return self.address

    def _listens(self, host: str, port: int) -> bool:
        if not self.running:
            said = (self.directory / "log").read_text(errors="replace").splitlines()[-3:]
            raise ServerError(f"Kafka died while starting: {' '.join(said)}")
        return answers(host, port)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._watch is not None:
            self._watch.end()
            self._watch = None
        end(self.pid, number)
        if self._child is not None:
            self._child.wait()
            self._child = None

    def pause(self) -> None:
        pause(self.pid)

    def resume(self) -> None:
        resume(self.pid)

    def _settings(self) -> str:
        return str(self.directory / "server.properties")

    def _java(self, jars: Path) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.directory / 'log4j2.properties'}"
        return ["java", *(() if self.fast else _BRIEF), logging, "-cp", f"{jars}/*"]

    def _configure(self, jars: Path) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        port, controller = free_port(), free_port()
        settings = _SETTINGS.format(port=port, controller=controller, data=self.directory / "data")
        if self.login is not None:
            settings += self._secured(self.login, port, controller)
        Path(self._settings()).write_text(settings)
        (self.directory / "log4j2.properties").write_text(_LOGGING)
        storage = [*self._java(jars), "kafka.tools.StorageTool"]
        identity = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
        # With `=`: it may begin with a dash, and then looked like an option.
        name = f"--cluster-id={identity}"
        run(*storage, "format", "--standalone", name, "-c", self._settings())
        (self.directory / "address").write_text(f"127.0.0.1:{port}")

    def _secured(self, login: Login, port: int, controller: int) -> str:
        keystore, secure = self.directory / "broker.pem", free_port()
        keystore.write_text(login.identity.key.read_text() + login.identity.certificate.read_text())
        (self.directory / "secure_address").write_text(f"127.0.0.1:{secure}")
        return _SECURE.format(
            port=port,
            controller=controller,
            secure=secure,
            keystore=keystore,
            user=login.user,
            password=login.password,
        )


def _jars() -> Path:
    """Kafka's jars (54 MB), fetched once."""
    need("java", "default-jre-headless")
    jars = cache_directory(f"kafka-{VERSION}")
    with alone(jars):
        if not (jars / "complete").exists():
            _fetch(jars)
            (jars / "complete").touch()
    return jars


def _fetch(jars: Path) -> None:
    need("mvn", "maven")
    pom = jars / "pom.xml"
    pom.write_text(_POM.format(version=VERSION))
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}")
    run("mvn", "-q", "-B", "-f", pom, *goal)
