"""A baseline is a sum over history: it equals a plain count, and baselines add exactly."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.baseline.baseline import SPELL, Baseline, known_for
from log_guard.core.baseline.columns import (
    COUNT,
    GAPS,
    LONG_COUNT,
    LONG_SQUARES,
    SPELLS,
    SQUARES,
    STATEMENT_SPELLS,
    STATEMENT_WINDOWS,
    STRETCHES,
    TRACE,
    WATCHED_STRETCHES,
    WINDOWS,
)
from log_guard.core.baseline.gaps import GAP_LENGTHS, last_heard
from log_guard.core.baseline.keys import (
    ALL_LEVELS,
    TROUBLED,
    code_groups,
    code_levels,
    code_templates,
    key_codes,
)
from log_guard.core.baseline.learning import learn, spell_hashes, with_whole
from log_guard.core.baseline.table import Table
from log_guard.core.events import SECOND
from log_guard.core.statements import Templates
from log_guard.core.windows import PANE_SCHEMA, WHOLE
from log_guard.core.windows.spec import LASTING
from tests.streams import START, bounded, micros

WINDOW = 30 * SECOND
# Two variants of one statement, a line of trouble, and one of its own.
TEMPLATES = Templates(
    [
        "order placed for one of our many customers",
        "order placed for one of our few customers",
        "connection refused",
        "tick",
    ]
)
Pane = tuple[int, int, int, int, int]  # second, group, level, template, count

PANES = st.lists(
    st.tuples(
        st.integers(0, 119).map(lambda n: n * 5),
        st.integers(1, 3),
        st.sampled_from((3, 5)),
        st.integers(0, 3),
        st.integers(1, 1000),
    ),
    max_size=60,
)


def frame(panes: list[Pane]) -> pl.DataFrame:
    rows = [(START + s * SECOND, g, lv, t, False, n) for s, g, lv, t, n in panes]
    return pl.DataFrame(rows, schema=PANE_SCHEMA, orient="row")


def learnt(panes: list[Pane], start: int = 0, end: int = 600) -> Baseline:
    part = [pane for pane in panes if start <= pane[0] < end]
    since = dict.fromkeys(range(4), START)
    before = frame([pane for pane in panes if pane[0] < start])
    heard = last_heard(with_whole(before, whole=True))
    return learn(frame(part), TEMPLATES, micros(start), micros(end), WINDOW, since, heard=heard)


def watched(baseline: Baseline, *groups: int) -> list[list[float]]:
    """For how long these were watched."""
    found: list[list[float]] = baseline.groups.look_up(np.array(groups))[:, :GAPS].tolist()
    return found


def same(one: Baseline, other: Baseline) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(
            (one.keys, one.statements, one.volumes, one.groups),
            (other.keys, other.statements, other.volumes, other.groups),
            strict=True,
        )
        for name in ("ids", "sums", "peaks")
    )


def without_stretches(baseline: Baseline) -> Baseline:
    """A stretch that is cut in two is none."""

    def less(table: Table, kept: int) -> Table:
        return Table(table.ids, table.sums[:, :kept], table.peaks)

    return replace(
        baseline,
        keys=less(baseline.keys, LONG_COUNT),
        volumes=less(baseline.volumes, LONG_COUNT),
        groups=replace(baseline.groups, sums=np.delete(baseline.groups.sums, WATCHED_STRETCHES, 1)),
    )


def plain_sums(panes: list[Pane], chosen: list[Pane]) -> list[float]:
    """The sums of one key, one pane at a time; of stretches, of 600 s watched from its beginning."""
    windows: dict[int, int] = {}
    for second, *_, count in chosen:
        number = (START + second * SECOND) // WINDOW
        windows[number] = windows.get(number, 0) + count
    stretches: dict[int, int] = {}
    for number, count in windows.items():
        stretches[number // LASTING] = stretches.get(number // LASTING, 0) + count
    sums = [0.0] * 7
    sums[SPELLS] = len({(START + second * SECOND) // SPELL for second, *_ in chosen})
    sums[COUNT] = sum(windows.values())
    sums[SQUARES] = sum(n * n for n in windows.values())
    sums[WINDOWS] = len(windows)
    sums[LONG_COUNT] = sum(stretches.values())
    sums[LONG_SQUARES] = sum(n * n for n in stretches.values())
    sums[STRETCHES] = len(stretches)
    return sums


@bounded(60)
@given(PANES)
def test_a_baseline_equals_a_plain_count(panes: list[Pane]) -> None:
    baseline = learnt(panes)
    everything = panes + [(s, WHOLE, lv, t, n) for s, _, lv, t, n in panes]
    keys = {(g, lv, t) for _, g, lv, t, _ in everything}
    assert len(baseline.keys.ids) == len(keys)
    for group, level, template in keys:
        code = key_codes(*(np.array([n]) for n in (group, level, template)))
        mine = [p for p in everything if p[1:4] == (group, level, template)]
        assert baseline.keys.look_up(code)[0].tolist() == plain_sums(panes, mine)
    for group, level in {(g, lv) for g, lv, _ in keys} | {(g, ALL_LEVELS) for g, _, _ in keys}:
        code = key_codes(*(np.array([n]) for n in (group, level, 0)))
        mine = [p for p in everything if p[1] == group and level in (p[2], ALL_LEVELS)]
        assert baseline.volumes.look_up(code)[0].tolist() == plain_sums(panes, mine)
    for group in {g for g, _, _ in keys}:
        code = key_codes(*(np.array([n]) for n in (group, TROUBLED, 0)))
        mine = [p for p in everything if p[1] == group and p[3] == 2]
        assert baseline.volumes.look_up(code)[0].tolist() == plain_sums(panes, mine)
    assert watched(baseline, 0, 1, 2, 3) == [[5, 20, 2]] * 4


@bounded(60)
@given(PANES)
def test_gaps_are_counted_by_their_length(panes: list[Pane]) -> None:
    known = learnt(panes).groups
    for group in {g for _, g, *_ in panes}:
        heard = sorted({second * SECOND for second, g, *_ in panes if g == group})
        gaps = [later - one for one, later in pairwise(heard)]
        counted = known.look_up(np.array([group]))[0, GAPS:].tolist()
        assert counted == [sum(gap >= least for gap in gaps) for least in GAP_LENGTHS]


def test_an_outage_does_not_make_the_next_one_usual() -> None:
    every_minute = frame([(s, 1, 3, 0, 1) for s in range(0, 600, 60)])
    since = {1: micros(0)}
    known = learn(every_minute, TEMPLATES, micros(0), micros(600), WINDOW, since, whole=False)
    after = frame([(6_000, 1, 3, 0, 1)])
    span = micros(6_000), micros(6_600)
    gained = [
        learn(
            after, TEMPLATES, *span, WINDOW, since, False, believed_by, {1: micros(540)}
        ).groups.look_up(np.array([1]))[0, GAPS:]
        for believed_by in (None, known)
    ]
    assert [int((counts > 0).sum()) for counts in gained] == [8, 3]  # 91 minutes; 2 minutes
    # Who is away for hours was not out, but asleep.
    span, away = (micros(20_000), micros(20_400)), frame([(20_000, 1, 3, 0, 1)])
    slept = learn(away, TEMPLATES, *span, WINDOW, since, False, known, {1: micros(540)}).groups
    assert int((slept.look_up(np.array([1]))[0, GAPS:] > 0).sum()) == 10


@bounded(60)
@given(PANES, st.sampled_from((120, 240, 480)))
def test_spans_learnt_apart_add_up_to_the_whole(panes: list[Pane], cut: int) -> None:
    apart = learnt(panes, 0, cut) + learnt(panes, cut, 600)
    assert same(without_stretches(apart), without_stretches(learnt(panes)))


@bounded(60)
@given(PANES, PANES)
def test_cut_between_two_stretches_these_add_up_too(early: list[Pane], late: list[Pane]) -> None:
    panes = early + [(s + 600, g, lv, t, n) for s, g, lv, t, n in late]
    assert same(learnt(panes, 0, 600) + learnt(panes, 600, 1200), learnt(panes, 0, 1200))


@bounded(40)
@given(PANES, PANES, PANES)
def test_baselines_add(a: list[Pane], b: list[Pane], c: list[Pane]) -> None:
    x, y, z = learnt(a), learnt(b), learnt(c)
    assert same(x + y, y + x)
    assert same((x + y) + z, x + (y + z))
    assert same(x + Baseline.empty(), x)


def test_a_group_is_watched_from_its_first_pane_or_from_when_it_was_first_seen() -> None:
    part = frame([(100, 1, 3, 0, 1), (100, 2, 3, 0, 1)])
    baseline = learn(
        part, TEMPLATES, micros(0), micros(600), WINDOW, {1: micros(-5000), 3: micros(400)}
    )
    assert watched(baseline, 1, 2, 3, 9) == [
        [5, 20, 2],
        [5, 17, 1],
        [2, 7, 0],
        [0, 0, 0],
    ]


def test_time_without_events_is_watched_all_the_same() -> None:
    baseline = learn(
        frame([]), TEMPLATES, micros(0), micros(600), WINDOW, {1: micros(0)}, whole=False
    )
    assert watched(baseline, 1) == [[5, 20, 2]]
    assert len(baseline.keys.ids) == 0


def test_the_whole_stream_is_learnt_only_if_asked_for() -> None:
    part = frame([(0, 1, 3, 0, 1)])
    alone = learn(part, TEMPLATES, micros(0), micros(600), WINDOW, {}, whole=False)
    assert set(code_groups(alone.keys.ids).tolist()) == {1}


@bounded(50)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**27 - 1), st.integers(0, 15), st.integers(0, 2**32 - 1)),
        min_size=1,
    )
)
def test_codes_hold_group_level_and_template(keys: list[tuple[int, int, int]]) -> None:
    groups, levels, templates = (np.array(column) for column in zip(*keys, strict=True))
    codes = key_codes(groups, levels, templates)
    assert np.array_equal(code_groups(codes), groups)
    assert np.array_equal(code_levels(codes), levels)
    assert np.array_equal(code_templates(codes), templates)
    by_code = sorted(keys, key=lambda k: int(codes[keys.index(k)]))
    assert by_code == sorted(keys)


def test_a_table_sums_its_rows_and_keeps_the_highest_peak() -> None:
    one = Table.of(
        np.array([7, 3, 7]), np.array([[1.0], [2.0], [4.0]]), np.array([[5.0], [1.0], [9.0]])
    )
    other = Table.of(np.array([3]), np.array([[10.0]]), np.array([[4.0]]))
    both = one + other
    assert both.ids.tolist() == [3, 7]
    assert both.look_up(np.array([7, 5, 3])).tolist() == [[5], [0], [12]]
    assert both.look_up_peaks(np.array([7, 5, 3])).tolist() == [[9], [0], [4]]
    assert Table.empty(2).look_up(np.array([1])).tolist() == [[0, 0]]


def test_a_key_is_steady_if_it_occurs_in_a_fifth_of_the_windows() -> None:
    often = [(s * 150, 1, 3, 1, 1) for s in range(4)]  # 4 of 20 windows
    seldom = [(s * 150, 1, 3, 2, 1) for s in range(3)]
    baseline = learn(
        frame(often + seldom),
        TEMPLATES,
        micros(0),
        micros(600),
        WINDOW,
        {1: micros(0)},
        whole=False,
    )
    assert code_templates(baseline.steady).tolist() == [1]


@bounded(60)
@given(PANES)
def test_a_statement_is_present_where_any_of_its_templates_is(panes: list[Pane]) -> None:
    baseline = learnt(panes)
    numbers = TEMPLATES.statements(np.arange(4))
    assert numbers[0] == numbers[1]
    assert len(set(numbers.tolist())) == 3
    for group, level, number in {(g, lv, int(numbers[t])) for _, g, lv, t, _ in panes}:
        code = key_codes(*(np.array([n]) for n in (group, level, number)))
        its = [
            START + s * SECOND
            for s, g, lv, t, _ in panes
            if (g, lv) == (group, level) and numbers[t] == number
        ]
        sums = baseline.statements.look_up(code)[0]
        assert sums[STATEMENT_SPELLS] == len({time // SPELL for time in its})
        assert sums[STATEMENT_WINDOWS] == len({time // WINDOW for time in its})
        spells = np.array(sorted({time // SPELL for time in its}))
        peaks = baseline.statements.look_up_peaks(code)
        assert peaks[0, TRACE] == spell_hashes(spells).max() > 0
        assert known_for(peaks)[0] == spells.max() - spells.min()


def test_the_bound_keeps_the_keys_seen_in_most_minutes() -> None:
    panes = [(s * 60, 1, 3, 1, 1) for s in range(3)] + [(0, 1, 3, 2, 50), (0, 1, 3, 3, 2)]
    baseline = learn(
        frame(panes), TEMPLATES, micros(0), micros(600), WINDOW, {1: micros(0)}, whole=False
    )
    kept, dropped = baseline.bounded(2)
    assert code_templates(kept.keys.ids).tolist() == [1, 2]
    assert dropped == 1
    assert same(replace(baseline, keys=kept.keys, statements=kept.statements), kept)
    assert len(kept.statements.ids) == 2
    assert baseline.bounded(3) == (baseline, 0)


def test_hashes_of_minutes_are_exact_floats_and_differ() -> None:
    hashes = spell_hashes(np.arange(29_000_000, 29_100_000))
    assert len(np.unique(hashes)) == len(hashes)
    assert 0 < hashes.min() < 2**46
    assert 2**52 < hashes.max() < 2**53
