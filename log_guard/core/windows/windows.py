"""Event-time windows: panes in, windows out, as integers from beginning to end.

A window ``[end - window, end)`` is the sum of its panes, so sliding windows cost one addition a
pane. Windows close when the watermark passes their end; an event that comes later (but not too
late) makes a **revision** of the windows that hold it.

A group that logged before and is silent now gets windows with zero counts: silence is a signal. A
run of empty windows is shown for ``silence_shown``, and from then on only where it has become a quarter
longer, so that a gap of days costs next to nothing; and when everything is silent at once, that is one row (group ``*``) and not many.

The whole stream (group ``*``) has windows of its own from the time on at which a second group logs;
until then it would only say everything twice. What begins, what falls silent and whether there are
several groups is told from the events that came on time: when a late one arrives depends on how
the stream was cut into batches, and nothing published last may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows.admission import OTHER_GROUPS, Admission
from log_guard.core.windows.batch import WindowBatch, batch_of
from log_guard.core.windows.crowding import own_groups, refused_rows
from log_guard.core.windows.held import HeldPanes
from log_guard.core.windows.panes import (
    PANE_SCHEMA,
    SAMPLE_SCHEMA,
    on_time,
    with_templates,
)
from log_guard.core.windows.presence import Presence
from log_guard.core.windows.recent import RecentWindows
from log_guard.core.windows.spec import WHOLE_STREAM, WindowSpec
from log_guard.core.windows.sums import revised_sums, stream_sums, sums_ending
from log_guard.errors import StateError

_NOT_STATE = frozenset({"spec", "groups", "templates", "_held", "_presence"})
"""Settings, tables that are kept elsewhere, and what keeps its state itself."""
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
        self._held = HeldPanes()
        # (pane, group) of late events since the last close
        self._fresh_late: list[pl.DataFrame] = []
        self._first = 0  # first pane of all, late events included
        self._presence = Presence(several=several)
        self._recent = RecentWindows.none().rows  # of tumbling windows, by events on time
        self._unscored_late = 0

    def state(self) -> dict[str, object]:
        """Everything that later windows depend on, but for the settings and the two vocabularies."""
        own = {name: value for name, value in vars(self).items() if name not in _NOT_STATE}
        return {**own, **vars(self._held), **vars(self._presence)}

    def restore(self, state: dict[str, object]) -> None:
        """Go on from a state; StateError if this version keeps other things."""
        if state.keys() != self.state().keys():
            raise StateError("the stored state was written by another version")
        for part in (self, self._held, self._presence):
            vars(part).update({name: state[name] for name in vars(part).keys() & state.keys()})

    @property
    def pane_rows(self) -> int:
        """Rows held for open and revisable panes (a measure of memory)."""
        return self._held.rows.height

    @property
    def too_late(self) -> int:
        """Events for panes that can be revised no more."""
        return self._held.too_late

    def add(self, summary: pl.DataFrame) -> None:
        """Take in a summary (``SUMMARY_SCHEMA``), in any order."""
        if summary.is_empty():
            return
        own = own_groups(summary, self.admission, self.groups, self._presence.starts)
        rows = summary.with_columns(
            self.groups.ids(own).alias("group"),
            self.templates.ids(summary["template"]).alias("template"),
        ).select([*PANE_SCHEMA, *SAMPLE_SCHEMA])
        self.adopt(rows)

    def adopt(self, rows: pl.DataFrame) -> None:
        """Take in pane rows whose strings are ids already; there is at least one."""
        rows = self._held.in_time(rows)
        if rows.is_empty():
            return
        first = int(rows["pane"].to_numpy().min())
        self._first = first if self.began is None else min(self._first, first)
        for group in self._presence.hear(rows.filter(~pl.col("late"))):
            self.admission.meet(group)
        self.began = min(self._presence.starts.values(), default=self._first)
        if self.closed is not None:
            behind = rows.filter(pl.col("pane") < self.closed)
            if not behind.is_empty():
                self._fresh_late.append(behind.select("pane", "group").unique())
                self._unscored_late += int(behind["count"].sum())
        self._held.add(rows)

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
        entries = sums_ending(self._held.rows, start, upto, self.spec)
        revised = self._revisions(start)
        silent = self._silences(start, upto)
        self.scored += self._held.count(start, upto) + self._unscored_late
        self._unscored_late = 0
        self.closed = upto
        self._recent = RecentWindows.grown(self._recent, self._held.rows, start, upto, self.spec)
        batch = self._batch(entries, revised, silent)
        # What may still be revised is told from event time, which stands still while a source idles.
        newest = start if self._presence.newest is None else min(start, self._presence.newest)
        oldest = newest - self.spec.max_lateness - slide
        self._held.give_up(oldest, self.spec.window)
        self._recent = RecentWindows.kept(self._recent, oldest, self.spec)
        return batch

    def _admit(self, upto: int) -> None:
        """Decide which groups have windows of their own, of those that began before ``upto``."""
        refused = self.admission.decide(upto, self._presence.starts, self.groups.words.__getitem__)
        if not refused:
            return
        other = self.groups.id(OTHER_GROUPS)
        self._presence.count_as(other, refused)

        def refused_in(rows: pl.DataFrame) -> pl.Series:
            return refused_rows(rows, self.admission, other, self._presence.starts)

        def renamed(rows: pl.DataFrame) -> pl.DataFrame:
            return rows.with_columns(
                pl.when(refused_in(rows)).then(other).otherwise("group").alias("group")
            )

        rows = self._held.rows
        self.admission.crowded += int(rows["count"].filter(refused_in(rows)).sum())
        self._held.change(renamed)
        self._fresh_late = [renamed(touched).unique() for touched in self._fresh_late]

    @property
    def pending(self) -> int:
        """Events taken in that are in no published window yet."""
        closed = _ALWAYS if self.closed is None else self.closed
        return self._held.count(closed, _NEVER) + self._unscored_late

    def peek(self, groups: Sequence[int] | None = None) -> WindowBatch | None:
        """Look at the windows still open, the first that holds each open pane; not final.

        groups:  only of these, without the whole stream; None: of all.
        """
        floor, newest = self.frontier, self._held.newest
        if floor is None or newest is None:
            return None
        entries = sums_ending(self._held.rows, floor, newest + self.spec.slide, self.spec)
        if groups is not None:
            entries = entries.filter(pl.col("group").is_in(groups))
        if entries.is_empty():
            return None
        return self._batch(entries, None, None, final=False, whole=groups is None)

    def flush(self) -> WindowBatch | None:
        """Publish the rest at the end of the stream: one last, unfinished window a group."""
        floor, newest = self.frontier, self._held.newest
        if floor is None or newest is None:
            return None
        end = newest + self.spec.slide
        if end <= floor:
            return self.close(floor)
        batch = self.close(end)
        return None if batch is None else replace(batch, final=False)

    @property
    def frontier(self) -> int | None:
        """Event time (µs) up to which windows were published, or of the first pane; None without events."""
        return self.began if self.closed is None else self.closed

    def is_idle(self, time: int) -> bool:
        """Whether nobody has logged for so long at this event time (µs) that it is shown no more."""
        newest = self._presence.newest
        return newest is not None and time - newest > self.spec.idle_after

    def is_quiet(self, time: int) -> bool:
        """Whether nobody has logged for so long at this event time (µs) that there are but few windows of it."""
        newest = self._presence.newest
        return newest is not None and time - newest > self.spec.silence_shown + self.spec.window

    def next_pane(self, time: int) -> int | None:
        """The first pane at or after this event time that holds an event, µs."""
        return self._held.first_from(time)

    def closed_panes(self, start: int, end: int) -> pl.DataFrame:
        """On-time pane rows with ``start <= pane < end`` (``PANE_SCHEMA``): what is learnt from."""
        return on_time(self._held.rows, start, end).select(list(PANE_SCHEMA))

    def held(self, end: int) -> pl.DataFrame:
        """Pane rows of the windows that end here (µs), by group: what :func:`window_samples` chooses from."""
        return self._held.within(end - self.spec.window, end)

    def rename_templates(self, mapping: np.ndarray) -> None:
        """Apply new template ids after the vocabulary was compacted."""
        self._held.change(lambda rows: with_templates(rows, mapping))
        self._recent = with_templates(self._recent, mapping)

    def used_templates(self) -> np.ndarray:
        both = self._held.rows["template"], self._recent["template"]
        return np.unique(np.concatenate([ids.to_numpy() for ids in both]))

    def _revisions(self, closed: int) -> pl.DataFrame | None:
        """Sums of published windows that late events have changed since."""
        if not self._fresh_late or self.closed is None:
            self._fresh_late.clear()
            return None
        touched = pl.concat(self._fresh_late).unique()
        self._fresh_late.clear()
        return revised_sums(
            self._held.rows, touched, closed, self._presence.several_from, self.spec
        )

    def _silences(self, start: int, upto: int) -> pl.DataFrame | None:
        """(end, group, silent) of windows in (start, upto] without an event, of groups that had some before."""
        seen = on_time(self._held.rows, start, upto).select("pane", "group").unique().sort("pane")
        return self._presence.silences(seen, (start, upto), self.spec)

    def _batch(
        self,
        entries: pl.DataFrame,
        revised: pl.DataFrame | None,
        silent: pl.DataFrame | None,
        final: bool = True,
        whole: bool = True,
    ) -> WindowBatch | None:
        if whole:
            stream = stream_sums(entries.lazy(), self._presence.several_from)
            entries = pl.concat([entries, stream.collect()])
        full_from = (self.began or 0) + self.spec.window
        recent = RecentWindows(self._recent, self.began or 0, self.spec.window)
        return batch_of(entries, revised, silent, full_from, final, recent)
