"""Which offsets were counted into the windows: by the accounts in the table, and by those that were published.

Hands can delete the row of an account. What it is of was counted all the same, and the rows of windows hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import Message

from log_guard.app.audit.comparing import Row
from log_guard.app.audit.offsets import Totals
from log_guard.core.stream.progress import ACCEPTED, MISSING

Range = tuple[int, int]


class Counted:
    """Offsets of a topic, by partition.

    totals:  of the accounts in the table.
    done:    partition of the results → offset up to which the writer had read it, asked for before the table was
             read: what precedes it had its row then.
    """

    def __init__(self, topic: str, run: str, totals: Totals, done: Mapping[int, int]) -> None:
        self._topic, self._run, self._done = topic, run, done
        self.covered = dict(totals.covered)
        """From the first account to the last."""
        self._passed = {partition: set(ranges) for partition, ranges in totals.passed.items()}

    def see(self, partition: int, offset: int, record: Row) -> None:
        """Hear of a record of the results."""
        if (
            record.get("kind") != "account"
            or (record.get("run", ""), record.get("topic")) != (self._run, self._topic)
            or offset >= self._done.get(partition, 0)
        ):
            return
        try:
            of = int(record["partition"])
            first, after = int(record["first_offset"]), int(record["next_offset"])
        except (KeyError, TypeError, ValueError):
            return  # the writer has kept it as a dead letter
        if record.get("status") == MISSING:
            self._passed.setdefault(of, set()).add((first, after))
        elif record.get("status") == ACCEPTED:
            low, high = self.covered.get(of, (first, after))
            self.covered[of] = min(low, first), max(high, after)

    def of(self, messages: Sequence[Message]) -> list[Message]:
        """Those messages, out of what is covered, that were not passed over."""
        if not self._passed:
            return list(messages)
        return [
            message
            for message in messages
            if not any(
                first <= (message.offset() or 0) < after
                for first, after in self._passed.get(message.partition() or 0, ())
            )
        ]
