"""What each suppression saves and hides, as it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from log_guard.app.rendering import plain_table
from log_guard.core.evaluation.whatif import SuppressionEffect
from log_guard.core.feedback.suppression import Suppression

TOGETHER = "several together: each of them would do alone"


def print_effects(effects: Sequence[SuppressionEffect], console: Console) -> None:
    """Print a table, and below it each incident that is hidden."""
    table = plain_table("saved", "hid", "suppression")
    for one in effects:
        hid = Text(str(len(one.hid)), style="bold red" if one.hid else "")
        table.add_row(str(one.saved), hid, Text(name_of(one.suppression)))
    console.print(table)
    for one in effects:
        for incident in one.hid:
            at = datetime.fromtimestamp(incident.start, UTC).strftime("%Y-%m-%d %H:%M:%S")
            console.print(
                Text(f"{name_of(one.suppression)} hides the incident of {at}", style="red")
            )


def effect_rows(effects: Iterable[SuppressionEffect]) -> Iterator[dict[str, object]]:
    """JSON objects, one a suppression, and one of several together where they save or hide anything."""
    for one in effects:
        entry = one.suppression
        yield {
            "kind": "suppression",
            "template": entry.template if entry else "",
            "matches": entry.matches if entry else "",
            "service": entry.service if entry else "",
            "reason": entry.reason if entry else TOGETHER,
            "together": entry is None,
            "saved": one.saved,
            "hid": [incident.id for incident in one.hid],
        }


def name_of(entry: Suppression | None) -> str:
    """A suppression as it is called in what people read."""
    if entry is None:
        return TOGETHER
    what = f"'{entry.template}'" if entry.template else f"/{entry.matches}/"
    where = f" in {entry.service}" if entry.service else ""
    return f"{what}{where} ({entry.reason})"
