"""When each group was heard, by its events on time: who there is, and who is silent now."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from log_guard.core.windows.panes import first_panes
from log_guard.core.windows.spec import WHOLE, WindowSpec

_ALWAYS, _NEVER = -(1 << 62), 1 << 62


class Presence:
    """First and last panes of the groups, µs; ``several``: there are several from the beginning on."""

    def __init__(self, *, several: bool) -> None:
        self._starts: dict[int, int] = {}  # group → first pane
        self._several_from = _ALWAYS if several else _NEVER  # start of the second group
        self._last: dict[int, int] = {}  # group → last closed pane
        self._newest: int | None = None  # last closed pane, of any group

    @property
    def starts(self) -> Mapping[int, int]:
        """Group → its first pane."""
        return self._starts

    @property
    def several_from(self) -> int:
        """Windows that end after this have several groups, even where only one logged."""
        return self._several_from

    @property
    def newest(self) -> int | None:
        """The last closed pane in which anybody was heard."""
        return self._newest

    def hear(self, rows: pl.DataFrame) -> list[int]:
        """Take in pane rows of events on time; the groups that were not heard before."""
        first = first_panes(rows)
        fresh = [group for group in first if group not in self._starts]
        for group, pane in first.items():
            self._starts[group] = min(self._starts.get(group, pane), pane)
        starts = sorted(self._starts.values())
        if len(starts) > 1:
            self._several_from = min(self._several_from, starts[1])
        return fresh

    def count_as(self, other: int, groups: Iterable[int]) -> None:
        """From now on these groups are one."""
        for group in groups:
            self._starts[other] = min(self._starts.pop(group), self._starts.get(other, _NEVER))

    def silences(
        self, seen: pl.DataFrame, span: tuple[int, int], spec: WindowSpec
    ) -> pl.DataFrame | None:
        """(end, group, silent) of the windows that end within the span and hold nothing; None if none.

        Silence is that of groups that were heard before; the span is closed with it.

        seen:  (pane, group) of the events on time within the span, each once, by pane.
        span:  (start, end], µs.
        """
        if not seen.is_empty():
            newest = int(seen["pane"][-1])
            self._newest = max(newest, self._newest or newest)
        start, upto = span
        later = spec.later_silences()
        stream_silent: list[tuple[int, int]] = []
        ends: list[int] = []
        ids: list[int] = []
        lengths: list[float] = []
        for group, this, following in self._pauses(seen, upto, spec):
            first = max(this + spec.window + spec.slide, start + spec.slide)
            final = min(following, this + spec.window + spec.silence_shown, upto)
            if group == WHOLE:
                stream_silent.append((this + spec.window, following))
            idle = this + spec.idle_after if group == WHOLE else _NEVER
            more = [this + end for end in later if start < this + end <= min(following, upto, idle)]
            for end in (*range(first, final + 1, spec.slide), *more):
                if group == WHOLE or not _within(end, stream_silent):
                    ends.append(end)
                    ids.append(group)
                    lengths.append((end - this - spec.slide) / spec.window)
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

    def _pauses(
        self, seen: pl.DataFrame, upto: int, spec: WindowSpec
    ) -> list[tuple[int, int, int]]:
        """Pauses longer than a window: group, last pane before and first pane after (or ``upto``), by group and time.

        Takes in who was heard, and forgets who has been silent for too long.
        """
        whole = seen.select("pane").unique().with_columns(group=pl.lit(WHOLE, dtype=pl.Int64))
        before = pl.DataFrame(
            {"pane": [*self._last.values()], "group": [*self._last]},
            schema={"pane": pl.Int64, "group": pl.Int64},
        )
        heard = pl.concat([seen.select("pane", "group"), whole, before]).sort("group", "pane")
        group, pane = heard["group"].to_numpy(), heard["pane"].to_numpy()
        last = np.append(group[1:] != group[:-1], True)[: len(group)]
        following = np.where(last, upto, np.append(pane[1:], upto)[: len(group)])
        kept = last & (upto - pane <= spec.forget_after)
        self._last = dict(zip(group[kept].tolist(), pane[kept].tolist(), strict=True))
        long = following - pane > spec.window
        columns = group[long], pane[long], following[long]
        return list(zip(*(column.tolist() for column in columns), strict=True))


def _within(end: int, pauses: list[tuple[int, int]]) -> bool:
    """Whether a window that ends here lies within one of these, from after the first time to the second, ascending."""
    at = bisect_left(pauses, (end, 0)) - 1
    return at >= 0 and end <= pauses[at][1]
