"""A slice of event time is a bag of counts: the one idea that everything else follows from.

A **summary** is a polars frame with the columns of :data:`SUMMARY_SCHEMA`: one row for each (pane,
group, level, template) that occurred, with its count and one sample. Summaries add
(:func:`add`): the operation is associative and commutative and :func:`empty` is its neutral
element, *exactly*, because

* counts are integers,
* the sample kept is the one with the smallest hash, never the first to come,
* the bound on templates keeps the smallest in a fixed order and sums the rest in one row.

So a batch, a partition, a machine and a day are summarised by one function and merged by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from log_guard.core.events import Bytes
from log_guard.core.masking import Masker
from log_guard.core.summarising.sampling import sample_texts

SUMMARY_SCHEMA: dict[str, pl.DataType] = {
    "pane": pl.Int64(),  # start of the slice of event time, microseconds UTC
    "group": pl.String(),
    "level": pl.UInt8(),
    "template": pl.String(),
    "late": pl.Boolean(),  # came after its own partition's watermark had passed the pane's end
    "count": pl.Int64(),
    "sample_hash": pl.UInt64(),
    "source": pl.UInt32(),
    "position": pl.UInt64(),  # of the sample's raw record
    "sample": pl.String(),  # redacted
}
KEY = ["pane", "group", "level", "template", "late"]

OVERFLOW_TEMPLATE = "<other templates>"
"""What the templates beyond the bound are summed under."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_APART = np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True)
class Summarizer:
    """Events → summary: a pure function, so any number of them can run side by side.

    slide:          length of a pane, microseconds.
    max_templates:  bound on (level, template) pairs for each pane and group; what is beyond it is
                    counted under :data:`OVERFLOW_TEMPLATE`.
    """

    slide: int
    masker: Masker = field(default_factory=Masker)
    max_templates: int = 2_000

    def summarize(
        self, events: pl.DataFrame, source: int = 0, text: Bytes | None = None
    ) -> pl.DataFrame:
        """Summarise an event table (``EVENT_SCHEMA`` plus ``group`` and ``late``) of one source.

        text:  the bytes in which the messages lie, if it is one of ``SPAN_SCHEMA`` instead.
        """
        if events.is_empty():
            return empty()
        hashes = sample_hashes(_sample_keys(events["position"].to_numpy()), source)
        if text is None:
            index, templates = self.masker.indexed(events["message"])
            rows, counts = self._counted(events, index, hashes)
            kept = events[rows]
            samples = sample_texts(kept["message"])
        else:
            # Late: loading it takes its time.
            from log_guard.core.summarising.flat import counted_spans, sampled_spans

            index, templates, odd = self.masker.indexed_spans(text, events)
            rows, counts = counted_spans(events, index, hashes, self.slide)
            kept = events[rows]
            samples = sampled_spans(kept, text, odd[rows.to_numpy()])
        summary = kept.select(
            self._pane(),
            pl.col("group").cast(pl.String),
            "level",
            templates.gather(index[rows]).alias("template"),
            "late",
            pl.Series("count", counts),
            pl.Series("sample_hash", hashes)[rows],
            pl.lit(source, dtype=pl.UInt32).alias("source"),
            "position",
            samples.alias("sample"),
        )
        return bound_templates(summary, self.max_templates)

    def _pane(self) -> pl.Expr:
        return (pl.col("time") - pl.col("time") % self.slide).alias("pane")

    def _counted(
        self, events: pl.DataFrame, index: pl.Series, hashes: np.ndarray
    ) -> tuple[pl.Series, pl.Series]:
        """For each row of the summary to be: the event that is its sample, and the count."""
        counted = (
            events.select(
                self._pane(),
                "group",
                "level",
                index.alias("template"),
                "late",
                pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
                pl.Series("hash", hashes),
            )
            .group_by(KEY)
            .agg(pl.len().cast(pl.Int64).alias("count"), pl.col("row").min_by("hash"))
        )
        return counted["row"], counted["count"]


def _sample_keys(positions: np.ndarray) -> np.ndarray:
    """Numbers that tell the records of a source apart, uint64.

    Positions do, and ascend, but for records that came in one line: the first of them has its position
    for its number, the others are put far from it, each by its place in the line.
    """
    if not (positions[1:] == positions[:-1]).any():
        return positions
    first = np.flatnonzero(np.append(True, positions[1:] != positions[:-1]))
    within = np.arange(len(positions)) - np.repeat(first, np.diff(np.append(first, len(positions))))
    with np.errstate(over="ignore"):
        return np.asarray(positions.astype(np.uint64) + within.astype(np.uint64) * _APART)


def sample_hashes(positions: np.ndarray, source: int) -> np.ndarray:
    """Order in which records would be kept as samples, uint64: Fibonacci hashing of the position.

    Multiplication by an odd number is a bijection, so records of one source never tie
    (Knuth, The Art of Computer Programming, vol. 3, section 6.4).
    """
    with np.errstate(over="ignore"):
        return (positions.astype(np.uint64) + _offset(source)) * _GOLDEN


def _offset(source: int) -> np.uint64:
    return np.uint64((source * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF)


def empty() -> pl.DataFrame:
    """Return the neutral element of :func:`add`."""
    return pl.DataFrame(schema=SUMMARY_SCHEMA)


def add(*summaries: pl.DataFrame, max_templates: int = 2_000) -> pl.DataFrame:
    """Merge summaries; the result does not depend on their order or grouping, but for row order."""
    parts = [part for part in summaries if not part.is_empty()]
    if not parts:
        return empty()
    if len(parts) == 1:
        return bound_templates(parts[0], max_templates)
    rank = ["sample_hash", "source", "position", "sample"]
    merged = (
        pl.concat(parts)
        .sort(rank)
        .group_by(KEY)
        .agg(pl.col("count").sum(), *(pl.col(name).first() for name in rank))
        .select(list(SUMMARY_SCHEMA))
    )
    return bound_templates(merged, max_templates)


def bound_templates(summary: pl.DataFrame, most: int) -> pl.DataFrame:
    """Keep ``most`` (level, template) pairs a pane and group; sum the rest in one row a level.

    Kept are the severest levels first and then the smallest texts. The order does not look at
    counts: a pair that is cut in a part would be cut in the whole too, so the bound commutes with
    addition and what is kept is counted exactly.
    """
    if summary.height <= most:
        return summary
    # Mostly not even a pane of all groups has so many, and that is told without looking at strings.
    if np.unique(summary["pane"].to_numpy(), return_counts=True)[1].max() <= most:
        return summary
    if summary.group_by("pane", "group").len()["len"].to_numpy().max() <= most:
        return summary
    real = pl.col("template") != OVERFLOW_TEMPLATE
    kept = (
        summary.lazy()
        .filter(real)
        .select("pane", "group", "level", "template")
        .unique()
        .sort(["level", "template"], descending=[True, False])
        .group_by("pane", "group", maintain_order=True)
        .head(most)
        .with_columns(pl.lit(True).alias("kept"))
    )
    rank = ["sample_hash", "source", "position", "sample"]
    return (
        summary.lazy()
        .join(kept, on=["pane", "group", "level", "template"], how="left")
        .with_columns(
            pl.when(pl.col("kept"))
            .then(pl.col("template"))
            .otherwise(pl.lit(OVERFLOW_TEMPLATE))
            .alias("template")
        )
        .sort(rank)
        .group_by(KEY)
        .agg(pl.col("count").sum(), *(pl.col(name).first() for name in rank))
        .select(list(SUMMARY_SCHEMA))
        .collect()
    )
