"""Windows without an event, of groups that logged before: silence is a signal."""

from __future__ import annotations

import polars as pl

from log_guard.core.windows.spec import WHOLE, WindowSpec


def silent_windows(
    seen: pl.DataFrame,
    last: dict[int, int],
    starts: dict[int, int],
    several_from: int,
    span: tuple[int, int],
    spec: WindowSpec,
) -> pl.DataFrame | None:
    """(end, group, silent) of the windows that end within the span and hold nothing; None if none.

    seen:          (pane, group) of the events on time within the span, each once, by pane.
    last:          group → last pane before the span that held one; brought up to its end.
    starts:        group → first pane that held an event on time.
    several_from:  start of the second group, µs.
    span:          (start, end], µs.
    """
    start, upto = span
    by_group = {
        int(str(name)): part["pane"].to_list()
        for (name,), part in seen.group_by("group", maintain_order=True)
    }
    by_group[WHOLE] = seen["pane"].unique().sort().to_list()
    stream_silent: set[int] = set()
    ends: list[int] = []
    ids: list[int] = []
    lengths: list[float] = []
    for group in sorted(by_group.keys() | last.keys()):
        panes = by_group.get(group, [])
        before = last.get(group)
        chain = panes if before is None else [before, *panes]
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
            last[group] = panes[-1]
        elif before is not None and upto - before > spec.forget_after:
            del last[group]
    if not ends:
        return None
    # Until there is a second group, the whole stream is the one group there is.
    only = min(starts, key=lambda group: starts[group])
    ids = [g if end > several_from else only for end, g in zip(ends, ids, strict=True)]
    columns = {"end": ends, "group": ids, "silent": lengths}
    schema = {"end": pl.Int64, "group": pl.Int64, "silent": pl.Float64}
    # The one group there is may be silent under its own name and as the whole stream.
    return pl.DataFrame(columns, schema=schema).unique(
        ["end", "group"], keep="first", maintain_order=True
    )
