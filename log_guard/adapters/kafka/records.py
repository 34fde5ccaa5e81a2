"""What is on the topics, as bytes: each record says by its ``schema`` which version wrote it.

``window-summaries``: a :class:`Commit`. The summary is the value (Arrow), the progress a header.
``anomaly-results`` and ``dead-letters``: JSON objects told apart by ``kind``.

The position of an event is its message's offset and its line in the message, packed in 64 bits.
"""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from log_guard.core.events import DeadLetter
from log_guard.core.iso import iso
from log_guard.core.results import Alert, Result
from log_guard.core.stream.progress import Account, Balance, Commit, Progress
from log_guard.core.summarising.intake import LINE_BITS
from log_guard.core.summarising.summaries import SUMMARY_SCHEMA, add
from log_guard.errors import OptionError, StreamError

SCHEMA = 1
"""Version of all records. A reader takes what is of its own version or older."""

MAX_RECORD_BYTES = 900_000
"""A larger commit is cut: brokers refuse more than a megabyte by default."""
MAX_SERVICES = 1_000
"""Services of an alert that are named, for the same reason: all of 20,000 may fail at once."""

Headers = list[tuple[str, bytes]]
A_RECORD = "a record"
"""What a record is called of which nobody asks where it is."""


class UnreadableError(StreamError):
    """A record that no version of ours has written: to be kept as a dead letter, and passed over."""


class NewerError(StreamError):
    """A record that a newer version wrote: to pass over it would lose what it says."""


def place(message: Message) -> str:
    """Where a record is: ``TOPIC-PARTITION@OFFSET``."""
    return f"{message.topic()}-{message.partition()}@{message.offset()}"


def pack(offsets: np.ndarray, lines: np.ndarray | int = 0) -> np.ndarray:
    """Offsets and lines within their messages → positions, uint64."""
    packed = (offsets.astype(np.uint64) << np.uint64(LINE_BITS)) | np.asarray(lines, np.uint64)
    return np.asarray(packed)


def unpack(position: int) -> tuple[int, int]:
    """Position → offset and line within the message, from 0."""
    return position >> LINE_BITS, position & ((1 << LINE_BITS) - 1)


def commit_records(
    commit: Commit, slide: int, topic: str, topic_id: str = ""
) -> Iterator[tuple[bytes, Headers]]:
    """The records of a commit of a topic's events: value and headers; the last one carries the progress."""
    values = list(_cut(commit.summary))
    for i, value in enumerate(values):
        last = i + 1 == len(values)
        told = {
            "schema": SCHEMA,
            "id": commit.id,
            "slide": slide,
            "topic": topic,
            "topic_id": topic_id,
            "last": last,
            "partitions": commit.partitions,
            "progress": [asdict(p) for p in commit.progress] if last else [],
        }
        yield value, [("logguard", json.dumps(told).encode())]


def _cut(summary: pl.DataFrame) -> Iterator[bytes]:
    """The summary in parts none of which is too large: rows differ in size, and in how far they can be compressed."""
    value = _arrow(summary)
    if len(value) <= MAX_RECORD_BYTES or summary.height == 1:
        yield value
        return
    for part in summary.iter_slices(max(summary.height * MAX_RECORD_BYTES // (2 * len(value)), 1)):
        yield from _cut(part)


def commit_of(value: bytes, headers: Headers | None, slide: int, where: str = A_RECORD) -> Commit:
    """Read a record of ``window-summaries``, finer panes pooled to those of ``slide`` (µs).

    UnreadableError if it is none, NewerError, which says ``where``, if a newer version wrote it, OptionError if
    its panes cannot be pooled to ours.
    """
    try:
        told = json.loads(dict(headers or [])["logguard"])
        known(told, where)
        refuse_coarser(told["slide"], slide)
        summary = pl.read_ipc(io.BytesIO(value)).select(list(SUMMARY_SCHEMA))
        if told["slide"] != slide:
            summary = add(summary.with_columns(pl.col("pane") // slide * slide))
        progress = tuple(Progress(**p) for p in told["progress"])
        return Commit(summary, progress, told["partitions"], told["id"], told["last"])
    except (ValueError, TypeError, KeyError, AttributeError, pl.exceptions.PolarsError) as e:
        raise UnreadableError(f"a record that is no summary ({type(e).__name__})") from e


@dataclass(frozen=True)
class Made:
    """What a record of ``window-summaries`` was made of: panes (µs), and the topic of the events.

    topic, topic_id:  None where an earlier version wrote the record; the id also where Kafka did not say.
    """

    slide: int
    topic: str | None
    topic_id: str | None


def made_of(headers: Headers | None) -> Made | None:
    """What a record of ``window-summaries`` was made of; None if it is none."""
    try:
        told = json.loads(dict(headers or [])["logguard"])
        return Made(int(told["slide"]), told.get("topic"), told.get("topic_id") or None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def progress_of(headers: Headers | None) -> list[Progress]:
    """The progress that a record of ``window-summaries`` tells of; none where it is none."""
    try:
        return [Progress(**p) for p in json.loads(dict(headers or [])["logguard"])["progress"]]
    except (ValueError, TypeError, KeyError):
        return []


def refuse_others(theirs: str | None, ours: str, summaries: str) -> None:
    """Summaries of two topics cannot be told apart by their partitions: OptionError."""
    if theirs not in (None, ours):
        raise OptionError(
            f"{summaries} holds summaries of topic {theirs}, not of {ours}: use --topic {theirs}, or give "
            "this pipeline topics, groups and a database of its own (--summary-topic and the others)"
        )


def refuse_coarser(theirs: int, ours: int) -> None:
    """Panes that are finer can be added up to ours, (both µs); others cannot: OptionError."""
    if ours % theirs:
        raise OptionError(
            f"window-summaries holds summaries of {theirs / 1e6:g} s, which cannot be cut to --slide-seconds "
            f"{ours / 1e6:g}: use --slide-seconds {theirs / 1e6:g}, or other topics"
        )


def known(told: dict[str, Any], where: str) -> None:
    """Refuse a record that a newer version wrote: NewerError, which says where it is."""
    if not isinstance(told.get("schema"), int):
        raise UnreadableError("a record without a schema version")
    if told["schema"] > SCHEMA:
        raise NewerError(
            f"{where} is of schema {told['schema']}, but this version knows {SCHEMA}: upgrade this LogGuard, or "
            "remove the record (kafka-delete-records.sh, which takes what is before it as well)"
        )


def result_record(result: Result, topic: str, run: str) -> tuple[bytes, bytes]:
    """Key and value of a result."""
    body = result.as_dict()
    if body["evidence"] is not None:
        body["evidence"]["samples"] = [_sample(s, topic) for s in body["evidence"]["samples"]]
    return result.service.encode(), _json({"run": run, **body})


def alert_record(alert: Alert, revision: int, topic: str, run: str) -> tuple[bytes, bytes]:
    """Key and value of an alert; of very many services the first are named, and how many more there are."""
    body = alert.as_dict()
    body["services"] = _some(body["services"])
    body["course"]["joined"] = _some(body["course"]["joined"])
    body["evidence"]["samples"] = [_sample(s, topic) for s in body["evidence"]["samples"]]
    return f"alert-{alert.id}".encode(), _json({"run": run, "revision": revision, **body})


def _some(services: list[str]) -> list[str]:
    more = len(services) - MAX_SERVICES
    return services if more <= 0 else [*services[:MAX_SERVICES], f"<{more:,} more services>"]


def account_record(account: Account, topic: str, run: str) -> tuple[bytes, bytes]:
    """Key and value of an account."""
    return b"account", _json({"kind": "account", "run": run, "topic": topic, **asdict(account)})


def balance_record(balance: Balance, run: str) -> tuple[bytes, bytes]:
    """Key and value of a balance."""
    body = asdict(balance)
    body["watermark"] = None if balance.watermark is None else iso(balance.watermark)
    return b"balance", _json({"kind": "balance", "run": run, **body})


def dead_letter_record(dead: DeadLetter, topic: str) -> tuple[bytes, bytes]:
    """Key and value of a dead letter."""
    offset, line = unpack(dead.position)
    body: dict[str, Any] = {
        "kind": "dead_letter",
        "run": "",
        "topic": topic,
        "partition": dead.source,
        "offset": offset,
        "line": line,
        "reason": dead.reason,
        "raw": dead.raw.decode("utf-8", errors="replace"),
    }
    if body["raw"].encode() != dead.raw:
        body["raw_base64"] = base64.b64encode(dead.raw).decode()
    return f"{topic}-{dead.source}-{offset}-{line}".encode(), _json(body)


def json_of(value: bytes | None, where: str = A_RECORD) -> dict[str, Any]:
    """Read a JSON record; UnreadableError if it is none, NewerError, which says ``where``, if it is newer than we."""
    try:
        body = json.loads(value or b"")
    except ValueError as e:
        raise UnreadableError("a record that is no JSON") from e
    if not isinstance(body, dict):
        raise UnreadableError("a record that is no JSON object")
    known(body, where)
    return body


def record_of(message: Message) -> dict[str, Any]:
    """The JSON record that a message is, with the time (µs) at which it was published as ``written``.

    UnreadableError if it is none, NewerError if a newer version wrote it.
    """
    return {**json_of(message.value(), place(message)), "written": published(message)}


def published(message: Message) -> int:
    """When a message was published (µs)."""
    kind, milliseconds = message.timestamp()
    return milliseconds * 1_000 if kind != TIMESTAMP_NOT_AVAILABLE else time.time_ns() // 1_000


def _sample(sample: dict[str, Any], topic: str) -> dict[str, Any]:
    offset, line = unpack(sample["position"])
    where = {"topic": topic, "partition": sample["source"], "offset": offset, "line": line}
    return {"level": sample["level"], "message": sample["message"], **where}


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps({"schema": SCHEMA, **body}).encode()


def _arrow(frame: pl.DataFrame) -> bytes:
    out = io.BytesIO()
    frame.write_ipc(out, compression="zstd")
    return out.getvalue()
