"""Real servers on a bare machine, for tests, benchmarks and ``make pipeline``.

Apache Kafka from its jars and PostgreSQL with TimescaleDB from Debian packages, unpacked into a cache
of ours: nothing is installed on the machine, and no container engine is needed. Each server keeps
its data and its port in a directory, so that it comes back as it was after a crash.

``python -m servers start|stop|kill kafka|database DIRECTORY`` does it by hand.
"""

from servers.database import DatabaseServer
from servers.identity import Identity, make_identity
from servers.kafka import KafkaServer, Login
from servers.process import ServerError

__all__ = ["DatabaseServer", "Identity", "KafkaServer", "Login", "ServerError", "make_identity"]
