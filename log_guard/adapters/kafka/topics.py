"""The topics: what they are, made and compared with what is there."""

from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # public, though not listed
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from log_guard.adapters.kafka.clients import Cluster, error_of, failure
from log_guard.core.stream.origin import Origin
from log_guard.errors import StreamError

DAY = 86_400_000
RECORD_BYTES = 1_000_000
"""What brokers take by default, and a little less: so large our records may be."""
_ALONE = ", and detection needs one: delete all topics and groups of the pipeline and `logguard topics create`"


@dataclass(frozen=True)
class TopicSpec:
    """A topic: its name, how many partitions (None: any number will do) and its settings.

    alone:  why it must have one partition; empty where it need not.
    least:  bytes that a record must be allowed to have.
    """

    name: str
    partitions: int | None
    config: dict[str, str]
    alone: str = ""
    least: int = RECORD_BYTES


def specs(
    events: str,
    summaries: str,
    state: str,
    results: str,
    dead_letters: str,
    partitions: int | None,
) -> list[TopicSpec]:
    """The five topics; ``partitions`` of None: any number will do.

    Summaries and state have one partition each, since alerts over several services, the whole
    stream and the budget of false alarms are seen in one place; the others have ``partitions``.
    """
    return [
        TopicSpec(events, partitions, {"retention.ms": str(7 * DAY)}, least=0),
        TopicSpec(summaries, 1, {"retention.ms": str(30 * DAY)}, _ALONE),
        TopicSpec(state, 1, {"cleanup.policy": "compact"}, _ALONE),
        TopicSpec(results, partitions, {"retention.ms": str(30 * DAY)}),
        TopicSpec(dead_letters, partitions, {"retention.ms": str(30 * DAY)}),
    ]


def refuse_many(cluster: Cluster, topics: tuple[str, ...]) -> None:
    """StreamError where a topic of which detection reads one partition has several."""
    for topic in topics:
        partitions = cluster.partitions(topic)
        if partitions != 1:
            raise StreamError(f"topic {topic} has {partitions} partitions{_ALONE}")


def origin(cluster: Cluster, events: str, results: str) -> Origin:
    """Which pipeline this is: of these topics on this cluster. StreamError if Kafka does not say."""
    admin = cluster.admin()
    try:
        name = admin.list_topics(timeout=10).cluster_id
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    ids = _ids(admin, [events, results])
    return Origin(str(name), events, ids[events], results, ids[results])


def topic_id(cluster: Cluster, topic: str) -> str:
    """What no topic of the same name ever has again; empty where Kafka does not say."""
    return _ids(cluster.admin(), [topic], seconds=2.0)[topic]


def _ids(admin: AdminClient, topics: list[str], seconds: float = 10.0) -> dict[str, str]:
    ids = {}
    found = admin.describe_topics(TopicCollection(topics), request_timeout=seconds)
    for topic, described in found.items():
        try:
            ids[topic] = str(described.result().topic_id)
        except KafkaException:  # not there, or not ours to see
            ids[topic] = ""
    return ids


def create(cluster: Cluster, wanted: list[TopicSpec], replication: int) -> list[str]:
    """Make the topics that are missing; their names. StreamError if Kafka does not let us."""
    admin = cluster.admin()
    missing: list[TopicSpec] = []
    try:
        there = admin.list_topics(timeout=10).topics
        missing += [spec for spec in wanted if spec.name not in there]
        if not missing:
            return []
        futures = admin.create_topics(
            [NewTopic(s.name, s.partitions or 1, replication, config=s.config) for s in missing]
        )
        for future in futures.values():
            future.result()
    except KafkaException as e:
        if error_of(e).code() != KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was quicker
            raise failure(e, cluster.brokers) from e
    return [spec.name for spec in missing]


def differences(
    cluster: Cluster, wanted: list[TopicSpec], replication: int | None = None
) -> list[str]:
    """What is not as it should be, a sentence each; empty if all is well."""
    admin = cluster.admin()
    try:
        there = admin.list_topics(timeout=10).topics
        found = [f"topic {s.name} is missing" for s in wanted if s.name not in there]
        present = [spec for spec in wanted if spec.name in there]
        resources = [ConfigResource(ResourceType.TOPIC, spec.name) for spec in present]
        described = admin.describe_configs(resources) if resources else {}
        configs = {resource.name: future.result() for resource, future in described.items()}
    except KafkaException as e:
        raise failure(e, cluster.brokers) from e
    for spec in present:
        partitions = there[spec.name].partitions
        if spec.partitions is not None and len(partitions) != spec.partitions:
            found.append(
                f"topic {spec.name} has {len(partitions)} partitions, not {spec.partitions}{spec.alone}"
            )
        replicas = {len(p.replicas) for p in partitions.values()}
        if replication is not None and replicas != {replication}:
            found.append(f"topic {spec.name} has {min(replicas)} replicas, not {replication}")
        for name, value in spec.config.items():
            actual = configs[spec.name][name].value
            if actual != value:
                found.append(f"topic {spec.name} has {name}={actual}, not {value}")
        most = int(configs[spec.name]["max.message.bytes"].value)
        if most < spec.least:
            found.append(
                f"topic {spec.name} has max.message.bytes={most}, and records may have {spec.least}"
            )
    return found
