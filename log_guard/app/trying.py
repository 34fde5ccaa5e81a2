"""``logguard try``: one log, printed for people or as JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from log_guard.app.following import await_lines, follow, read_pipe
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import Output, PipelineOptions
from log_guard.app.reading_bar import ReadingBar
from log_guard.app.remarks import failed, remarks, strangers, strangers_at_first_sight
from log_guard.app.rendering import labelled, print_alert
from log_guard.app.scan import as_far_as_readable, open_scan
from log_guard.app.seen import Seen
from log_guard.app.trial_words import close, opening, unjudged
from log_guard.app.written import TextOutput
from log_guard.core.events import DeadLetter
from log_guard.core.feedback.feedback import Label
from log_guard.errors import InputError

INTRODUCED = 100
"""Windows after which a live stream has shown which services it is of."""


KINDS = frozenset({"result", "alert", "dead_letter"})


@dataclass(frozen=True)
class Trial:
    """What was asked for on the command line."""

    file: str
    options: PipelineOptions
    read: ReadOptions
    history: str | None = None
    model: Path | None = None
    follow: bool = False
    as_json: bool = False
    dead_letters: Path | None = None
    only: frozenset[str] = KINDS
    """Kinds of objects that are written as JSON, beside the ledger."""


def run_trial(trial: Trial, console: Console, errors: Console) -> bool:
    """Run it; True if anything was not normal."""
    if trial.follow:
        await_lines(trial.file, errors)
    scan = open_scan(
        trial.file,
        trial.options,
        trial.read,
        history=trial.history,
        model=trial.model,
        learn_from_start=trial.follow,
    )
    if not trial.as_json:
        errors.print(
            Text(opening(scan, trial.file, history=trial.history, model=trial.model), style="dim"),
            soft_wrap=True,
        )
    seen = Seen()
    for remark in strangers_at_first_sight(scan):
        errors.print(Text(remark), soft_wrap=True)
        seen.introduced = True
    broken: list[InputError] = []
    with ExitStack() as stack:
        letters = (
            stack.enter_context(TextOutput(trial.dead_letters)) if trial.dead_letters else None
        )
        if trial.follow:
            outputs = follow(scan)
        else:
            read = read_pipe(scan) if scan.source.total_bytes is None else scan.run()
            outputs = stack.enter_context(ReadingBar(scan, errors)).watch(read)
        for out in as_far_as_readable(outputs, broken):
            seen.take(out)
            if letters is not None:
                letters.write("".join(json.dumps(dead_letter(d)) + "\n" for d in out.dead))
            if trial.as_json:
                _print_json(out, trial.only)
            else:
                labels = scan.pipeline.detect.feedback.labels
                _print_text(console, errors, out, seen, labels, live=trial.follow)
            if trial.follow and not seen.introduced and seen.windows >= INTRODUCED:
                seen.introduced = True  # the end, where all else is said, may be far
                for remark in strangers(scan, (s for s, n in seen.services.items() if n)):
                    errors.print(Text(remark), soft_wrap=True)
    if trial.as_json:
        print(json.dumps({"kind": "ledger", **scan.pipeline.ledger.as_dict()}), flush=True)  # noqa: T201 - JSON lines are the interface
        if not seen.judged:
            errors.print(Text(unjudged(scan)), soft_wrap=True)
    else:
        close(console, scan, seen)
    for remark in remarks(scan, seen.services, introduced=seen.introduced and not trial.follow):
        (errors if trial.as_json else console).print(Text(remark), soft_wrap=True)
    if seen.errors:
        errors.print(Text(failed(seen.errors)), soft_wrap=True)
    for error in broken:
        raise error  # below what was read until then
    return seen.alerts > 0


def dead_letter(dead: DeadLetter) -> dict[str, object]:
    """Return a JSON object; bytes that are no UTF-8 become U+FFFD."""
    return {
        "kind": "dead_letter",
        "reason": dead.reason,
        "source": dead.source,
        "position": dead.position,
        "raw": dead.raw.decode("utf-8", errors="replace"),
    }


def _print_json(out: Output, only: frozenset[str]) -> None:
    lines = [json.dumps(r.as_dict()) for r in out.results if "result" in only]
    lines += [json.dumps(a.as_dict()) for a in out.alerts if "alert" in only]
    lines += [json.dumps(dead_letter(d)) for d in out.dead if "dead_letter" in only]
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def _print_text(
    console: Console,
    errors: Console,
    out: Output,
    seen: Seen,
    labels: Sequence[Label],
    *,
    live: bool,
) -> None:
    if live and out.results and out.results[-1].warming not in (None, seen.warmed):
        seen.warmed = out.results[-1].warming
        errors.print(Text(f"warming {seen.warmed} windows", style="dim"))
    for alert in out.alerts:
        # A finished log is told from its end: one report an episode, with all of it.
        if live or alert.state == "resolved":
            print_alert(console, alert, live=live)
            for label in labels:
                if label.about(alert.start, alert.end, alert.services):
                    console.print(Text(f"  {labelled(label)}"))
