"""The raw lines behind a result: the topic of the log events is read again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from log_guard.adapters.kafka.reading import held, read, since
from log_guard.adapters.kafka.records import unpack
from log_guard.app.deployment import Deployment
from log_guard.app.roles.messages import raw_batch
from log_guard.app.times import time_of
from log_guard.core.events import SECOND
from log_guard.core.windows import WHOLE_STREAM
from log_guard.errors import InputError, OptionError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tab and newline."""


def raw_lines(deployment: Deployment, result: str) -> Iterator[tuple[str, str]]:
    """Place (``topic-partition@offset:line``) and text of each line of a window.

    result:  ``SERVICE@WINDOW_START``. Raises OptionError, and InputError if there is no such row, or at the
             end if the topic no longer holds all of its events.
    """
    service, sign, when = result.rpartition("@")
    start = time_of(when, "WINDOW_START")
    if not sign or start is None:
        raise OptionError(f"{result}: name a result as SERVICE@WINDOW_START")
    settings, cluster = deployment.settings, deployment.cluster("-lines")
    with deployment.own_store(cluster) as store:
        row = store.result(start, service, settings.run)
    if row is None:
        raise InputError(f"no result {result}: see the table anomaly_results")
    left = int(row["log_count"])
    if left == 0:
        return
    decoder = deployment.summarise_options().decoder
    # An event is appended at most so much before its own time.
    earliest = start - round(settings.max_future_seconds * SECOND)
    for messages in read(cluster, settings.topic, since(cluster, settings.topic, earliest)):
        for partition in sorted({m.partition() or 0 for m in messages}):
            mine = [m for m in messages if m.partition() == partition]
            batch, appended, _ = raw_batch(mine, partition)
            if len(appended):
                decoder = replace(decoder, reference=int(appended.max()))
            lines = batch.data.split(b"\n")
            assert batch.positions is not None
            row_of = {int(p): i for i, p in enumerate(batch.positions.tolist())}
            events = decoder.decode(batch).events
            shown = None
            for time, group, position in events.select("time", "service", "position").iter_rows():
                if start <= time < row["window_end"] and service in (group, WHOLE_STREAM):
                    offset, line = unpack(position)
                    if position != shown:  # one line may hold many events
                        text = _shown(lines[row_of[position]])
                        yield f"{settings.topic}-{partition}@{offset}:{line}", text
                    shown = position
                    left -= 1
                    if left == 0:
                        return
    deleted = any(low for low, _ in held(cluster, settings.topic).values())
    raise InputError(
        f"{left:,} of the {int(row['log_count']):,} events of {result} are not in {settings.topic}"
        + (" any more: retention has deleted them" if deleted else "")
    )


def _shown(line: bytes) -> str:
    """The line as a terminal may have it: control characters are written out."""
    text = line.decode("utf-8", errors="replace")
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
