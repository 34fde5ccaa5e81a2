"""What an audit found, printed."""

from __future__ import annotations

import json

from rich.console import Console

from log_guard.app.audit.findings import GRAVEST_FIRST, Audit
from log_guard.app.audit.recount import NEVER
from log_guard.core.iso import iso

MOST_SHOWN = 50


def show(outcome: Audit, console: Console, *, as_json: bool) -> None:
    """Print the outcome."""
    if as_json:
        console.print(json.dumps(outcome.as_dict()), markup=False)
        return
    for finding in outcome.gravest[:MOST_SHOWN]:
        console.print(str(finding), markup=False)
    more = outcome.more + max(len(outcome.findings) - MOST_SHOWN, 0)
    if more > 0:
        console.print(f"... and {more:,} more (--format json shows more)", markup=False)
    about = _many(outcome.rows, "row")
    if outcome.filtered:
        about += f", {_many(outcome.filtered, 'message')} without a value"
    if outcome.older:
        about += f", {outcome.older:,} older than their records"
    if outcome.recounted is not None:
        about += f", {outcome.recounted:,} counted again"
    if outcome.recounted_from:
        since = iso(outcome.recounted_from) if outcome.recounted_from < NEVER else "now"
        about += f" from {since} on, events before are deleted"
    if outcome.compared == 0 and outcome.rows:
        about += "; NO row could be compared with that: what is deleted may be of any window before"
    found = _many(outcome.kinds.total(), "finding")
    kinds = ", ".join(f"{outcome.kinds[k]:,} {k}" for k in GRAVEST_FIRST if outcome.kinds[k])
    if not outcome.accounted:
        said = f"{found}: {kinds}" if kinds else "every row as it was published"
        note = "it scored what the live run accounts for: no accounts of its own"
        console.print(f"run {outcome.run}: {said} ({about}; {note})", markup=False)
    elif outcome.complete:
        console.print(f"all {_many(outcome.events, 'event')} accounted for ({about})")
    else:
        events = _many(outcome.events, "event")
        console.print(f"{events} accounted for, {found}: {kinds} ({about})")
    for aside in outcome.asides:
        console.print(aside, markup=False)


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
