"""Which pipeline rows come from: what tells one pipeline's rows from another's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """The two ends of a pipeline, and the cluster that they are on.

    Numbers of alerts, revisions and offsets mean something only within one pipeline. A topic that was
    made anew counts from 0 again, so its id, which no other topic ever has, is part of this.

    topic_id, results_id:  empty where the broker does not tell: then the name has to do.
    """

    cluster: str
    topic: str
    topic_id: str
    results: str
    results_id: str

    def differs(self, other: Origin) -> str | None:
        """In what, in a few words; None if both are the same."""
        if self.cluster != other.cluster:
            return f"of Kafka cluster {self.cluster}, and this is {other.cluster}"
        mine, theirs = (self.topic, self.results), (other.topic, other.results)
        if mine != theirs:
            return f"of {' and '.join(mine)}, and this pipeline is {' and '.join(theirs)}"
        for name, one, two in (
            (self.topic, self.topic_id, other.topic_id),
            (self.results, self.results_id, other.results_id),
        ):
            if one and two and one != two:
                return f"of an earlier topic {name}, which was made anew since"
        return None
