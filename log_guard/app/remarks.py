"""What the accounts of a scan alone do not tell: what was bounded, and what looks wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from log_guard.app.effects_report import name_of
from log_guard.app.inspecting import NEWEST_FIRST, sampled_services
from log_guard.app.promised import broken_promise
from log_guard.app.rendering import length, moment, some
from log_guard.app.scan import Scan
from log_guard.core.detection.judge import HEEDING
from log_guard.core.evaluation.gate import services_of
from log_guard.core.events import SECOND
from log_guard.core.iso import iso
from log_guard.core.learning.calibration import certified_rate
from log_guard.core.learning.model import Model
from log_guard.core.windows import WHOLE_STREAM
from log_guard.core.windows.admission import OTHER_GROUPS

FAILURES = 10
"""Kinds of failure that are counted apart."""
MANY_DEAD = 0.1
"""Share of records that are dead letters from which on this is remarked upon."""


def remarks(scan: Scan, services: Mapping[str, int], *, introduced: bool = False) -> Iterator[str]:
    """Sentences for people, each with its repair.

    services:    name → how often it was heard in this log.
    introduced:  that the model does not know them was said before.
    """
    ledger, detect = scan.pipeline.ledger, scan.pipeline.detect
    if ledger.late > ledger.consumed // 2:
        yield f"most events are older than those before them: {NEWEST_FIRST}"
    if ledger.dead_lettered >= MANY_DEAD * ledger.consumed:
        yield (
            f"{ledger.dead_lettered:,} of {ledger.consumed:,} records could not be read as {scan.format.name} and were not judged: "
            "if the log holds several formats, split it and try each"
        )
    if not introduced:
        yield from strangers(scan, (name for name, count in services.items() if count))
    if len(scan.as_one) > 1:
        yield (
            f"all services ({some(scan.as_one)}) were judged as one (--group-by none): what goes wrong in a quiet one, or "
            "that it falls silent, may be lost among the others; leave --group-by out to judge each"
        )
    yield from suppressed(scan)
    training = None if detect.model is None else detect.model.training
    # What it learnt from as it went was judged first, and what a model was learnt from is another log.
    if training is not None and training.worst is not None and scan.learnt is not None:
        done = "not reported, and the trouble in it was not learnt"
        yield unusual(training.unusual, iso(training.worst)[:19], "what was learnt from", done)
    broken = broken_promise(scan.pipeline)
    if broken is not None:
        yield broken
    if detect.crowded:
        yield (
            f"more than {detect.options.max_groups:,} services: {detect.crowded:,} events of the others were judged "
            f"together, as {OTHER_GROUPS} (--group-by, --service-field say what a service is)"
        )
    if detect.dropped_keys:
        yield (
            f"the table of templates was full: {detect.dropped_keys:,} of the rarest were forgotten "
            "(--mask NAME=REGEX merges them)"
        )
    if detect.dropped_history:
        yield (
            f"the history was too long to learn from all of it: its oldest {detect.dropped_history:,} "
            "counts were left out"
        )


def failed(errors: Counter[str]) -> str:
    """That windows were not judged, or an alarm not explained, by a fault of ours."""
    windows = "1 window" if errors.total() == 1 else f"{errors.total():,} windows"
    return f"{windows} could not be judged or explained, by a fault of LogGuard, please report it: {some(list(errors))}"


def suppressed(scan: Scan) -> Iterator[str]:
    """What each suppression did, as far as that is known without judging again."""
    detect, spared = scan.pipeline.detect, scan.pipeline.spared
    if not spared.entries:
        return
    detector = detect.options.detector
    if detector not in HEEDING:
        yield f"the detector {detector} looks at no suppression ({', '.join(HEEDING)} do)"
        return
    for entry, events in zip(spared.entries, spared.events, strict=True):
        if not any(entry.covers(template) for template in detect.templates.words):
            yield (
                f"the suppression of {(entry.template or entry.matches)!r} fits no message of this log "
                "(write the template as an alert shows it)"
            )
            continue
        said = "1 event was" if events == 1 else f"{events:,} events were"
        over = scan.pipeline.event_time
        expired = over is not None and entry.until <= over
        when = f"; it expired at {moment(entry.until)}" if expired else ""
        yield f"suppressed {name_of(entry)}: {said} not judged{when}"
    if any(spared.events):
        yield "how many alerts each suppression saves: logguard whatif LOG --change feedback=FILE"


def unusual(windows: int, worst: str, of: str, done: str) -> str:
    """Say that a history was not normal throughout: how much of it, and what was ``done`` about that."""
    if windows == 1:
        return f"1 window of {of} was not normal itself, at {worst}: {done}"
    return f"{windows:,} windows of {of} were not normal themselves, most of all at {worst}: {done}"


def count_failure(errors: Counter[str], error: str) -> None:
    """Count a window that failed, by what failed; beyond ten kinds as one."""
    errors[error if error in errors or len(errors) < FAILURES else "others"] += 1


def unvouched(model: Model | None) -> Iterator[str]:
    """Say so if what a model was learnt from is too short for the rate of false alarms that was asked for."""
    if model is None or not model.training.blocks:
        return
    training, asked = model.training, model.false_alarms_per_day
    if certified_rate(training.blocks, training.block / SECOND) > asked:
        yield (
            f"learnt from {length(training.blocks * training.block)}: too short to promise {asked:g} false alarms a day "
            f"(that takes {24 / asked:.3g} hours); expect more"
        )


def strangers_at_first_sight(scan: Scan) -> Iterator[str]:
    """Say so before anything is judged, if the model that was given knows no service of the sample lines.

    Where it knows some, the sample may be too small to count them: the end tells.
    """
    if scan.given is None or not scan.pipeline.options.detect.group_by:
        return
    sampled = sampled_services(scan.source, scan.pipeline.decoder)
    if not set(sampled) & set(services_of(scan.given)):
        yield from strangers(scan, sampled)


def strangers(scan: Scan, heard: Iterable[str]) -> Iterator[str]:
    """Say so if most of these services, which the log is of, are unknown to the model that was given."""
    model, unnamed = scan.given, scan.pipeline.decoder.service
    if model is None:
        return
    ours = sorted(set(heard) - {WHOLE_STREAM, OTHER_GROUPS})
    theirs = services_of(model)
    known = set(ours) & set(theirs)
    if 2 * len(known) >= len(ours):
        return
    many = f"{len(known)} of {len(ours)} services" if known else "none of the services"
    repair = (
        "give a --model or --history of these services, or neither to learn from this log itself"
    )
    if len(ours) == 1 and ours[0] == unnamed:
        repair = f"if it is the same service, call it so (--service {theirs[0] if theirs else 'NAME'}); else {repair}"
    yield (
        f"the model knows {many} of this log: it was learnt from {some(theirs)}, and here "
        f"are {some(ours)}; {repair}"
    )
