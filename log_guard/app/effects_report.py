"""What each suppression saves and hides, as it is printed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from log_guard.app.rendering import plain_table
from log_guard.core.evaluation.whatif import SuppressionEffect
from log_guard.core.feedback.suppression import Suppression


def print_effects(effects: Sequence[SuppressionEffect], console: Console) -> None:
    """Print a table, and below it each incident that is hidden."""
    table = plain_table("saved", "hid", "suppression")
    for one in effects:
        hid = Text(str(len(one.hid)), style="bold red" if one.hid else "")
        table.add_row(str(one.saved), hid, Text(_name(one.suppression)))
    console.print(table)
    for one in effects:
        for incident in one.hid:
            at = datetime.fromtimestamp(incident.start, UTC).strftime("%Y-%m-%d %H:%M:%S")
            console.print(Text(f"{_name(one.suppression)} hides the incident of {at}", style="red"))


def effect_rows(effects: Iterable[SuppressionEffect]) -> Iterator[dict[str, object]]:
    """JSON objects, one a suppression."""
    for one in effects:
        entry = one.suppression
        yield {
            "kind": "suppression",
            "template": entry.template,
            "matches": entry.matches,
            "service": entry.service,
            "reason": entry.reason,
            "saved": one.saved,
            "hid": [incident.id for incident in one.hid],
        }


def _name(entry: Suppression) -> str:
    what = f"'{entry.template}'" if entry.template else f"/{entry.matches}/"
    where = f" in {entry.service}" if entry.service else ""
    return f"{what}{where} ({entry.reason})"
