"""What people read. Text of a log is untrusted: it is always plain text here, never markup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from log_guard.app.rendering_evidence import print_evidence
from log_guard.core.course import Symptom
from log_guard.core.episodes.causes import FEW
from log_guard.core.events import SECOND
from log_guard.core.evidence.words import describe, many
from log_guard.core.feedback.feedback import Label
from log_guard.core.ledger import Ledger
from log_guard.core.results import Alert
from log_guard.core.windows import WHOLE_STREAM

SHOWN_REASONS = 5
SHOWN_OTHERS = 4
SHOWN_SYMPTOMS = 5


def moment(time: int) -> str:
    """Event time (µs) as people write it, UTC."""
    return datetime.fromtimestamp(time / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def print_alert(
    console: Console, alert: Alert, *, live: bool = False, source: str = "line"
) -> None:
    """Print one alert with its evidence; what is told of it later, in a line each.

    live:  say how it went on (updated) and how it ended (resolved). Otherwise alerts are given when they
           are resolved: the first time with all of it, later that they were on again.
    """
    again = len(alert.course.bouts) > 1
    several = len({s.service for s in alert.course.symptoms}) < len(alert.course.symptoms)
    if live and alert.state == "resolved":
        said = _so_far(alert) if not several else length(_until(alert) - _onset(alert))
        ended = "told no more" if any(s.still for s in alert.course.symptoms) else "resolved"
        console.print(Text(f"{ended} {alert.id}: {_span(alert)}, {said}", style="dim"))
        if several:
            _print_symptoms(console, alert)
        _print_unended(console, alert)
        return
    if live and alert.state == "updated":
        _print_update(console, alert)
        return
    head = Text(f"ALERT {alert.id}", style="bold red")
    head.append(f"{_times(alert)}  {_span(alert)}  ", style="default")
    other = _other_lead(alert)
    lead = alert.service if other is None else other.service
    head.append(names_of([lead]) if again else who(alert), style="bold")
    if again:
        console.print(head.append(f"  {_so_far(alert)}", style="default"))
        if several:
            _print_symptoms(console, alert)
        _print_unended(console, alert)
        return
    head.append(f"  score {alert.peak_score:.2f}", style="default")
    console.print()
    console.print(head)
    print_evidence(console, alert.evidence, source)
    if several:
        _print_symptoms(console, alert)
    else:
        _print_others(console, alert, [other.service for other in alert.course.others])
    _print_unended(console, alert)


def labelled(label: Label) -> str:
    """What a person has said of an alert."""
    verdict = "real" if label.real else "noise"
    return f"labelled {verdict} by {label.author}: {label.reason}"


def _print_update(console: Console, alert: Alert) -> None:
    """How it grew: who has joined, how much of it there is now and was at most."""
    head = Text(f"UPDATE {alert.id}", style="bold red")
    head.append(f"{_times(alert)}  since {moment(_onset(alert))}", style="default")
    head.append("".join(f"  +{s}" for s in alert.course.joined), style="bold")
    other = _other_lead(alert)
    news = [s for s in alert.course.symptoms if not s.told and s != other]
    said = length(_until(alert) - _onset(alert)) if news else _so_far(alert)
    console.print(head.append(f"  {said}", style="default"))
    for symptom in news[:SHOWN_SYMPTOMS]:
        console.print(Text(f"  now: {symptom.sentence}"))
    if alert.service in alert.course.joined and len(alert.course.bouts) == 1:
        console.print(Text(f"  first of all: {alert.evidence.sentence}"))
    if other is None:
        _print_others(console, alert, alert.course.joined)


def _print_symptoms(console: Console, alert: Alert) -> None:
    """All that was wrong in this bout, each with its own span, in the order in which it began."""
    known = alert.course.symptoms
    first = sorted(known, key=lambda s: (not s.severe, -s.score, s.onset))[:SHOWN_SYMPTOMS]
    day = moment(_onset(alert))[:11]
    console.print(Text("  in order:"))
    for symptom in (s for s in known if s in first):
        span = _span_of(symptom.onset, symptom.end).replace(day, "")
        console.print(Text(f"  {span}  {symptom.sentence}"))
    if more := len(known) - len(first) + alert.course.more:
        console.print(Text(f"  and {more:,} more"))


def _print_unended(console: Console, alert: Alert) -> None:
    """How silence ended, and what was not seen to end: it was learnt, or is not told any longer."""
    ended = alert.state == "resolved"
    for silence in (s for s in alert.course.symptoms if _is_silence(s) and ended):
        name, lasted = names_of([silence.service]), length(silence.end - silence.onset)
        if silence.still:
            console.print(Text(f"  not seen to end: {name} still silent after {lasted}"))
        elif silence.leads:
            console.print(Text(f"  {name} was silent for {lasted}, and is back"))
    if alert.course.usual_from is not None:
        since = moment(alert.course.usual_from)
        console.print(Text(f"  not seen to end: it may go on, and is taken for usual from {since}"))


def _print_others(console: Console, alert: Alert, services: Sequence[str]) -> None:
    """What other services said, and how much later than the first."""
    told = [other for other in alert.course.others if other.service in services]
    for other in told[:SHOWN_OTHERS]:
        after = (other.onset - _onset(alert)) // SECOND
        when = f", {length(other.onset - _onset(alert))} later" if after > 0 else ""
        console.print(Text(f"  also{when}: {other.sentence}"))
    if len(told) > SHOWN_OTHERS:
        console.print(Text(f"  also in {', '.join(o.service for o in told[SHOWN_OTHERS:])}"))


def _onset(alert: Alert) -> int:
    """Onset of the bout that is on; where it is not known, the start of its first window."""
    bouts = alert.course.bouts
    if len(bouts) > 1:
        return min((s.onset for s in alert.course.symptoms), default=bouts[-1].start)
    return alert.start if alert.course.onset is None else alert.course.onset


def _until(alert: Alert) -> int:
    """End of the bout that is on; a silence ends before the last window that holds some of it, or after all of them."""
    symptoms = alert.course.symptoms
    ends = [symptom.end for symptom in symptoms]
    return max(ends) if ends and all(map(_is_silence, symptoms)) else max([alert.end, *ends])


def _is_silence(symptom: Symptom) -> bool:
    return symptom.severe and symptom.kind in FEW


def _span(alert: Alert) -> str:
    return _span_of(_onset(alert), _until(alert))


def _span_of(since: int, until: int) -> str:
    start, end = moment(since), moment(until)
    return f"{start} to {end[11:] if start[:10] == end[:10] else end}"


def _other_lead(alert: Alert) -> Symptom | None:
    """What led this bout, where what led the alert before has not come back with it."""
    symptoms = alert.course.symptoms
    if len(alert.course.bouts) == 1 or any(s.leads for s in symptoms):
        return None
    return min(symptoms, key=lambda s: (not s.severe, -s.score, s.onset), default=None)


def _times(alert: Alert) -> str:
    n = len(alert.course.bouts)
    return f" again (time {n})" if n > 1 else ""


def who(alert: Alert) -> str:
    """The services of an alert, the first first; where all fell silent at once, that."""
    return names_of([alert.service] if alert.service == WHOLE_STREAM else alert.services)


def names_of(services: Sequence[str]) -> str:
    """Names of services; of the whole stream, where there is nothing else."""
    return ", ".join(s for s in services if s != WHOLE_STREAM) or "whole stream"


def _so_far(alert: Alert) -> str:
    """How long it has been on, and how much of what leads it there is and was at most."""
    said = length(_until(alert) - _onset(alert))
    other = _other_lead(alert)
    if other is not None:
        return f"{said}: {other.sentence}"
    course, parts = alert.course, alert.evidence.parts
    if parts and parts[0].is_silence and alert.state != "resolved":
        return f"{said}: {alert.evidence.sentence}"
    if not parts or course.peak is None or parts[0].kind in FEW:
        return said
    if alert.state != "resolved" and course.count is not None and course.peak > 1:
        said += f", now {course.count:,}"
    several = parts[0].counted == "messages"
    name = many(parts[0]) if several else describe(parts[0].level, parts[0].template)
    bout = alert.bouts[-1]
    if course.peak == 1 and _until(alert) - _onset(alert) <= bout.opened - bout.start:
        return f"once: {name}"
    of = " events" if several else f" in {parts[0].seconds:g} s" if parts[0].seconds else ""
    peak = f", peak {course.peak:,}{of}" if course.peak > 1 else ""
    peak += " in all" if peak and len(course.bouts) > 1 else ""
    return f"{said}{peak}: {name}"


def length(span: int) -> str:
    """A span of event time (µs) as people say it."""
    minutes, seconds = divmod(span // SECOND, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{seconds} s"


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
