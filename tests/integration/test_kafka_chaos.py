"""Kill, freeze and refuse everything once: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import os
import sys

import pytest

from servers import DatabaseServer, KafkaServer
from tests.chaos import Chaos
from tests.kafka import Pipeline

GIVEN = [name for name in ("LOGGUARD_TEST_KAFKA", "LOGGUARD_TEST_DSN") if name in os.environ]


@pytest.mark.skipif(bool(GIVEN), reason=f"{' and '.join(GIVEN)}: servers of others are not killed")
def test_the_table_survives_every_fault(
    pipeline: Pipeline, kafka_server: KafkaServer, database_server: DatabaseServer
) -> None:
    pipeline.heartbeat = None  # what is run is the product, command line and all
    chaos = Chaos(pipeline, kafka_server, database_server, seed=1, out=sys.stdout)
    chaos.run(events=40_000, rounds=1, pause=1.0)
