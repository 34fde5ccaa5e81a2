"""Bytes → events by compiled code, where it can read them: the same events, sooner.

The messages stay where they are, in the bytes of the batch: an event says where its message begins
and ends. Most are only masked and counted, there, and need never become texts of their own.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from log_guard.core.compiled.cards import card_like
from log_guard.core.compiled.counting import counted
from log_guard.core.compiled.json_lines import Flat, read_flat
from log_guard.core.compiled.json_status import Statuses
from log_guard.core.compiled.texts import SLACK, array_of, taken
from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.decoding.formats import status
from log_guard.core.decoding.formats.json_cause import with_cause
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.levels import level_of
from log_guard.core.events import EVENT_SCHEMA, SPAN_SCHEMA, Bytes, DeadLetter, RawBatch
from log_guard.core.masking import MAX_SAMPLE_CHARS, clean_names
from log_guard.core.summarising.sampling import sample_texts

STATUSES = Statuses(status.NAMES, f" -> {status.CLASSES['4']} ", f" -> {status.CLASSES['5']} ")
_PROBE_BYTES = 1 << 13
"""So much of a batch tells whether compiled code can read its lines."""


def decode_flat(decoder: Decoder, batch: RawBatch) -> tuple[Decoded, Bytes] | None:
    """Decode a batch as ``decoder.decode`` does: events (``SPAN_SCHEMA``) and the bytes with their messages.

    None where that is not worth it: what compiled code cannot read is decoded as ever.
    """
    if not isinstance(decoder.format, JsonLines) or not batch.data:
        return None
    keys, before = decoder.format.flat_keys, decoder.format.names_before
    if keys is None:
        return None
    data = batch.data if batch.data.endswith(b"\n") else batch.data + b"\n"
    bare_utc = decoder.timezone == "UTC"
    probe = data[: data.rfind(b"\n", 0, _PROBE_BYTES) + 1]
    if len(data) > 16 * _PROBE_BYTES and probe:
        read = read_flat(probe, keys, bare_utc=bare_utc, statuses=STATUSES, before=before).read
        if 2 * np.count_nonzero(read) < len(read):
            return None
    flat = read_flat(data, keys, bare_utc=bare_utc, statuses=STATUSES, before=before)
    lines = len(flat.read)
    (level, levels), (service, services) = flat.level, flat.service
    severity = np.array([level_of(text) for text in levels], dtype=np.uint8)
    kinds: dict[str, int] = {}
    names = _shown(tuple(services), decoder.service)
    kind = np.array([kinds.setdefault(name, len(kinds)) for name in names], dtype=np.uint32)
    columns: dict[str, np.ndarray] = {
        "time": flat.time,
        "level": severity[level],
        "service": kind[service],
        "position": np.flatnonzero(flat.read),
        "begin": flat.begins,
        "end": flat.ends,
    }
    dead: list[DeadLetter] = []
    text = _with_causes(flat)
    left = np.flatnonzero(~flat.read)
    if len(left):
        begins, ends = flat.bounds[left].tolist(), flat.bounds[left + 1].tolist()
        rest = b"".join(data[a:b] for a, b in zip(begins, ends, strict=True))
        # Until all lines are together again, an event's position is the number of its line.
        others = decoder.decode(RawBatch(rest, 0, batch.source, positions=left))
        dead = others.dead
        if others.events.height:
            table, more = spans_of(others.events, len(text) - SLACK)
            text = np.concatenate([text[:-SLACK], more])
            columns = _merged(columns, table, kinds)
    positions = batch.positions
    if positions is None:
        positions = np.arange(batch.first, batch.first + lines, dtype=np.uint64)
    at = positions[columns["position"].astype(np.int64)].astype(np.uint64)
    service_names = pl.Series(columns["service"]).cat.to(pl.Enum(list(kinds)))
    events = pl.DataFrame({**columns, "service": service_names, "position": at})
    dead = [DeadLetter(d.reason, int(positions[d.position]), d.source, d.raw) for d in dead]
    return Decoded(events, dead, lines), text


def _with_causes(flat: Flat) -> Bytes:
    """The bytes of the messages and, behind them, of those that have a cause below them; the bounds of these are set anew."""
    if not flat.causes:
        return flat.text
    view, at = flat.text.data, len(flat.text) - SLACK
    parts: list[bytes] = []
    for k, name, cause in flat.causes:
        shown = str(view[flat.begins[k] : flat.ends[k]], "utf-8")
        part = with_cause(shown, {name: cause}.get).encode()
        flat.begins[k], flat.ends[k] = at, at + len(part)
        at += len(part)
        parts.append(part)
    return np.concatenate([flat.text[:-SLACK], array_of(*parts)])


def _merged(
    columns: dict[str, np.ndarray], others: pl.DataFrame, kinds: dict[str, int]
) -> dict[str, np.ndarray]:
    """Columns of events, (k,) each, and other events (``SPAN_SCHEMA``) by position, as columns.

    kinds:  number of each service, which those of the others are added to.
    """
    numbers = [kinds.setdefault(name, len(kinds)) for name in others["service"].to_list()]
    more = others.with_columns(service=pl.Series(numbers, dtype=pl.UInt32))
    joined = {
        name: np.concatenate([column, more[name].to_numpy().astype(column.dtype)])
        for name, column in columns.items()
    }
    order = np.argsort(joined["position"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


@lru_cache(maxsize=16)
def _shown(names: tuple[str, ...], unnamed: str) -> list[str]:
    """Names of services as they can be shown, of what the lines say: mostly as in the batch before."""
    return clean_names(pl.Series([name or unnamed for name in names], dtype=pl.String)).to_list()


def spans_of(events: pl.DataFrame, at: int = 0) -> tuple[pl.DataFrame, Bytes]:
    """Events (``EVENT_SCHEMA``) with their messages in bytes that begin at ``at`` of some array."""
    messages = events["message"]
    sizes = messages.str.len_bytes().to_numpy().astype(np.int64)
    ends = at + np.cumsum(sizes)
    begins = ends - sizes
    table = events.with_columns(begin=pl.Series(begins), end=pl.Series(ends))
    return table.select(list(SPAN_SCHEMA)), array_of(messages.str.join("").item().encode())


def with_messages(events: pl.DataFrame, text: Bytes) -> pl.DataFrame:
    """Events (``SPAN_SCHEMA`` and more) as a table of their own (``EVENT_SCHEMA``)."""
    messages = taken(text, events["begin"].to_numpy(), events["end"].to_numpy())
    table = events.with_columns(pl.col("service").cast(pl.String), messages.alias("message"))
    return table.select(list(EVENT_SCHEMA))


def sampled_spans(events: pl.DataFrame, text: Bytes, odd: np.ndarray) -> pl.Series:
    """What ``sample_texts`` makes of their messages; ``odd``, (n,): as ``Masker.indexed_spans`` tells."""
    begins, ends = events["begin"].to_numpy(), events["end"].to_numpy()
    # What is longer may be cut, and the rest of it was not looked at.
    plain = ~odd & (ends - begins <= MAX_SAMPLE_CHARS) & ~card_like(text, begins, ends)
    return sample_texts(taken(text, begins, ends), plain)


def counted_spans(
    events: pl.DataFrame, index: pl.Series, hashes: np.ndarray, slide: int
) -> tuple[pl.Series, pl.Series]:
    """For each (pane, group, level, template, late): the event of the smallest hash, and the count."""
    group = events["group"]
    if not isinstance(group.dtype, pl.Enum):
        group = group.cast(pl.Enum(group.unique()))
    level, late = events["level"].to_numpy(), events["late"].to_numpy()
    # Of groups and templates there are no more than events, and these are fewer than 2**28.
    kind = group.to_physical().to_numpy().astype(np.int64) << 32
    kind += (index.to_numpy().astype(np.int64) << 4) + (level << 1) + late
    rows, counts = counted(events["time"].to_numpy() // slide, kind, hashes)
    return pl.Series(rows), pl.Series(counts)
