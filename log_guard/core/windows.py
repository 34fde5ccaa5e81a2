"""Event-time windows: panes in, windows out, as integers from beginning to end.

A window ``[end - window, end)`` is the sum of its panes, so sliding windows cost one addition a
pane. Windows close when the watermark passes their end; an event that comes later (but not too
late) makes a **revision** of the windows that hold it.

A group that logged before and is silent now gets windows with zero counts: silence is a signal. A
run of empty windows is shown for ``silence_shown`` and then not repeated, so that a gap of days
costs nothing; and when everything is silent at once, that is one row (group ``*``) and not many.

The whole stream (group ``*``) has windows of its own from the time on at which a second group logs;
until then it would only say everything twice. What begins, what falls silent and whether there are
several groups is told from the events that came on time: when a late one arrives depends on how
the stream was cut into batches, and nothing published last may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from log_guard.core.admission import LATE_NAMES, OTHER_GROUPS, Admission
from log_guard.core.events import SECOND
from log_guard.core.vocabulary import Vocabulary
from log_guard.errors import OptionError, StateError

WHOLE_STREAM = "*"
"""Name of the group that is the sum of all groups."""
WHOLE = 0
"""Its id."""


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """Shape of the windows, microseconds."""

    window: int = 30 * SECOND
    slide: int = 5 * SECOND
    max_lateness: int = 600 * SECOND
    silence_shown: int = 300 * SECOND
    forget_after: int = 86_400 * SECOND

    def __post_init__(self) -> None:
        if self.slide <= 0 or self.window <= 0:
            raise OptionError("window and slide must be longer than 0 seconds")
        if self.window % self.slide:
            raise OptionError(
                f"the window ({self.window / SECOND:g} s) must be a multiple of the slide ({self.slide / SECOND:g} s)"
            )

    @property
    def panes(self) -> int:
        """Panes in a window."""
        return self.window // self.slide


@dataclass(frozen=True)
class WindowBatch:
    """Closed (or still open) windows of all groups.

    rows:     frame, a row a window and group, sorted by (end, group): ``end`` (µs), ``group`` (id),
              ``late`` (a revision), ``whole`` (the stream was watched for all of the window),
              ``silent`` (of an empty window: for how long the group has been so, in windows; else 0).
    entries:  frame, a row a (window, level, template) that occurred: ``row`` (index into rows),
              ``level``, ``template`` (id), ``count``.
    final:    False for an early look at windows that are still open.
    """

    rows: pl.DataFrame
    entries: pl.DataFrame
    final: bool = True

    def only(self, chosen: np.ndarray) -> WindowBatch:
        """Return the windows where the mask over the rows, (n,), is true."""
        index = np.cumsum(chosen) - 1
        row = self.entries["row"].to_numpy()
        entries = self.entries.with_columns(pl.Series("row", index[row])).filter(
            pl.Series(chosen[row])
        )
        return WindowBatch(self.rows.filter(pl.Series(chosen)), entries, self.final)


PANE_SCHEMA: dict[str, pl.DataType] = {
    "pane": pl.Int64(),
    "group": pl.Int64(),
    "level": pl.UInt8(),
    "template": pl.Int64(),
    "late": pl.Boolean(),
    "count": pl.Int64(),
}
MERGE_ROWS = 100_000
"""Pane rows that may pile up before equal ones are merged; sums do not depend on it."""

_SAMPLE = {
    "sample_hash": pl.UInt64(),
    "source": pl.UInt32(),
    "position": pl.UInt64(),
    "sample": pl.String(),
}
_ENTRY = ["end", "group", "level", "template"]
_NOT_STATE = frozenset({"spec", "groups", "templates"})
_ALWAYS, _NEVER = -(1 << 62), 1 << 62


class Windows:
    """The open and the still revisable panes of all groups. Deterministic; reads no clock.

    groups, templates: tables that turn the strings of summaries into ids; id 0 of ``groups`` is
    the whole stream.
    several: whether there are several groups from the beginning; None: if ``groups`` knows some.
    max_groups: how many groups may have windows of their own, beside those that ``groups`` knows.
    """

    def __init__(
        self,
        spec: WindowSpec,
        groups: Vocabulary,
        templates: Vocabulary,
        several: bool | None = None,
        max_groups: int | None = None,
    ) -> None:
        if several is None:
            several = len(groups) > 2
        self.spec = spec
        self.groups = groups
        self.templates = templates
        groups.id(WHOLE_STREAM)
        self.admission = Admission(max_groups, len(groups))
        self.closed: int | None = None  # ends up to here were published
        self.began: int | None = None  # first pane of the stream, of events that came on time
        self.scored = 0  # events in published windows, each counted once
        self._panes = pl.DataFrame(schema={**PANE_SCHEMA, **_SAMPLE})
        self._fresh_late: list[
            pl.DataFrame
        ] = []  # (pane, group) of late events since the last close
        self._first = 0  # first pane of all, late events included
        self._starts: dict[int, int] = {}  # group → first pane that held an event on time
        self._several_from = _ALWAYS if several else _NEVER  # start of the second group
        self._last: dict[int, int] = {}  # group → last closed pane that held an event on time
        self._newest: int | None = None  # last closed pane that held an event on time, of any group
        self._unscored_late = 0
        self._oldest: int | None = None  # first pane that can still be revised
        self.too_late = 0  # events for panes that can be revised no more
        self._merge_at = MERGE_ROWS

    def state(self) -> dict[str, object]:
        """Everything that later windows depend on, but for the settings and the two vocabularies."""
        return {name: value for name, value in vars(self).items() if name not in _NOT_STATE}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from a state; StateError if this version keeps other things."""
        if state.keys() != self.state().keys():
            raise StateError("the stored state was written by another version")
        vars(self).update(state)

    @property
    def pane_rows(self) -> int:
        """Rows held for open and revisable panes (a measure of memory)."""
        return self._panes.height

    def add(self, summary: pl.DataFrame) -> None:
        """Take in a summary (``SUMMARY_SCHEMA``), in any order."""
        if summary.is_empty():
            return
        rows = summary.with_columns(
            self.groups.ids(self._own_groups(summary)).alias("group"),
            self.templates.ids(summary["template"]).alias("template"),
        ).select([*PANE_SCHEMA, *_SAMPLE])
        self.adopt(rows)

    def _own_groups(self, summary: pl.DataFrame) -> pl.Series:
        """The groups of a summary, where there is no more room those that came too late as one."""
        full_from = self.admission.full_from
        if full_from is None:
            return summary["group"]
        names = summary["group"].unique().to_list()
        strangers = self.admission.strangers(names, self.groups.find, self._starts)
        # A late event from before the bound was met is of its own group, whenever it comes.
        if len(self.groups) < (self.admission.most or 0) + LATE_NAMES:
            others = summary["group"].is_in(strangers) & (summary["pane"] >= full_from)
        else:
            others = summary["group"].is_in(strangers)
        self.admission.crowded += int(summary["count"].filter(others).sum())
        return summary.select(
            pl.when(others).then(pl.lit(OTHER_GROUPS)).otherwise("group").alias("group")
        )["group"]

    def adopt(self, rows: pl.DataFrame) -> None:
        """Take in pane rows whose strings are ids already.

        A source that was idle may come back with events that are late by no more than its own clock
        allows and yet belong to panes long given up: these are counted and kept out.
        """
        if self._oldest is not None:
            gone = rows["pane"] < self._oldest
            if gone.any():
                self.too_late += int(rows.filter(gone)["count"].sum())
                rows = rows.filter(~gone)
                if rows.is_empty():
                    return
        first = int(rows["pane"].to_numpy().min())
        self._first = first if self.began is None else min(self._first, first)
        begun = rows.filter(~pl.col("late")).group_by("group").agg(pl.col("pane").min())
        for group, pane in begun.iter_rows():
            if group not in self._starts:
                self.admission.meet(group)
            self._starts[group] = min(self._starts.get(group, pane), pane)
        starts = sorted(self._starts.values())
        self.began = starts[0] if starts else self._first
        if len(starts) > 1:
            self._several_from = min(self._several_from, starts[1])
        if self.closed is not None:
            behind = rows.filter(pl.col("pane") < self.closed)
            if not behind.is_empty():
                self._fresh_late.append(behind.select("pane", "group").unique())
                self._unscored_late += int(behind["count"].sum())
        self._panes = pl.concat([self._panes, rows])
        if self._panes.height > self._merge_at:
            self._panes = _merge(self._panes)
            self._merge_at = 2 * self._panes.height + MERGE_ROWS

    def close(self, watermark: int) -> WindowBatch | None:
        """Publish what ends at or below the watermark (µs), and revisions; None if there is nothing."""
        if self.began is None:
            return None
        slide = self.spec.slide
        upto = watermark - watermark % slide
        if self.closed is None:
            if upto <= self.began:
                return None
            start = self._first
        else:
            start = self.closed
            upto = max(upto, start)
            if upto == start and not self._fresh_late:
                return None
        self._admit(upto)
        entries = self._entries(start, upto)
        revised = self._revisions(start)
        silent = self._silences(start, upto)
        self.scored += int(
            self._panes.filter(pl.col("pane").is_between(start, upto, closed="left"))["count"].sum()
        )
        self.scored += self._unscored_late
        self._unscored_late = 0
        self.closed = upto
        batch = self._batch(entries, revised, silent)
        # What may still be revised is told from event time, which stands still while a source idles.
        newest = start if self._newest is None else min(start, self._newest)
        held = newest - self.spec.window - self.spec.max_lateness - slide
        self._panes = self._panes.filter(pl.col("pane") >= held)
        # A window is revised from all of its panes, so the oldest revisable ones are longer held.
        self._oldest = held + self.spec.window
        return batch

    def _admit(self, upto: int) -> None:
        """Decide which groups have windows of their own, of those that began before ``upto``."""
        refused = self.admission.decide(upto, self._starts, self.groups.words.__getitem__)
        if not refused:
            return
        other = self.groups.id(OTHER_GROUPS)
        for group in refused:
            self._starts[other] = min(self._starts.pop(group), self._starts.get(other, _NEVER))
        full_from = self.admission.full_from
        assert full_from is not None

        def gone(rows: pl.DataFrame) -> pl.Series:
            groups = rows["group"].unique().to_list()
            own = [g for g in groups if g == other or self.admission.is_own(g, self._starts)]
            return ~rows["group"].is_in(own) & (rows["pane"] >= full_from)

        def renamed(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.with_columns(
                pl.when(gone(rows)).then(other).otherwise("group").alias("group")
            )

        self.admission.crowded += int(self._panes["count"].filter(gone(self._panes)).sum())
        self._panes = renamed(self._panes)
        self._fresh_late = [renamed(touched).unique() for touched in self._fresh_late]

    @property
    def pending(self) -> int:
        """Events taken in that are in no published window yet."""
        closed = self._panes["pane"] < (_ALWAYS if self.closed is None else self.closed)
        return int(self._panes["count"].filter(~closed).sum()) + self._unscored_late

    def peek(self, groups: Sequence[int] | None = None) -> WindowBatch | None:
        """Look at the windows still open, the first that holds each open pane; not final.

        groups:  only of these, without the whole stream; None: of all.
        """
        floor = self.closed if self.closed is not None else self.began
        if floor is None or self._panes.is_empty():
            return None
        newest = int(self._panes["pane"].to_numpy().max())
        entries = self._entries(floor, newest + self.spec.slide)
        if groups is not None:
            entries = entries.filter(pl.col("group").is_in(groups))
        if entries.is_empty():
            return None
        return self._batch(entries, None, None, final=False, whole=groups is None)

    def flush(self) -> WindowBatch | None:
        """Publish the rest at the end of the stream: one last, unfinished window a group."""
        if self._panes.is_empty():
            return None
        newest = int(self._panes["pane"].to_numpy().max()) + self.spec.slide
        floor = self.closed if self.closed is not None else self.began
        if floor is None or newest <= floor:
            return self.close(floor) if floor is not None else None
        batch = self.close(newest)
        return None if batch is None else WindowBatch(batch.rows, batch.entries, final=False)

    def next_pane(self, time: int) -> int | None:
        """Return the first pane at or after this event time that holds an event, µs."""
        panes = self._panes["pane"]
        later = panes.filter(panes >= time).to_numpy()
        return int(later.min()) if len(later) else None

    @property
    def newest_pane(self) -> int | None:
        """Last closed pane that held an event on time, of any group, µs."""
        return self._newest

    def closed_panes(self, start: int, end: int) -> pl.DataFrame:
        """On-time pane rows with ``start <= pane < end`` (``PANE_SCHEMA``): what is learnt from."""
        chosen = self._panes.filter(
            pl.col("pane").is_between(start, end, closed="left") & ~pl.col("late")
        )
        return chosen.select(list(PANE_SCHEMA))

    def samples(self, end: int, group: int) -> pl.DataFrame:
        """Samples of one window: ``pane``, ``level``, ``template``, ``count``, ``source``, ``position``, ``sample``."""
        inside = pl.col("pane").is_between(end - self.spec.window, end, closed="left")
        chosen = self._panes.filter(
            inside if group == WHOLE else inside & (pl.col("group") == group)
        )
        key = ["pane", "group", "level", "template", "late"]
        kept = (
            chosen.with_columns(pl.col("count").sum().over(key))
            .sort("sample_hash", "source", "position")
            .unique(key, keep="first", maintain_order=True)
        )
        return kept.select("pane", "level", "template", "count", "source", "position", "sample")

    def rename_templates(self, mapping: np.ndarray) -> None:
        """Apply new template ids after the vocabulary was compacted."""
        renamed = mapping[self._panes["template"].to_numpy()]
        self._panes = self._panes.with_columns(pl.Series("template", renamed))

    def used_templates(self) -> np.ndarray:
        return self._panes["template"].unique().to_numpy()

    def _entries(self, start: int, upto: int) -> pl.DataFrame:
        """Sums of the windows that end in (start, upto]."""
        spec = self.spec
        relevant = self._panes.lazy().filter(
            pl.col("pane").is_between(start - spec.window, upto, closed="left")
        )
        return (
            _sum_windows(relevant, spec)
            .filter(pl.col("end").is_between(start, upto, closed="right"))
            .collect()
        )

    def _revisions(self, closed: int) -> pl.DataFrame | None:
        """Sums of published windows that late events have changed since."""
        if not self._fresh_late or self.closed is None:
            self._fresh_late.clear()
            return None
        spec = self.spec
        touched = pl.concat(self._fresh_late).unique()
        self._fresh_late.clear()
        ends = (
            _explode(touched.lazy(), spec)
            .filter(pl.col("end") <= closed)
            .select("end", "group")
            .unique()
        )
        oldest = int(touched["pane"].to_numpy().min()) - spec.window
        relevant = self._panes.lazy().filter(
            pl.col("pane").is_between(oldest, closed, closed="left")
        )
        sums = _sum_windows(relevant, spec).join(ends, on=["end", "group"], how="semi")
        stream = _sum_windows(relevant, spec).join(
            ends.select("end").unique(), on="end", how="semi"
        )
        return pl.concat([sums, self._whole(stream)]).collect()

    def _whole(self, entries: pl.LazyFrame) -> pl.LazyFrame:
        """Add up the groups: the entries of the whole stream, of windows that have several groups."""
        several = (pl.col("end") > self._several_from) | (pl.col("groups") > 1)
        ends = entries.group_by("end").agg(pl.col("group").n_unique().alias("groups"))
        return (
            entries.join(ends.filter(several), on="end", how="semi")
            .group_by("end", "level", "template")
            .agg(pl.col("count").sum())
            .select(
                "end", pl.lit(WHOLE, dtype=pl.Int64).alias("group"), "level", "template", "count"
            )
        )

    def _silences(self, start: int, upto: int) -> pl.DataFrame | None:
        """(end, group, silent) of windows in (start, upto] without an event, of groups that had some before."""
        spec = self.spec
        seen = (
            self._panes.filter(
                pl.col("pane").is_between(start, upto, closed="left") & ~pl.col("late")
            )
            .select("pane", "group")
            .unique()
            .sort("pane")
        )
        whole = seen["pane"].unique().sort().to_list()
        by_group = {
            int(str(name)): part["pane"].to_list()
            for (name,), part in seen.group_by("group", maintain_order=True)
        }
        by_group[WHOLE] = whole
        if whole:
            self._newest = max(whole[-1], self._newest or whole[-1])
        stream_silent: set[int] = set()
        ends: list[int] = []
        ids: list[int] = []
        lengths: list[float] = []
        for group in sorted(by_group.keys() | self._last.keys()):
            panes = by_group.get(group, [])
            last = self._last.get(group)
            chain = panes if last is None else [last, *panes]
            if not chain:
                continue
            for this, following in zip(chain, [*chain[1:], upto], strict=True):
                first = max(this + spec.window + spec.slide, start + spec.slide)
                final = min(following, this + spec.window + spec.silence_shown, upto)
                for end in range(first, final + 1, spec.slide):
                    if group == WHOLE:
                        stream_silent.add(end)
                    if group == WHOLE or end not in stream_silent:
                        ends.append(end)
                        ids.append(group)
                        lengths.append((end - this - spec.slide) / spec.window)
            if panes:
                self._last[group] = panes[-1]
            elif last is not None and upto - last > spec.forget_after:
                del self._last[group]
        if not ends:
            return None
        # Until there is a second group, the whole stream is the one group there is.
        only = min(self._starts, key=lambda group: self._starts[group])
        ids = [g if end > self._several_from else only for end, g in zip(ends, ids, strict=True)]
        columns = {"end": ends, "group": ids, "silent": lengths}
        schema = {"end": pl.Int64, "group": pl.Int64, "silent": pl.Float64}
        # The one group there is may be silent under its own name and as the whole stream.
        return pl.DataFrame(columns, schema=schema).unique(
            ["end", "group"], keep="first", maintain_order=True
        )

    def _batch(
        self,
        entries: pl.DataFrame,
        revised: pl.DataFrame | None,
        silent: pl.DataFrame | None,
        final: bool = True,
        whole: bool = True,
    ) -> WindowBatch | None:
        if whole:
            entries = pl.concat([entries, self._whole(entries.lazy()).collect()])
        entries = entries.with_columns(pl.lit(False).alias("late"))
        if revised is not None and not revised.is_empty():
            entries = pl.concat([entries, revised.with_columns(pl.lit(True).alias("late"))])
        rows = entries.select("end", "group", "late").unique()
        rows = rows.with_columns(pl.lit(0.0).alias("silent"))
        if silent is not None:
            empty = silent.join(rows, on=["end", "group"], how="anti")  # but for late events
            empty = empty.with_columns(pl.lit(False).alias("late")).select(rows.columns)
            rows = pl.concat([rows, empty])
        if rows.is_empty():
            return None
        began = self.began if self.began is not None else 0
        rows = (
            rows.sort("end", "group", "late")
            .with_columns((pl.col("end") - self.spec.window >= began).alias("whole"))
            .with_row_index("row")
            .with_columns(pl.col("row").cast(pl.Int64))
        )
        entries = entries.join(
            rows.select("row", "end", "group", "late"), on=["end", "group", "late"]
        )
        entries = entries.select("row", "level", "template", "count").sort(
            "row", "level", "template"
        )
        return WindowBatch(rows.drop("row"), entries, final)


def _merge(panes: pl.DataFrame) -> pl.DataFrame:
    rank = ["sample_hash", "source", "position", "sample"]
    return (
        panes.sort(rank)
        .group_by("pane", "group", "level", "template", "late")
        .agg(pl.col("count").sum(), *(pl.col(name).first() for name in rank))
        .select([*PANE_SCHEMA, *_SAMPLE])
    )


def _explode(panes: pl.LazyFrame, spec: WindowSpec) -> pl.LazyFrame:
    """Give each pane row the ends of all windows that hold it."""
    offsets = pl.LazyFrame({"offset": [k * spec.slide for k in range(1, spec.panes + 1)]})
    return panes.join(offsets, how="cross").with_columns(
        (pl.col("pane") + pl.col("offset")).alias("end")
    )


def _sum_windows(panes: pl.LazyFrame, spec: WindowSpec) -> pl.LazyFrame:
    return _explode(panes, spec).group_by(_ENTRY).agg(pl.col("count").sum())
