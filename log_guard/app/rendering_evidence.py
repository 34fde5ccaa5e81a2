"""Why a window is not normal, as people read it: the sentence, what weighs most, raw lines."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from log_guard.core.evidence.words import bound, describe, many
from log_guard.core.results import Evidence, Part

SHOWN_PARTS = 4
LEAST_SHARE = 0.02
"""Smaller parts of a score are shown as one: the others."""


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
        console.print(Text(f"  {min(others, 0.99):4.0%}  {_unlisted(evidence, shown)}"))
    for sample in evidence.samples:
        line = Text(f"  {source} {sample.position}: ", style="cyan")
        room = max(console.width, 80) * 2 - len(line)
        line.append(_without_middle(sample.message, room), style="default")
        console.print(line)
    if evidence.normal_if:
        console.print(
            Text("  normal if " + " and ".join(bound(b) for b in evidence.normal_if), style="dim")
        )


def _without_middle(message: str, room: int) -> str:
    """A message in so many characters: who speaks stands at its beginning, what went wrong often at its end."""
    if len(message) <= room:
        return message
    end = room // 2
    return f"{message[: room - end - 1]}…{message[-end:]}"


def _unlisted(evidence: Evidence, shown: list[Part]) -> str:
    n = max(evidence.weighed - sum(part.counts for part in shown), 1)
    return "1 other count" if n == 1 else f"{n:,} other counts"


def _part_line(part: Part) -> Text:
    share = f"{part.share:4.0%}" if part.share >= 0.01 else " <1%"
    if part.counted == "messages":
        return Text(f"  {share}  {many(part)}")
    usual = "never before" if part.kind == "new" else f"usual {part.low}..{part.high}"
    if part.is_silence and not part.low:
        usual = "never so long before"
    usual += f" in {part.seconds:g} s" if part.seconds else ""
    text = f"  {share}  {part.kind:<8} {part.observed:>5}  ({usual})  {describe(part.level, part.template)}"
    if part.volumes:
        text += f" (with it {', '.join(f'{volume} events' for volume in part.volumes)})"
    return Text(text)
