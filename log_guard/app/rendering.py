"""What people read. Text of a log is untrusted: it is always plain text here, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from log_guard.core.events import SECOND
from log_guard.core.evidence import describe
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert, Bound, Evidence, Part

SHOWN_PARTS = 4
SHOWN_REASONS = 5
LEAST_SHARE = 0.02
"""Smaller parts of a score are shown as one: the others."""


def moment(time: int) -> str:
    """Event time (µs) as people write it, UTC."""
    return datetime.fromtimestamp(time / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def print_alert(
    console: Console, alert: Alert, *, live: bool = False, source: str = "line"
) -> None:
    """Print one alert with its evidence, or, of a live stream, that it was resolved."""
    span = (
        f"{moment(alert.start)} to {moment(alert.end)[11:]}"
        if moment(alert.start)[:10] == moment(alert.end)[:10]
        else (f"{moment(alert.start)} to {moment(alert.end)}")
    )
    if live and alert.state == "resolved":
        console.print(Text(f"resolved {alert.id}: {span}, {_windows(alert)}", style="dim"))
        return
    head = Text(f"{'ALERT' if alert.state != 'updated' else 'UPDATE'} {alert.id}", style="bold red")
    head.append(f"  {span}  ", style="default")
    head.append(", ".join(s for s in alert.services if s != "*") or "whole stream", style="bold")
    head.append(f"  score {alert.peak_score:.2f}", style="default")
    console.print()
    console.print(head)
    print_evidence(console, alert.evidence, source)


def _windows(alert: Alert) -> str:
    return "1 window" if alert.windows == 1 else f"{alert.windows} windows"


def print_evidence(console: Console, evidence: Evidence, source: str) -> None:
    """Print the sentence, the heaviest parts, raw lines and what would have been normal."""
    console.print(Text("  " + evidence.sentence))
    shown = [
        part
        for i, part in enumerate(evidence.parts[:SHOWN_PARTS])
        if part.share >= LEAST_SHARE or i == 0
    ]
    for part in shown:
        console.print(_part_line(part))
    others = 1.0 - sum(part.share for part in shown)
    if shown and others >= 0.01:
        console.print(Text(f"  {min(others, 0.99):4.0%}  {_unlisted(evidence, len(shown))}"))
    for sample in evidence.samples:
        line = Text(f"  {source} {sample.position}: ", style="cyan")
        line.append(sample.message, style="default")
        line.truncate(max(console.width, 80) * 2, overflow="ellipsis")
        console.print(line)
    if evidence.normal_if:
        console.print(
            Text("  normal if " + " and ".join(bound(b) for b in evidence.normal_if), style="dim")
        )


def _unlisted(evidence: Evidence, shown: int) -> str:
    n = max(evidence.weighed - shown, 1)
    return "1 other count" if n == 1 else f"{n} other counts"


def _part_line(part: Part) -> Text:
    usual = "never before" if part.kind == "new" else f"usual {part.low}..{part.high}"
    name = describe(part.level, part.template)
    share = f"{part.share:4.0%}" if part.share >= 0.01 else " <1%"
    return Text(f"  {share}  {part.kind:<8} {part.observed:>5}  ({usual})  {name}")


def bound(b: Bound) -> str:
    """One clause of 'normal if'."""
    return f"{describe(b.level, b.template)} {b.relation} {b.count}"


def accounts(ledger: Ledger, reasons: dict[str, int], *, judged: bool = True) -> str:
    """The ledger in one sentence; ``judged``: whether any window was, and not just learnt from."""
    parts = [f"{ledger.scored:,} {'scored' if judged else 'in windows, none of which was judged'}"]
    parts += [
        f"{n:,} {name}" for name, n in (("late", ledger.late), ("filtered", ledger.filtered)) if n
    ]
    if ledger.dead_lettered:
        ranked = sorted(reasons.items(), key=lambda i: (-i[1], i[0]))
        listed = ", ".join(f"{reason}: {n:,}" for reason, n in ranked[:SHOWN_REASONS])
        if others := sum(n for _, n in ranked[SHOWN_REASONS:]):
            listed += f", other reasons: {others:,}"
        letters = "dead letter" if ledger.dead_lettered == 1 else "dead letters"
        parts.append(f"{ledger.dead_lettered:,} {letters} ({listed})")
    head = (
        f"all {ledger.consumed:,} events accounted for"
        if ledger.balanced
        else (f"{ledger.pending:,} of {ledger.consumed:,} events NOT accounted for")
    )
    return f"{head}: {', '.join(parts)}"


def plain_table(*columns: str) -> Table:
    """Return a table without a frame, the same in a terminal and in a file."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def some(names: Sequence[str], most: int = 3) -> str:
    """Names for people, the first few of them."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most:,} more"
