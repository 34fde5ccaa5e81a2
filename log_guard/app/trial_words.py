"""What ``logguard try`` says before the first alert and after the last."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.text import Text

from log_guard.app.first_part import FirstPart
from log_guard.app.remarks import unvouched
from log_guard.app.rendering import accounts, moment, some
from log_guard.app.scan import Scan
from log_guard.app.seen import Seen
from log_guard.core.events import UNKNOWN_SERVICE
from log_guard.core.windows import WHOLE_STREAM


def opening(scan: Scan, file: str, *, history: str | None, model: Path | None) -> str:
    """Which log it is, and what it is judged by."""
    text = f"{file}: {scan.format.name} lines"
    if scan.span is not None:
        text += f", {moment(scan.span[0])} to {moment(scan.span[1])} UTC"
    if scan.year is not None:
        text += f" (no year in its times: taken to end in {scan.year}; --year YEAR sets it)"
    if model is not None:
        whose = ""
        if scan.taken_for:
            whose = (
                f"; its lines name no service: they are taken for those of {scan.taken_for}, the only one that the "
                "model knows (--service NAME sets another)"
            )
        return f"{text}; judging by {model}{whose}"
    if history is not None:
        return f"{text}; learnt from {history}"
    if scan.learnt is not None:
        return f"{text}; {_learning(scan.learnt)}"
    minutes = (
        scan.pipeline.options.detect.least_windows * scan.pipeline.options.window.window / 60e6
    )
    return f"{text}; learning from the first {minutes:g} minutes"


def _learning(first: FirstPart) -> str:
    which = ""
    if first.events is not None:
        which = f"from the first {first.events[0]:,} of {first.events[1]:,} events, "
    return f"learning {which}until {moment(first.until)}"


def close(console: Console, scan: Scan, seen: Seen) -> None:
    """How much of the log was not normal, of whom it is, and the ledger."""
    console.print()
    ledger = scan.pipeline.ledger
    if not seen.judged:
        console.print(Text(unjudged(scan)))
    elif not seen.alerts:
        console.print(Text(f"nothing unusual in {seen.windows:,} judged windows"))
    else:
        alerts = "1 alert" if seen.alerts == 1 else f"{seen.alerts} alerts"
        console.print(
            Text(f"{alerts} ({seen.anomalies:,} of {seen.windows:,} judged windows not normal)")
        )
    if scan.pipeline.options.detect.group_by == ("service",):
        heard = _heard(seen.services)
        unnamed = " (--service NAME gives it a name)" if UNKNOWN_SERVICE in heard else ""
        console.print(Text(f"services: {some(heard)}{unnamed}"))
    for remark in unvouched(scan.pipeline.detect.model):
        console.print(Text(remark))
    console.print(Text(accounts(ledger, seen.reasons, judged=seen.judged)))


def unjudged(scan: Scan) -> str:
    """Why no window was judged, and what mends it."""
    last = scan.pipeline.event_time
    if scan.learnt is not None and last is not None and last <= scan.learnt.until:
        return (
            f"nothing was judged: the log ends at {moment(last)}, before {moment(scan.learnt.until)}, up to which it "
            "was to be learnt from; use an earlier --train-until"
        )
    return "nothing was judged: the log ended before there was enough to learn from; use --history FILE with a longer one"


def _heard(services: Counter[str]) -> list[str]:
    """The services that said anything, those that said most first."""
    ranked = sorted(services.items(), key=lambda item: (-item[1], item[0]))
    return [name for name, count in ranked if count and name != WHOLE_STREAM]
