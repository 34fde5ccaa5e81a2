"""``logguard whatif``: what is printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from log_guard.app.effects_report import effect_rows, print_effects
from log_guard.app.evaluate_report import template_table
from log_guard.app.rendering import moment, who
from log_guard.app.whatif import WhatIf
from log_guard.core.results import Alert

SHOWN = 10
"""Alerts of a kind that are listed for people; programs get all."""


def print_whatif(done: WhatIf, console: Console, *, as_json: bool) -> None:
    """Print the outcome, for people or as JSON lines."""
    if as_json:
        for row in _rows(done):
            console.print(Text(json.dumps(row)), soft_wrap=True)
        return
    found = done.difference
    head = (
        f"now {_alerts(done.now)}, then {done.then}: "
        f"{len(found.go)} go, {len(found.come)} come, {len(found.stay)} stay"
    )
    console.print(Text(head, style="bold"))
    for mark, alerts in (("goes", found.go), ("comes", found.come)):
        for alert in alerts[:SHOWN]:
            console.print(Text(f"  {mark:<6} {_line(alert)}"))
        if len(alerts) > SHOWN:
            console.print(Text(f"  and {len(alerts) - SHOWN} more (--format json)"))
    if done.remark is not None:
        console.print(Text(done.remark))
    if any(one.precision is not None for one in done.templates):
        console.print(Text("\nwhat raises the alerts then", style="bold"))
        console.print(template_table(done.templates, SHOWN))
    if done.effects:
        console.print()
        print_effects(done.effects, console)


def _rows(done: WhatIf) -> Iterator[dict[str, object]]:
    found = done.difference
    for change, alerts in (("goes", found.go), ("comes", found.come), ("stays", found.stay)):
        for alert in alerts:
            yield {**alert.as_dict(), "change": change}
    yield from effect_rows(done.effects)
    for led in done.templates:
        yield {"kind": "template", **asdict(led), "precision": led.precision}
    yield {
        "kind": "whatif",
        "now": done.now,
        "then": done.then,
        "go": len(found.go),
        "come": len(found.come),
        "stay": len(found.stay),
        "remark": done.remark,
    }


def _alerts(many: int) -> str:
    return "1 alert" if many == 1 else f"{many} alerts"


def _line(alert: Alert) -> str:
    onset = alert.start if alert.course.onset is None else alert.course.onset
    times = len(alert.bouts)
    again = f" ({times} times)" if times > 1 else ""
    return f"ALERT {alert.id}  {moment(onset)}  {who(alert)}: {alert.evidence.sentence}{again}"
