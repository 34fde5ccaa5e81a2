"""``logguard try``: one log, printed for people or as JSON lines."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from log_guard.adapters.files import has_line
from log_guard.app.first_part import FirstPart
from log_guard.app.inspecting import ReadOptions
from log_guard.app.pipeline import Output, PipelineOptions
from log_guard.app.remarks import remarks, strangers, unvouched
from log_guard.app.rendering import accounts, moment, print_alert, some
from log_guard.app.scan import Scan, open_scan
from log_guard.core.events import UNKNOWN_SERVICE, DeadLetter
from log_guard.core.features import VOLUME_FEATURES
from log_guard.core.windows import WHOLE_STREAM
from log_guard.errors import InputError

INTRODUCED = 100
"""Windows after which a live stream has shown which services it is of."""
POLL_SECONDS = 0.5
RECENT = 100_000
"""Windows whose last verdict is remembered: while a stream is live they are judged again and again."""
_EVENTS = VOLUME_FEATURES.index("log_count")


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


@dataclass
class _Seen:
    """What has come by so far."""

    services: Counter[str] = field(default_factory=Counter)
    windows: int = 0
    anomalies: int = 0
    alerts: int = 0
    judged: bool = False
    introduced: bool = False
    warmed: str | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    recent: dict[tuple[int, str], bool] = field(default_factory=dict)


def run_trial(trial: Trial, console: Console, errors: Console) -> bool:
    """Run it; True if anything was not normal."""
    if trial.follow:
        _await_lines(trial.file, errors)
    scan = open_scan(
        trial.file,
        trial.options,
        trial.read,
        history=trial.history,
        model=trial.model,
        learn_from_start=trial.follow,
    )
    if not trial.as_json:
        errors.print(Text(_opening(scan, trial), style="dim"), soft_wrap=True)
    seen = _Seen()
    with ExitStack() as stack:
        letters = stack.enter_context(_opened(trial.dead_letters)) if trial.dead_letters else None
        for out in stack.enter_context(_Progress(scan, trial, errors)).watch(_outputs(scan, trial)):
            _count(seen, out)
            if letters is not None:
                letters.writelines(json.dumps(dead_letter(d)) + "\n" for d in out.dead)
            if trial.as_json:
                _print_json(out)
            else:
                _print_text(console, errors, out, seen, live=trial.follow)
            if trial.follow and not seen.introduced and seen.windows >= INTRODUCED:
                seen.introduced = True  # the end, where all else is said, may be far
                for remark in strangers(scan, seen.services):
                    errors.print(Text(remark), soft_wrap=True)
    if trial.as_json:
        print(json.dumps({"kind": "ledger", **scan.pipeline.ledger.as_dict()}), flush=True)  # noqa: T201 - JSON lines are the interface
        if not seen.judged:
            errors.print(Text(_unjudged(scan)), soft_wrap=True)
    else:
        _close(console, scan, seen)
    for remark in remarks(scan, seen.services):
        (errors if trial.as_json else console).print(Text(remark), soft_wrap=True)
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


def _await_lines(path: str, errors: Console) -> None:
    """As ``tail -F``: a file that is to come, or to get its first line, is waited for."""
    if has_line(path):
        return
    errors.print(Text(f"{path}: no lines in it yet; waiting for them", style="dim"), soft_wrap=True)
    while not has_line(path):
        time.sleep(POLL_SECONDS)


def _opened(path: Path) -> IO[str]:
    try:
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def _outputs(scan: Scan, trial: Trial) -> Iterator[Output]:
    if not trial.follow:
        yield from scan.run()
        return
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            raise KeyboardInterrupt
        stopped = True

    previous = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield from scan.follow(lambda: stopped)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _Progress:
    """A bar on the terminal while a file is read; nothing where there is no terminal."""

    def __init__(self, scan: Scan, trial: Trial, errors: Console) -> None:
        self._source = scan.source
        self._bar: Progress | None = None
        total = scan.source.total_bytes
        if total and not trial.follow and errors.is_terminal and total > 8 << 20:
            self._bar = Progress(
                TextColumn("reading"),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
                console=errors,
                transient=True,
            )
            self._task = self._bar.add_task("reading", total=total)

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def watch(self, outputs: Iterator[Output]) -> Iterator[Output]:
        for out in outputs:
            if self._bar is not None:
                self._bar.update(self._task, completed=self._source.read_bytes)
            yield out


def _opening(scan: Scan, trial: Trial) -> str:
    text = f"{trial.file}: {scan.format.name} lines"
    if scan.span is not None:
        text += f", {moment(scan.span[0])} to {moment(scan.span[1])} UTC"
    if scan.year is not None:
        text += f" (no year in its times: taken to end in {scan.year}; --year YEAR sets it)"
    if trial.model is not None:
        whose = ""
        if scan.taken_for:
            whose = (
                f"; its lines name no service: they are taken for those of {scan.taken_for}, the only one that the "
                "model knows (--service NAME sets another)"
            )
        return f"{text}; judging by {trial.model}{whose}"
    if trial.history is not None:
        return f"{text}; learnt from {trial.history}"
    if scan.learnt is not None:
        return f"{text}; {_learning(scan.learnt)}"
    minutes = trial.options.detect.least_windows * trial.options.window.window / 60e6
    return f"{text}; learning from the first {minutes:g} minutes"


def _learning(first: FirstPart) -> str:
    which = ""
    if first.events is not None:
        which = f"from the first {first.events[0]:,} of {first.events[1]:,} events, "
    return f"learning {which}until {moment(first.until)}"


def _count(seen: _Seen, out: Output) -> None:
    for result in out.results:
        window = (result.window_start, result.service)
        seen.windows += window not in seen.recent
        seen.anomalies += result.is_anomaly - seen.recent.pop(window, False)
        seen.recent[window] = result.is_anomaly
        if len(seen.recent) > RECENT:
            seen.recent.pop(next(iter(seen.recent)))
        seen.services[result.service] += int(result.features[_EVENTS])
    seen.alerts += sum(a.state == "opened" for a in out.alerts)
    seen.judged = seen.judged or any(r.model_version for r in out.results)
    seen.reasons.update(d.reason for d in out.dead)


def _print_json(out: Output) -> None:
    lines = [json.dumps(r.as_dict()) for r in out.results]
    lines += [json.dumps(a.as_dict()) for a in out.alerts]
    lines += [json.dumps(dead_letter(d)) for d in out.dead]
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def _print_text(console: Console, errors: Console, out: Output, seen: _Seen, *, live: bool) -> None:
    if live and out.results and out.results[-1].warming not in (None, seen.warmed):
        seen.warmed = out.results[-1].warming
        errors.print(Text(f"warming {seen.warmed} windows", style="dim"))
    for alert in out.alerts:
        # A finished log is told from its end: one report an episode, with all of it.
        if live or alert.state == "resolved":
            print_alert(console, alert, live=live)


def _close(console: Console, scan: Scan, seen: _Seen) -> None:
    console.print()
    ledger = scan.pipeline.ledger
    if not seen.judged:
        console.print(Text(_unjudged(scan)))
    elif not seen.alerts:
        console.print(Text(f"nothing unusual in {seen.windows:,} windows"))
    else:
        alerts = "1 alert" if seen.alerts == 1 else f"{seen.alerts} alerts"
        console.print(Text(f"{alerts} ({seen.anomalies:,} of {seen.windows:,} windows not normal)"))
    if scan.pipeline.options.detect.group_by == ("service",):
        heard = _heard(seen.services)
        unnamed = " (--service NAME gives it a name)" if UNKNOWN_SERVICE in heard else ""
        console.print(Text(f"services: {some(heard)}{unnamed}"))
    for remark in unvouched(scan.pipeline.detect.model):
        console.print(Text(remark))
    console.print(Text(accounts(ledger, seen.reasons, judged=seen.judged)))


def _unjudged(scan: Scan) -> str:
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
