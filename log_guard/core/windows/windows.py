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

import numpy as np
import polars as pl

from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows.admission import OTHER_GROUPS, Admission
from log_guard.core.windows.batch import WindowBatch, batch_of
from log_guard.core.windows.crowding import own_groups, refused_rows
from log_guard.core.windows.panes import (
    PANE_SCHEMA,
    SAMPLE_SCHEMA,
    first_panes,
    merged,
    on_time,
    window_samples,
    with_templates,
)
from log_guard.core.windows.silence import silent_windows
from log_guard.core.windows.spec import WHOLE_STREAM, WindowSpec
from log_guard.core.windows.sums import revised_sums, stream_sums, sums_ending
from log_guard.errors import StateError

MERGE_ROWS = 100_000
"""Pane rows that may pile up before equal ones are merged; sums do not depend on it."""

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
        self._panes = pl.DataFrame(schema={**PANE_SCHEMA, **SAMPLE_SCHEMA})
        # (pane, group) of late events since the last close
        self._fresh_late: list[pl.DataFrame] = []
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
        own = own_groups(summary, self.admission, self.groups, self._starts)
        rows = summary.with_columns(
            self.groups.ids(own).alias("group"),
            self.templates.ids(summary["template"]).alias("template"),
        ).select([*PANE_SCHEMA, *SAMPLE_SCHEMA])
        self.adopt(rows)

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
        for group, pane in first_panes(rows.filter(~pl.col("late"))).items():
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
            self._panes = merged(self._panes)
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
        entries = sums_ending(self._panes, start, upto, self.spec)
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

        def refused_in(rows: pl.DataFrame) -> pl.Series:
            return refused_rows(rows, self.admission, other, self._starts)

        def renamed(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.with_columns(
                pl.when(refused_in(rows)).then(other).otherwise("group").alias("group")
            )

        self.admission.crowded += int(self._panes["count"].filter(refused_in(self._panes)).sum())
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
        floor = self.frontier
        if floor is None or self._panes.is_empty():
            return None
        newest = int(self._panes["pane"].to_numpy().max())
        entries = sums_ending(self._panes, floor, newest + self.spec.slide, self.spec)
        if groups is not None:
            entries = entries.filter(pl.col("group").is_in(groups))
        if entries.is_empty():
            return None
        return self._batch(entries, None, None, final=False, whole=groups is None)

    def flush(self) -> WindowBatch | None:
        """Publish the rest at the end of the stream: one last, unfinished window a group."""
        floor = self.frontier
        if floor is None or self._panes.is_empty():
            return None
        newest = int(self._panes["pane"].to_numpy().max()) + self.spec.slide
        if newest <= floor:
            return self.close(floor)
        batch = self.close(newest)
        return None if batch is None else WindowBatch(batch.rows, batch.entries, final=False)

    @property
    def frontier(self) -> int | None:
        """Event time (µs) up to which windows were published, or of the first pane; None without events."""
        return self.began if self.closed is None else self.closed

    def is_idle(self, time: int) -> bool:
        """Whether nobody has logged for so long at this event time (µs) that it is shown no more."""
        quiet = self.spec.silence_shown + self.spec.window
        return self._newest is not None and time - self._newest > quiet

    def next_pane(self, time: int) -> int | None:
        """Return the first pane at or after this event time that holds an event, µs."""
        panes = self._panes["pane"]
        later = panes.filter(panes >= time).to_numpy()
        return int(later.min()) if len(later) else None

    def closed_panes(self, start: int, end: int) -> pl.DataFrame:
        """On-time pane rows with ``start <= pane < end`` (``PANE_SCHEMA``): what is learnt from."""
        return on_time(self._panes, start, end).select(list(PANE_SCHEMA))

    def samples(self, end: int, group: int) -> pl.DataFrame:
        """Samples of one window, as :func:`window_samples` gives them."""
        return window_samples(self._panes, end - self.spec.window, end, group)

    def rename_templates(self, mapping: np.ndarray) -> None:
        """Apply new template ids after the vocabulary was compacted."""
        self._panes = with_templates(self._panes, mapping)

    def used_templates(self) -> np.ndarray:
        return self._panes["template"].unique().to_numpy()

    def _revisions(self, closed: int) -> pl.DataFrame | None:
        """Sums of published windows that late events have changed since."""
        if not self._fresh_late or self.closed is None:
            self._fresh_late.clear()
            return None
        touched = pl.concat(self._fresh_late).unique()
        self._fresh_late.clear()
        return revised_sums(self._panes, touched, closed, self._several_from, self.spec)

    def _silences(self, start: int, upto: int) -> pl.DataFrame | None:
        """(end, group, silent) of windows in (start, upto] without an event, of groups that had some before."""
        seen = on_time(self._panes, start, upto).select("pane", "group").unique().sort("pane")
        if not seen.is_empty():
            newest = int(seen["pane"][-1])
            self._newest = max(newest, self._newest or newest)
        span = start, upto
        return silent_windows(seen, self._last, self._starts, self._several_from, span, self.spec)

    def _batch(
        self,
        entries: pl.DataFrame,
        revised: pl.DataFrame | None,
        silent: pl.DataFrame | None,
        final: bool = True,
        whole: bool = True,
    ) -> WindowBatch | None:
        if whole:
            stream = stream_sums(entries.lazy(), self._several_from)
            entries = pl.concat([entries, stream.collect()])
        full_from = (self.began or 0) + self.spec.window
        return batch_of(entries, revised, silent, full_from, final)
