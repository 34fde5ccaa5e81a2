"""The fold: equal to the line in one process, bit-equal over a restart, and honest about offsets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import islice, pairwise
from random import Random
from typing import Any

import polars as pl
import pytest

from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, Level, RawBatch
from log_guard.core.results import Result
from log_guard.core.stream.fold import REPORT_EVERY, STATE_FORMAT, STRIDE, Emitted, Fold
from log_guard.core.stream.kinds import KINDS
from log_guard.core.stream.progress import Commit, Progress
from log_guard.core.stream.snapshot import freeze, thaw
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import Intake
from log_guard.core.summarising.summaries import Summarizer, empty
from log_guard.core.windows import WindowSpec
from log_guard.errors import StateError
from tests.streams import Event, fold_in, line, micros

# Of the silence at the end of each stream a minute is enough.
SPEC = WindowSpec(window=10 * SECOND, slide=5 * SECOND, silence_shown=60 * SECOND)
PROGRESS = Progress(0, 0, 9, None, False, consumed=9, summarised=9)
OPTIONS = DetectOptions(least_windows=6)
PARTITIONS = 3


def events(seed: int, seconds: int = 720) -> list[Event]:
    """Three services, a burst of errors and stragglers."""
    random = Random(seed)
    made = []
    for second in range(seconds):
        for service in ("api", "db", "web"):
            for _ in range(random.randrange(4)):
                text = random.choice(("served in {} ms", "cache miss for {}", "user {} logged in"))
                message = text.format(random.randrange(1000))
                made.append(Event(second + random.random(), service, Level.INFO, message))
    for _ in range(40):
        made.append(
            Event(600 + random.random() * 8, "db", Level.ERROR, "connection to 10.0.0.1 refused")
        )
    made.sort()
    for _ in range(15):
        at = random.randrange(len(made) // 2, len(made))
        made.insert(at, made.pop(max(at - 60, 0)))
    return made


def commits(stream: Sequence[Event], seed: int) -> list[Commit]:
    """The stream over some partitions, summarised in batches of random sizes."""
    random = Random(seed)
    rules = TimeRules(slide=SPEC.slide, max_lateness=SPEC.max_lateness, max_jump=None)
    intakes = [
        Intake(Decoder(JsonLines()), rules, Summarizer(SPEC.slide), source=p)
        for p in range(PARTITIONS)
    ]
    lines: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
    for event in stream:
        lines[random.randrange(PARTITIONS)].append(line(event))
    made: list[Commit] = []
    done = [0] * PARTITIONS
    while any(done[p] < len(lines[p]) for p in range(PARTITIONS)):
        summaries, progress = [empty()], []
        for p in random.sample(range(PARTITIONS), random.randrange(1, PARTITIONS + 1)):
            batch = lines[p][done[p] : done[p] + random.randrange(1, 80)]
            taken = intakes[p].take(RawBatch(b"\n".join(batch), done[p], p))
            upto = done[p] + len(batch)
            summaries.append(taken.summary)
            progress.append(
                Progress(
                    p,
                    done[p],
                    upto,
                    intakes[p].clock.watermark,
                    upto == len(lines[p]),
                    taken.consumed,
                    taken.summarised,
                    taken.late,
                    len(taken.dead),
                )
            )
            done[p] = upto
        made.append(Commit(pl.concat(summaries), tuple(progress), PARTITIONS, str(len(made))))
    end = micros(1400)  # no event could change a window before it any more
    last = tuple(Progress(p, done[p], done[p], end, True) for p in range(PARTITIONS))
    # Accounts are told every so many records; a summariser goes on reporting while all is quiet.
    quiet = [Commit(empty(), last, PARTITIONS, f"end-{i}") for i in range(REPORT_EVERY + 1)]
    return [*made, *quiet]


def folded(fold: Fold, records: Sequence[Commit], first: int = 0) -> list[Emitted]:
    return [fold_in(fold, record, first + i) for i, record in enumerate(records)]


@cache
def undisturbed(seed: int) -> tuple[list[Commit], list[Emitted]]:
    """A stream's records, and what they give: each of these streams is folded once for all tests."""
    records = commits(events(seed), seed)
    return records, folded(Fold(SPEC, OPTIONS), records)


def rows(results: Sequence[Result]) -> dict[tuple[int, str], Any]:
    """The final word on each window: what a table holds in the end, but for revisions and samples."""
    table: dict[tuple[int, str], Any] = {}
    for result in sorted(results, key=lambda r: r.revision):
        plain = replace(result, revision=0).as_dict()
        evidence = plain.pop("evidence")
        plain["normal_if"] = evidence and evidence["normal_if"]
        plain["parts"] = evidence and evidence["parts"]
        table[result.window_end, result.service] = plain
    return table


def results(emitted: Sequence[Emitted]) -> list[Result]:
    return [result for out in emitted for result in out.results]


@pytest.mark.parametrize("seed", range(4))
def test_partitions_and_cuts_do_not_change_the_final_rows(seed: int) -> None:
    _, one = undisturbed(seed)
    other = folded(Fold(SPEC, OPTIONS), commits(events(seed), seed + 100))
    assert rows(results(one)) == rows(results(other))
    assert any(result.is_anomaly for result in results(one))


def test_the_fold_gives_the_rows_of_the_line_in_one_process() -> None:
    stream = sorted(events(5))
    pipeline = Pipeline(Decoder(JsonLines()), PipelineOptions(SPEC, OPTIONS))
    out = pipeline.feed(RawBatch(b"\n".join(map(line, stream)), 0))
    here = out.results + pipeline.idle(600.0).results
    assert (
        rows(results(folded(Fold(SPEC, OPTIONS), commits(stream, 1)))).items() >= rows(here).items()
    )


CUTS = [1, 20, 35, 50, 65]


@cache
def stored() -> dict[int, dict[str, bytes]]:
    """The state of one fold at each of the cuts."""
    records, _ = undisturbed(0)
    fold = Fold(SPEC, OPTIONS)
    states = {}
    for first, at in pairwise([0, *CUTS]):
        folded(fold, records[first:at], first)
        states[at] = {name: freeze(part, KINDS) for name, part in fold.state().items()}
    return states


@pytest.mark.parametrize("at", CUTS)
def test_a_restored_state_goes_on_bit_for_bit(at: int) -> None:
    records, emitted = undisturbed(0)
    expected = emitted[at:]
    after = Fold(SPEC, OPTIONS)
    after.restore({name: thaw(data, KINDS) for name, data in stored()[at].items()})
    actual = folded(after, records[at:], at)

    def plain(emitted: Sequence[Emitted]) -> list[Any]:
        return [
            (
                [r.as_dict() for r in e.results],
                [a.as_dict() for a in e.alerts],
                e.accounts,
                e.balance,
            )
            for e in emitted
        ]

    assert plain(actual) == plain(expected)


@pytest.mark.parametrize("format", [None, STATE_FORMAT + 1])
def test_a_state_of_another_format_is_refused(format: int | None) -> None:
    state = {name: thaw(data, KINDS) for name, data in stored()[20].items()}
    if format is None:
        del state["fold"]["format"]
    else:
        state["fold"]["format"] = format
    with pytest.raises(StateError, match="another version"):
        Fold(SPEC, OPTIONS).restore(state)


def test_every_event_is_in_the_balance() -> None:
    stream = events(3)
    _, emitted = undisturbed(3)
    balances = [e.balance for e in emitted if e.balance is not None]
    assert all(balance.balanced for balance in balances)
    assert balances[-1].open == 0
    assert balances[-1].taken == len(stream)
    accounts = [account for e in emitted for account in e.accounts]
    assert {account.status for account in accounts} == {"accepted"}
    assert sum(account.consumed for account in accounts) == len(stream)


def test_whoever_folds_again_with_other_settings_tells_the_same_ranges() -> None:
    records = commits(events(8, 300), 8)
    one, other = (
        [account for out in folded(Fold(SPEC, options), records) for account in out.accounts]
        for options in (OPTIONS, DetectOptions(least_windows=9, show_warm_up=False))
    )
    assert one == other


def test_a_range_read_twice_is_kept_out_and_named() -> None:
    records, clean = undisturbed(2)
    doubled = folded(Fold(SPEC, OPTIONS), [*records[:60], *records[20:30], *records[60:]])
    assert rows(results(clean)) == rows(results(doubled))
    named = [a for e in doubled for a in e.accounts if a.status == "doubled"]
    told = [p for record in records[20:30] for p in record.progress]
    assert [(a.partition, a.first_offset, a.next_offset) for a in named] == [
        (p.partition, p.first, p.next) for p in told
    ]


def test_a_quiet_partition_that_was_set_back_doubles_nothing() -> None:
    commit = replace(undisturbed(2)[0][60], summary=empty(), progress=(PROGRESS,))
    back = replace(PROGRESS, first=0, next=0, consumed=0, summarised=0)
    fold = Fold(SPEC, OPTIONS)
    folded(fold, [commit])
    (out,) = folded(fold, [replace(commit, progress=(back,), id="back")], 1)
    assert [a for a in out.accounts if a.status == "doubled"] == []


def test_a_range_that_was_skipped_is_named() -> None:
    records, _ = undisturbed(2)
    lost = records[50].progress
    emitted = folded(Fold(SPEC, OPTIONS), [*records[:50], *records[51:]])
    named = [a for e in emitted for a in e.accounts if a.status == "missing"]
    assert sorted((a.partition, a.first_offset, a.next_offset) for a in named) == sorted(
        (p.partition, p.first, p.next) for p in lost if p.next > p.first
    )


def test_a_partition_nobody_reports_holds_time() -> None:
    records = commits(events(1, 120), 1)
    held = [replace(r, partitions=PARTITIONS + 1) for r in records]
    fold = Fold(SPEC, OPTIONS)
    assert results(folded(fold, held)) == []


def test_a_commit_in_several_records_is_one() -> None:
    records = commits(events(4, 200), 4)
    split: list[Commit] = []
    for record in records:
        half = record.summary.height // 2
        split += [
            replace(record, summary=record.summary[:half], progress=(), last=False),
            replace(record, summary=record.summary[half:]),
        ]
    one, other = (folded(Fold(SPEC, OPTIONS), r) for r in (records, split))
    assert rows(results(one)) == rows(results(other))


def test_a_partition_that_lagged_frees_time_a_slice_at_a_time() -> None:
    records, emitted = undisturbed(1)
    # Partition 0 is silent until the end; then the record that lets it go closes everything.
    held = [
        replace(r, progress=tuple(replace(p, watermark=None) for p in r.progress))
        for r in records[: -REPORT_EVERY - 1]
    ]
    fold = Fold(SPEC, OPTIONS)
    assert results(folded(fold, held)) == []
    slices = list(fold.slices(records[-1], len(records) + REPORT_EVERY))
    most = 4 * STRIDE // SPEC.slide  # of three services and the whole stream
    assert max(len(out.results) for out in slices) <= most
    assert all(out.accounts == [] and out.balance is None for out in slices[:-1])
    assert slices[-1].balance is not None
    assert slices[-1].balance.open == 0
    assert rows(results(slices)) == rows(results(emitted))


def test_days_of_silence_are_few_slices() -> None:
    def commit(at: float, first: int, idle: float = 0.0) -> Commit:
        clock = Intake(Decoder(JsonLines()), TimeRules(max_jump=None), Summarizer(SPEC.slide))
        summary = clock.take(RawBatch(line(Event(at)), first, 0)).summary
        watermark = micros(at + idle)
        return Commit(
            summary, (Progress(0, first, first + 1, watermark, bool(idle)),), 1, str(first)
        )

    fold = Fold(SPEC, OPTIONS)
    fold_in(fold, commit(0, 0), 0)
    # Of three days it would be 8,640 slices of 30 s.
    assert len(list(fold.slices(commit(60, 1, idle=3 * 86_400), 1))) < 10
    assert len(list(fold.slices(commit(5 * 86_400, 2), 2))) < 3


@pytest.mark.parametrize("data", [b"", b"x", b"[1]\n", b"[2]\n{}", b'[14]\n{"array": 0}  '])
def test_a_damaged_state_is_refused(data: bytes) -> None:
    with pytest.raises(StateError):
        thaw(data, KINDS)


def test_a_state_makes_only_listed_classes() -> None:
    class Stranger:
        pass

    with pytest.raises(TypeError, match="Stranger"):
        freeze(Stranger(), KINDS)
    data = freeze(Fold(SPEC).episodes, KINDS)
    with pytest.raises(StateError):
        thaw(data, {})


@pytest.mark.parametrize("slide", [5, 7, 20, 45, 60, 120, 900])
def test_a_record_is_folded_to_its_end_whatever_the_slide(slide: int) -> None:
    spec = WindowSpec(2 * slide * SECOND, slide * SECOND)
    intake = Intake(Decoder(JsonLines()), TimeRules(slide=spec.slide), Summarizer(spec.slide))
    data = b"\n".join(line(Event(float(t))) for t in range(3_000))
    taken = intake.take(RawBatch(data, 0))
    mark = intake.clock.watermark
    told = Progress(0, 0, 3_000, mark, False, taken.consumed, taken.summarised, 0, 0)
    commit = Commit(taken.summary, (told,), 1, "all")
    most = 1_000
    out = list(islice(Fold(spec, DetectOptions(show_warm_up=True)).slices(commit, 0), most))
    assert len(out) < most
    assert mark is not None
    assert max(r.window_end for r in results(out)) == mark - mark % spec.slide
