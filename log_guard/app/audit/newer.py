"""A record that stops its reader, since a newer version wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from log_guard.adapters.kafka.clients import Cluster
from log_guard.adapters.kafka.reading import committed, held, read
from log_guard.adapters.kafka.records import NewerError, UnreadableError, commit_of, place
from log_guard.app.audit.findings import IN_FLIGHT, Finding, span
from log_guard.errors import OptionError

LOOK_AHEAD = 200
"""Offsets in which it is looked for: as many records as detect takes at once."""


def check_summaries(cluster: Cluster, topic: str, group: str, slide: int) -> Iterator[Finding]:
    """The finding on the summaries, where detect cannot go on for one that it comes to next."""
    low, high = held(cluster, topic).get(0, (0, 0))
    first = max(committed(cluster, group, topic).get(0, low), low)
    for messages in read(cluster, topic, {0: (first, min(high, first + LOOK_AHEAD))}):
        for message in messages:
            value, headers = message.value() or b"", message.headers()
            try:
                with suppress(UnreadableError, OptionError):
                    commit_of(value, headers, slide, place(message))  # type: ignore[arg-type]  # headers are typed wider than they come
            except NewerError as e:
                yield Finding(IN_FLIGHT, span(topic, 0, first, high), str(e))
                return
