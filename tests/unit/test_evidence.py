"""Evidence: each thing told once, many small things in one line, shares that add up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.baseline.keys import ALL_LEVELS
from log_guard.core.events import SECOND, Level
from log_guard.core.evidence.explain import explain
from log_guard.core.evidence.lines import Counts
from log_guard.core.evidence.words import bound
from log_guard.core.results import Evidence, Part
from log_guard.core.scoring.parts import NOVELTY, SURPRISE, VOLUME_TEMPLATE, Parts
from tests.streams import bounded

INFO, WARN, ERROR = int(Level.INFO), int(Level.WARN), int(Level.ERROR)
TRACE = ["Traceback (most recent call last):", '  File "<path>", line <num>, in pay', "    pay()"]
TEXTS = [
    *(f"message {'abcdefghijklmnopqrstuvwxyz'[i]}" for i in range(26)),
    *TRACE,
    "KeyError: 'basket'",
]
VOLUME = VOLUME_TEMPLATE
Row = tuple[int, int, int, int, float, float, int]
"""detector, level, template, count, mean, bits, side"""


def evidence(
    rows: list[Row],
    is_normal: Callable[[Counts], bool] = lambda _counts: False,
    lines: list[tuple[int, int, int, int, str]] | None = None,
    silent: float = 0.0,
) -> Evidence:
    """Evidence of these parts; ``lines``: pane in seconds, level, template, count, text."""
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    detector, level, template, count, mean, bits, side = columns
    parts = Parts(
        row=np.zeros(len(rows), dtype=np.int64),
        detector=detector,
        level=level,
        template=template,
        count=count.astype(float),
        mean=mean.astype(float),
        variance=mean.astype(float),
        bits=bits.astype(float),
        side=side.astype(float),
        windows=np.ones(len(rows)),
        turn=np.zeros(len(rows)),
    )
    weights = parts.bits**2
    leads = (
        SURPRISE
        if weights[detector == SURPRISE].sum() > weights[detector == NOVELTY].sum()
        else NOVELTY
    )
    table = [(p * SECOND, lv, t, n, 0, i, s) for i, (p, lv, t, n, s) in enumerate(lines or [])]
    schema = ["pane", "level", "template", "count", "source", "position", "sample"]
    counts = {
        (int(lv), int(t)): int(n)
        for lv, t, n in zip(level, template, count, strict=True)
        if t != VOLUME
    }
    return explain(
        parts,
        np.where(detector == leads, weights, 0.0),
        weights,
        pl.DataFrame(table, schema=schema, orient="row")
        if table
        else pl.DataFrame(schema=dict.fromkeys(schema, pl.Int64)),
        TEXTS,
        "api",
        (0, 30 * SECOND),
        counts,
        is_normal,
        {},
        silent,
    )


BURST: list[Row] = [
    (SURPRISE, ALL_LEVELS, VOLUME, 110, 10, 90.0, 1),
    (SURPRISE, ERROR, VOLUME, 101, 1, 95.0, 1),
    (SURPRISE, ERROR, 0, 100, 0, 80.0, 1),
    (SURPRISE, INFO, 1, 9, 9, 0.1, 1),
]


def test_a_burst_is_told_once_by_its_message() -> None:
    found = evidence(BURST)
    first = found.parts[0]
    assert (first.template, first.observed, first.volumes) == (TEXTS[0], 100, ("ERROR", "all"))
    assert first.share > 0.99
    assert found.sentence == f"ERROR '{TEXTS[0]}' 100 times in 30 s in api; usual: none"


def test_a_volume_that_no_message_makes_up_is_told_itself() -> None:
    rows: list[Row] = [
        (SURPRISE, ALL_LEVELS, VOLUME, 110, 10, 90.0, 1),
        (SURPRISE, ERROR, 0, 20, 0, 80.0, 1),
    ]
    found = evidence(rows)
    assert [(p.template, p.volumes) for p in found.parts] == [(None, ()), (TEXTS[0], ())]


def test_when_everything_doubles_the_volume_says_so_and_what_is_out_of_step_has_its_own_line() -> (
    None
):
    steady: list[Row] = [(SURPRISE, INFO, i, 40, 20, 10.0, 1) for i in range(10)]
    rows: list[Row] = [
        (SURPRISE, ALL_LEVELS, VOLUME, 430, 201, 60.0, 1),
        (SURPRISE, INFO, VOLUME, 400, 200, 50.0, 1),
        (SURPRISE, ERROR, 20, 30, 1, 40.0, 1),
        *steady,
    ]
    found = evidence(rows)
    assert found.sentence == ("430 events in 30 s in api; usual: 169 to 235 (10 messages in step)")
    assert [p.template for p in found.parts] == [None, TEXTS[20]]
    assert sum(p.share for p in found.parts) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("bits", [1.0, 20.0])
def test_of_a_stack_trace_the_exception_is_named_and_shown(bits: float) -> None:
    frames: list[Row] = [(NOVELTY, ERROR, 26 + i, 5, 0, bits, 1) for i in range(3)]
    found = evidence(
        [*frames, (NOVELTY, ERROR, 29, 5, 0, 5.0, 1)],
        lines=[(0, ERROR, 26 + i, 5, TEXTS[26 + i]) for i in range(4)],
    )
    assert found.parts[0].template == found.samples[0].message == TEXTS[29]


def test_silence_is_one_line() -> None:
    missing: list[Row] = [(SURPRISE, INFO, i, 0, 5, 7.0, -1) for i in range(9)]
    found = evidence([(SURPRISE, ALL_LEVELS, VOLUME, 0, 45, 5.0, -1), *missing])
    assert [(p.kind, p.share) for p in found.parts] == [("silent", 1.0)]
    assert found.sentence.startswith("no events at all in 30 s in api; usual: 33 to ")


def test_hundreds_of_small_messages_are_one_line_with_the_severest_for_example() -> None:
    rows: list[Row] = [(NOVELTY, INFO, i, 2, 0, 3.0, 1) for i in range(20)]
    rows.append((NOVELTY, ERROR, 20, 1, 0, 3.0, 1))
    found = evidence(rows)
    assert found.sentence == (
        f"21 messages never seen before in 30 s in api, such as ERROR '{TEXTS[20]}'"
    )
    (only,) = found.parts
    assert (only.messages, only.observed, only.share) == (21, 41, 1.0)


def test_in_json_a_sum_over_messages_has_no_template_but_an_example() -> None:
    several = evidence([(NOVELTY, INFO, i, 2, 0, 3.0, 1) for i in range(20)])
    (entry,) = several.as_dict()["parts"]
    assert (entry["counted"], entry["messages"], entry["observed"]) == ("messages", 20, 40)
    assert (entry["level"], entry["template"]) == (None, None)
    assert entry["such_as"] == {"level": "INFO", "template": TEXTS[0]}
    assert Part.of(entry) == several.parts[0]
    burst = evidence(BURST)
    first = burst.as_dict()["parts"][0]
    assert (first["counted"], first["template"]) == ("message", TEXTS[0])
    assert "such_as" not in first
    assert tuple(map(Part.of, burst.as_dict()["parts"])) == burst.parts
    volume = evidence([(SURPRISE, ERROR, VOLUME_TEMPLATE, 100, 1, 9.0, 1)]).as_dict()["parts"][0]
    assert (volume["counted"], volume["template"]) == ("events", None)


def test_parts_that_were_stored_before_that_are_read() -> None:
    part = evidence(BURST).parts[0]
    assert Part.of(asdict(part)) == part


def test_what_leads_is_named_and_the_small_ones_come_together() -> None:
    rows: list[Row] = [(NOVELTY, INFO, i, 1, 0, 2.0, 1) for i in range(10)]
    found = evidence([(NOVELTY, WARN, 20, 12, 0, 9.0, 1), *rows])
    assert [(p.template, p.messages) for p in found.parts] == [(TEXTS[20], 1), (TEXTS[0], 10)]
    assert found.sentence.endswith("never seen before (and 10 more new messages)")


ROWS = st.lists(
    st.builds(
        lambda detector, level, template, count, mean, bits, skewed: (
            detector,
            level,
            template,
            count,
            0 if detector == NOVELTY else mean,
            bits,
            # Of skewed counts the upper side begins below the mean.
            1 if detector == NOVELTY or skewed or count >= mean else -1,
        ),
        st.sampled_from((NOVELTY, SURPRISE)),
        st.sampled_from((INFO, WARN, ERROR, ALL_LEVELS)),
        st.integers(-1, 20),
        st.integers(0, 50),
        st.integers(1, 40),
        st.floats(0.5, 90.0),
        st.booleans(),
    ).filter(lambda row: (row[1] == ALL_LEVELS) <= (row[2] == VOLUME) and row[0] + row[2] >= 0),
    min_size=1,
    max_size=40,
    unique_by=lambda row: row[:3],
)


@bounded(150)
@given(ROWS)
def test_every_part_of_the_score_is_in_one_line(rows: list[Row]) -> None:
    found = evidence(rows)
    assert sum(part.share for part in found.parts) <= 1.0 + 1e-3
    if len(found.parts) < 8:
        assert sum(part.share for part in found.parts) == pytest.approx(1.0, abs=1e-2)


def test_samples_are_of_different_templates_those_of_what_leads_first() -> None:
    lines = [(5 * i, ERROR, 0, 10, f"burst {i}") for i in range(6)]
    lines += [(10, INFO, 1, 3, "something else")]
    found = evidence(BURST, lines=[(0, INFO, 2, 1, "ordinary"), *lines])
    assert [s.message for s in found.samples] == ["burst 0"]
    volume: list[Row] = [(SURPRISE, ALL_LEVELS, VOLUME, 60, 10, 90.0, 1)]
    assert [s.message for s in evidence(volume, lines=lines).samples] == [
        "burst 0",
        "something else",
    ]


def test_a_raw_line_is_of_the_message_that_it_stands_under() -> None:
    lines = [(5, INFO, 1, 3, "one"), (5, INFO, 2, 3, "two"), (5, INFO, 3, 3, "three")]
    # What did not come has no line, and what else came is none of it; nor is it of a volume that is too small.
    missing: list[Row] = [
        (SURPRISE, INFO, 0, 0, 60, 90.0, -1),
        (SURPRISE, INFO, VOLUME, 9, 70, 80.0, -1),
        (SURPRISE, INFO, 3, 3, 9, 40.0, -1),
    ]
    found = evidence(missing, lines=lines)
    assert found.samples == ()
    assert found.sentence == f"INFO '{TEXTS[0]}' not once in 30 s in api; usual: 43 to 79"
    failed: Row = (SURPRISE, INFO, 2, 3, 0, 40.0, 1)
    assert [s.message for s in evidence([*missing, failed], lines=lines).samples] == ["two"]
    # Of a volume, those that rise with it.
    doubled: list[Row] = [
        (SURPRISE, ALL_LEVELS, VOLUME, 120, 60, 40.0, 1),
        *((SURPRISE, INFO, t, 30, 15, 9.0, 1) for t in (2, 3, 5, 6)),
    ]
    assert [s.message for s in evidence(doubled, lines=lines).samples] == ["two", "three"]


def test_the_onset_is_the_pane_in_which_what_leads_began() -> None:
    lines = [(5, INFO, 1, 4, "x"), (15, ERROR, 0, 60, "x"), (20, ERROR, 0, 40, "x")]
    assert evidence(BURST, lines=lines).onset == 15 * SECOND
    more: list[Row] = [(SURPRISE, INFO, 1, 60, 10, 90.0, 1)]  # usual: up to 17
    lines = [(0, INFO, 1, 4, "x"), (10, INFO, 1, 13, "x"), (20, INFO, 1, 43, "x")]
    assert evidence(more, lines=lines).onset == 20 * SECOND
    assert evidence([(SURPRISE, ALL_LEVELS, VOLUME, 0, 45, 5.0, -1)]).onset == 0


def bounds(found: Evidence) -> list[tuple[str, str | None, str, int]]:
    return [(b.kind or b.level or "", b.template, b.relation, b.count) for b in found.normal_if]


def test_a_bound_names_what_leads() -> None:
    found = evidence(BURST, lambda counts: counts[ERROR, 0] <= 3)
    assert bounds(found) == [("ERROR", TEXTS[0], "<=", 0)]


@pytest.mark.parametrize(("silent", "said"), [(1.0, "events >= 26"), (3.0, "events >= 26 in 30 s")])
def test_of_a_silence_longer_than_a_window_the_bound_says_what_it_is_of(
    silent: float, said: str
) -> None:
    rows: list[Row] = [
        (SURPRISE, ALL_LEVELS, VOLUME, 0, 40, 90.0, -1),
        (SURPRISE, INFO, 1, 0, 40, 80.0, -1),
    ]
    found = evidence(rows, lambda counts: counts[INFO, 1] > 5, silent=silent)
    assert found.sentence.startswith(f"no events at all in {30 * silent:g} s in api")
    assert [bound(b) for b in found.normal_if] == [said]


def test_a_silence_of_whom_any_count_is_usual_is_longer_than_ever() -> None:
    rows: list[Row] = [(SURPRISE, ALL_LEVELS, VOLUME, 0, 0.01, 9.0, -1)]
    found = evidence(rows, silent=40.0)
    assert found.sentence == "no events at all in 1200 s in api; never so long before"


def test_of_a_silence_of_whom_a_window_may_be_empty_the_bound_is_about_all_of_it() -> None:
    rows: list[Row] = [
        (SURPRISE, ALL_LEVELS, VOLUME, 0, 0.5, 9.0, -1),
        (SURPRISE, INFO, 1, 0, 0.5, 8.0, -1),
    ]
    found = evidence(rows, lambda counts: counts[INFO, 1] > 0, silent=40.0)
    assert [bound(b) for b in found.normal_if] == ["events >= 1 in 1200 s"]


def test_many_new_messages_are_one_bound() -> None:
    rows: list[Row] = [(NOVELTY, INFO, i, 1, 0, 3.0, 1) for i in range(20)]
    assert bounds(evidence(rows, lambda counts: len(counts) <= 0)) == [("new", None, "<=", 0)]
    assert bounds(evidence(rows, lambda counts: len(counts) <= 4)) == [("new", None, "<=", 4)]


def test_many_messages_that_came_too_seldom_are_one_bound() -> None:
    rows: list[Row] = [(SURPRISE, INFO, i, 2, 20, 5.0, -1) for i in range(15)]

    def lacking(most: int) -> Callable[[Counts], bool]:
        return lambda counts: sum(n < 20 for n in counts.values()) <= most

    assert bounds(evidence(rows, lacking(0))) == [("fading", None, "<=", 0)]
    assert bounds(evidence(rows, lacking(4))) == [("fading", None, "<=", 4)]
    both = [*rows, *((SURPRISE, INFO, i, 40, 20, 6.0, 1) for i in range(15, 24))]
    found = evidence(both, lambda counts: set(counts.values()) == {20})
    assert bounds(found) == [("fading", None, "<=", 0), ("surging", None, "<=", 0)]


def test_where_one_is_one_too_many_there_may_be_none() -> None:
    rows: list[Row] = [
        (SURPRISE, ERROR, 0, 40, 0.2, 80.0, 1),
        (NOVELTY, ERROR, 0, 40, 0, 9.0, 1),
        (SURPRISE, INFO, 1, 120, 120, 0.1, 1),
    ]
    assert bounds(evidence(rows, lambda counts: counts[ERROR, 0] == 0)) == [
        ("ERROR", TEXTS[0], "<=", 0)
    ]
    ((*_, most),) = bounds(evidence(rows, lambda counts: counts[ERROR, 0] <= 5))
    assert 0 < most <= 5


def test_what_is_too_little_is_not_mended_by_less() -> None:
    rows: list[Row] = [(SURPRISE, INFO, 1, 40, 90, 30.0, -1)]
    assert evidence(rows, lambda counts: counts[INFO, 1] < 9).normal_if == ()


def test_what_can_be_left_out_is_left_out_and_what_has_no_three_is_not_told() -> None:
    rows: list[Row] = [
        (SURPRISE, INFO, 1, 50, 5, 30.0, 1),
        (SURPRISE, INFO, 2, 50, 5, 20.0, 1),
        (SURPRISE, INFO, 3, 50, 5, 10.0, 1),
        (SURPRISE, INFO, 4, 50, 5, 9.0, 1),
    ]
    second = evidence(rows, lambda counts: counts[INFO, 2] < 50)
    assert [b.template for b in second.normal_if] == [TEXTS[2]]
    new: list[Row] = [(NOVELTY, INFO, i, 1, 0, 3.0, 1) for i in range(3)]
    assert evidence(new).normal_if == ()


def test_a_volume_is_bounded_only_where_counts_lead() -> None:
    def few(counts: Counts) -> bool:
        return sum(counts.values()) <= 20

    loud: list[Row] = [(SURPRISE, INFO, i, 30, 25, 9.0, 1) for i in range(20)]
    (total,) = evidence(loud, few).normal_if
    assert (total.level, total.template, total.kind) == (None, None, "")
    assert 10 <= total.count <= 20
    new: list[Row] = [(NOVELTY, WARN, 20, 1, 0, 50.0, 1), (SURPRISE, INFO, 1, 40, 30, 1.0, 1)]
    assert evidence(new, few).normal_if == ()
