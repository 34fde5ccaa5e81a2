"""Scoring: every count's surprise equals the formula's, whatever company its window is scored in."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.baseline.baseline import Baseline, Known
from log_guard.core.baseline.columns import COUNT, SPELLS
from log_guard.core.baseline.columns import WINDOWS as WITH_IT
from log_guard.core.baseline.keys import ALL_LEVELS, TROUBLED, key_codes
from log_guard.core.baseline.learning import learn
from log_guard.core.detectors.novelty import novelty_bits, rarity_bits
from log_guard.core.detectors.surprise import moments, tail_bits
from log_guard.core.events import SECOND, Level
from log_guard.core.feedback.suppression import Suppression, Suppressor
from log_guard.core.scoring.counts import FRESH_BITS, SURGE_COUNT
from log_guard.core.scoring.novel import NEWS, UNKNOWN_SHARE, together
from log_guard.core.scoring.parts import (
    NOVELTY,
    SURPRISE,
    VOLUME_TEMPLATE,
    Parts,
    detector_values,
    weighted_squares,
)
from log_guard.core.scoring.scoring import MIN_WINDOWS, find_parts
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, WindowBatch
from tests.streams import bounded, micros

WINDOW = 30 * SECOND
HISTORY = 3600
Counts = dict[tuple[int, int], int]  # (level, template) → count
# A statement each, but 70 and 71 (two variants of one) and 80, which speaks of trouble.
TEMPLATES = Templates(
    "refused"
    if i == 80
    else f"cache of region number one is {'ab'[i - 70]}"
    if i in (70, 71)
    else w
    for i, w in enumerate("".join(p) for p in product("klmnopqrst", repeat=2))
)
INFO, ERROR = int(Level.INFO), int(Level.ERROR)


def baseline(minutes: int = 60) -> Baseline:
    """Two groups: template 0 all the time, 1 often, 2 and 3 together once, 4 once as an error."""
    panes = []
    for second in range(0, minutes * 60, 5):
        for group in (1, 2):
            panes.append((micros(second), group, INFO, 0, False, 3 + second // 5 % 4))
            if second % 60 == 15:
                panes.append((micros(second), group, INFO, 1, False, 2))
    panes += [(micros(30), 1, INFO, t, False, 1) for t in (2, 3)]
    panes.append((micros(95), 1, ERROR, 4, False, 7))
    frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
    since = {group: micros(0) for group in (0, 1, 2)}
    return learn(frame, TEMPLATES, micros(0), micros(minutes * 60), WINDOW, since)


BASELINE = baseline()
UNSUPPRESSED = Suppressor((), Vocabulary(), TEMPLATES)


def batch_of(
    windows: list[tuple[int, Counts]],
    *,
    whole: bool = True,
    final: bool = True,
    silent: float = 1.0,
) -> WindowBatch:
    """Windows of (group, counts), one after another."""
    rows = [
        (micros(HISTORY + 30 * (i + 1)), g, False, whole, 0.0 if counts else silent)
        for i, (g, counts) in enumerate(windows)
    ]
    entries = [
        (i, level, template, count)
        for i, (_, counts) in enumerate(windows)
        for (level, template), count in counts.items()
    ]
    return WindowBatch(
        pl.DataFrame(
            rows,
            schema={
                "end": pl.Int64,
                "group": pl.Int64,
                "late": pl.Boolean,
                "whole": pl.Boolean,
                "silent": pl.Float64,
            },
            orient="row",
        ),
        pl.DataFrame(
            entries,
            schema={"row": pl.Int64, "level": pl.UInt8, "template": pl.Int64, "count": pl.Int64},
            orient="row",
        ),
        final,
    )


def parts_of(
    batch: WindowBatch,
    history: Baseline,
    suppressor: Suppressor = UNSUPPRESSED,
    lately: Baseline | None = None,
) -> Parts:
    return find_parts(batch, Known(history, lately or Baseline.empty()), TEMPLATES, suppressor)


Part = tuple[int, int, int, int, float, float, float, float, float]


def listed(parts: Parts) -> list[Part]:
    return sorted(
        zip(*(getattr(parts, f).tolist() for f in Parts.__dataclass_fields__), strict=True)
    )


def only(parts: Parts, row: int, detector: int = SURPRISE) -> dict[tuple[int, int], Part]:
    """Parts of one window and detector, by (level, template)."""
    return {(p[2], p[3]): p for p in listed(parts) if p[0] == row and p[1] == detector}


COUNTS = st.dictionaries(
    st.tuples(st.sampled_from((0, INFO, ERROR)), st.integers(0, 6)), st.integers(1, 200), max_size=6
)
WINDOWS = st.lists(st.tuples(st.sampled_from((0, 1, 2, 9)), COUNTS), min_size=1, max_size=6)


@bounded(60)
@given(WINDOWS)
def test_counts_are_as_surprising_as_the_formulas_say(windows: list[tuple[int, Counts]]) -> None:
    parts = parts_of(batch_of(windows), BASELINE)
    for row, (group, counts) in enumerate(windows):
        watched = BASELINE.groups.look_up(np.array([group]))[0]
        expected = plain_surprises(group, counts, watched[1]) if watched[1] >= MIN_WINDOWS else {}
        found = {key: (p[4], p[7], p[8]) for key, p in only(parts, row).items()}
        assert found == expected


def plain_surprises(
    group: int, counts: Counts, windows: float
) -> dict[tuple[int, int], tuple[float, float, float]]:
    """(level, template) → count, bits, side: volumes, steady keys, and what comes in numbers."""

    def surprise(sums: np.ndarray, count: int, many: float) -> tuple[float, float, float]:
        bits, side = tail_bits(np.array([count]), *moments(sums[None, 1:3], np.array([many])))
        return float(count), float(bits[0]), float(side[0])

    def fresh(level: int, template: int) -> bool:
        said = TEMPLATES.statements(np.array([template]))
        codes = key_codes(np.array([group]), np.array([level]), said)
        return level < ERROR and not BASELINE.statements.look_up(codes).any()

    out = {}
    for level in (*range(1, 7), ALL_LEVELS):
        count = sum(n for (lv, _), n in counts.items() if level in (lv, ALL_LEVELS))
        new = sum(n for (lv, t), n in counts.items() if lv == level and fresh(lv, t))
        sums = BASELINE.volumes.look_up(key_codes(*np.array([[group], [level], [0]])))[0]
        mean, _ = moments(sums[None, 1:3], np.array([windows]))
        count = int(np.clip(np.ceil(mean[0]) * (sums[1] > 0), count - new, count))
        if count or sums[1]:
            out[level, VOLUME_TEMPLATE] = surprise(sums, count, windows)
    steady = {(INFO, 0), (INFO, 1)}
    for key in steady | {key for key, count in counts.items() if count >= SURGE_COUNT}:
        sums = BASELINE.keys.look_up(key_codes(*np.array([[group], *([n] for n in key)])))[0]
        many, bits, side = surprise(sums, counts.get(key, 0), windows)
        if many and fresh(*key):
            lines = BASELINE.numbers.look_up(np.array([group]))[0]
            usual = moments(lines[None, 1:3], lines[None, WITH_IT])
            other, _ = tail_bits(np.array([counts[key]]), *usual, both=False)
            bits = min(bits, FRESH_BITS + float(other[0]))
        out[key] = many, bits, side
    return out


@bounded(60)
@given(WINDOWS)
def test_a_window_gets_the_same_parts_in_any_company(windows: list[tuple[int, Counts]]) -> None:
    batch = batch_of(windows)
    parts = parts_of(batch, BASELINE)
    for row in range(len(windows)):
        alone = parts_of(batch.only(np.arange(len(windows)) == row), BASELINE)
        assert [p[1:] for p in listed(alone)] == [p[1:] for p in listed(parts) if p[0] == row]
        values = detector_values(parts, len(windows))[row]
        assert values.tolist() == detector_values(alone, 1)[0].tolist()


def bits_of(level: int, template: int, history: Baseline) -> float:
    parts = parts_of(batch_of([(1, {(level, template): 1})]), history)
    return float(only(parts, 0, NOVELTY)[level, template][7])


def share_of(level: int) -> float:
    share = BASELINE.volumes.look_up(key_codes(*np.array([[1], [level], [0]])))[0, COUNT]
    total = BASELINE.volumes.look_up(key_codes(*np.array([[1], [ALL_LEVELS], [0]])))[0, COUNT]
    return float((share + 0.5) / (total + 1.0))


def test_a_key_never_seen_is_the_more_novel_the_longer_the_watch_and_the_severer() -> None:
    never, watched = np.zeros(1), np.array([30.0])
    in_an_hour = novelty_bits(never, watched, tone_shares=share_of(INFO))
    assert bits_of(INFO, 77, BASELINE) == in_an_hour[0]
    an_error = novelty_bits(never, watched, tone_shares=share_of(ERROR), severe=1.0)
    assert bits_of(ERROR, 77, BASELINE) == an_error[0]
    assert bits_of(INFO, 77, baseline(5)) < in_an_hour[0] < an_error[0]


def test_words_of_trouble_weigh_where_the_level_says_nothing() -> None:
    assert TEMPLATES.troubled(np.array([77, 80])).tolist() == [False, True]
    assert bits_of(INFO, 80, BASELINE) > bits_of(INFO, 77, BASELINE)
    no_talk = novelty_bits(np.zeros(1), np.array([30.0]), tone_shares=share_of(TROUBLED))
    assert bits_of(INFO, 80, BASELINE) == no_talk[0]


def test_a_variant_of_a_known_statement_is_half_as_new() -> None:
    watched = np.array([100.0])
    known, new = np.array([100.0]), np.zeros(1)
    fresh, variant = (novelty_bits(new, watched, said)[0] for said in (new, known))
    old = novelty_bits(known, watched, known)[0]
    assert variant == pytest.approx((fresh + old) / 2, abs=0.01)


def replicas(template: int, *, known: bool = True, others: tuple[int, ...] = ()) -> Baseline:
    """Group 1, and others, say this once a minute (or not at all), group 2 never."""
    panes = [
        (micros(second), group, INFO, 0, False, 3)
        for second in range(0, HISTORY, 5)
        for group in (1, 2, *others)
    ]
    if known:
        panes += [
            (micros(second), group, INFO, template, False, 1)
            for second in range(0, HISTORY, 60)
            for group in (1, *others)
        ]
    frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
    since = {group: micros(0) for group in (0, 1, 2, *others)}
    return learn(frame, TEMPLATES, micros(0), micros(HISTORY), WINDOW, since)


def novelty_in(group: int, template: int, history: Baseline) -> float:
    parts = parts_of(batch_of([(group, {(INFO, template): 1})]), history)
    return float(only(parts, 0, NOVELTY)[INFO, template][7])


def test_what_is_new_to_a_service_and_usual_in_another_is_half_as_new() -> None:
    usual = novelty_in(1, 77, replicas(77))
    assert usual < 0.1
    new = novelty_in(2, 77, replicas(77, known=False))
    assert novelty_in(2, 77, replicas(77)) == pytest.approx((usual + new) / 2, abs=0.1)


def test_trouble_is_as_new_to_a_service_as_if_one_other_had_never_had_it() -> None:
    assert novelty_in(2, 80, replicas(80)) == novelty_in(2, 80, replicas(80, known=False))


def test_trouble_that_several_others_have_is_half_as_new() -> None:
    alone, usual = (novelty_in(group, 80, replicas(80, others=())) for group in (2, 1))
    assert usual < novelty_in(2, 80, replicas(80, others=(3,))) < 0.7 * alone


def test_an_error_of_a_service_that_errs_all_day_weighs_as_little_as_its_infos() -> None:
    usual, rare = novelty_bits(np.ones(2), np.full(2, 100.0), tone_shares=np.array([0.5, 0.001]))
    assert usual < rare
    assert novelty_bits(np.ones(1), np.full(1, 100.0))[0] < usual


def test_a_key_that_is_always_there_is_not_novel_however_often_it_comes() -> None:
    parts = parts_of(batch_of([(1, {(INFO, 0): 10_000})]), BASELINE)
    assert only(parts, 0, NOVELTY)[INFO, 0][7] < 0.1


def test_what_was_never_seen_and_comes_in_numbers_is_a_surprising_count_too() -> None:
    parts = parts_of(batch_of([(1, {(INFO, 77): 40}), (1, {(INFO, 77): 4})]), BASELINE)
    assert only(parts, 0)[INFO, 77][7] > 50
    assert (INFO, 77) not in only(parts, 1)


def test_many_lines_of_a_new_kind_are_worth_little_more_than_some() -> None:
    def bits(level: int, count: int) -> float:
        parts = only(parts_of(batch_of([(1, {(level, 77): count})]), BASELINE), 0)
        return parts[level, 77][7]

    # Beyond the numbers in which the service's other lines come, it is worth more.
    assert FRESH_BITS < bits(INFO, 40) < bits(INFO, 60) < 100
    assert bits(ERROR, 40) == 100
    assert bits(int(Level.DEBUG), 40) == pytest.approx(bits(INFO, 40) - FRESH_BITS)


def test_a_group_without_history_is_judged_by_novelty_alone() -> None:
    parts = parts_of(batch_of([(9, {(ERROR, 77): 4})]), BASELINE)
    assert set(parts.detector.tolist()) == {NOVELTY}
    expected = novelty_bits(np.zeros(1), np.zeros(1), tone_shares=UNKNOWN_SHARE, severe=1.0)
    assert parts.bits.tolist() == expected.tolist()


def test_a_group_watched_too_shortly_has_no_usual_counts() -> None:
    young = baseline(2)
    assert young.groups.look_up(np.array([1]))[0, 1] < MIN_WINDOWS
    parts = parts_of(batch_of([(1, {(INFO, 0): 10_000})]), young)
    assert SURPRISE not in parts.detector


def test_silence_is_surprising_and_on_the_low_side() -> None:
    parts = only(parts_of(batch_of([(1, {})]), BASELINE), 0)
    for key in ((ALL_LEVELS, VOLUME_TEMPLATE), (INFO, VOLUME_TEMPLATE), (INFO, 0)):
        assert parts[key][4] == 0
        assert parts[key][7] > 10
        assert parts[key][8] == -1


@pytest.mark.parametrize("partial", [{"whole": False}, {"final": False}])
def test_a_window_not_watched_to_its_end_can_only_have_too_much(partial: dict[str, bool]) -> None:
    parts = parts_of(batch_of([(1, {}), (1, {(INFO, 0): 10_000})], **partial), BASELINE)
    silent, flooded = only(parts, 0), only(parts, 1)
    assert all(p[7] == 0 and p[8] == 1 for p in silent.values())
    complete = only(parts_of(batch_of([(1, {(INFO, 0): 10_000})]), BASELINE), 0)
    assert flooded[INFO, 0][7] == complete[INFO, 0][7] > 50


def test_events_without_a_level_are_judged_by_the_total_alone() -> None:
    parts = only(parts_of(batch_of([(1, {(0, 77): 500})]), BASELINE), 0)
    assert (0, VOLUME_TEMPLATE) not in parts
    assert parts[ALL_LEVELS, VOLUME_TEMPLATE][4] == 500


def test_keys_that_came_together_before_are_one_surprise() -> None:
    parts = parts_of(batch_of([(1, {(INFO, 2): 1, (INFO, 3): 1}), (1, {(INFO, 2): 1})]), BASELINE)
    both, one = detector_values(parts, 2)[:, NOVELTY]
    assert both == pytest.approx(one, rel=1e-5)


def test_sixteen_new_statements_that_are_no_trouble_are_twice_the_surprise_of_one() -> None:
    row, bits = np.zeros(16, dtype=np.int64), np.full(16, 7.0)
    shared = together(bits, row, np.zeros(16), np.full(16, NEWS))
    assert np.sqrt((shared**2).sum()) == pytest.approx(14.0, rel=1e-5)


def test_errors_that_came_together_before_count_each() -> None:
    panes = [(micros(30), 1, ERROR, t, False, 1) for t in (5, 6)]
    frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
    history = BASELINE + learn(frame, TEMPLATES, micros(0), micros(60), WINDOW, {1: micros(0)})
    windows: list[tuple[int, Counts]] = [(1, {(ERROR, 5): 1, (ERROR, 6): 1}), (1, {(ERROR, 5): 1})]
    both, one = detector_values(parts_of(batch_of(windows), history), 2)[:, NOVELTY]
    assert both == pytest.approx(one * 2**0.5, rel=1e-5)


@pytest.mark.parametrize(
    ("level", "second", "surprise"),
    [(ERROR, 72, 2**0.5), (ERROR, 71, 1.0), (INFO, 72, 2**0.25), (INFO, 71, 2**0.25)],
)
def test_of_statements_never_seen_trouble_counts_each_and_what_is_none_is_one_piece_of_news(
    level: int, second: int, surprise: float
) -> None:
    windows = [(1, {(level, 70): 1, (level, second): 1}), (1, {(level, 70): 1})]
    parts = parts_of(batch_of(windows), BASELINE)
    both, one = detector_values(parts, 2)[:, NOVELTY]
    assert both == pytest.approx(one * surprise, rel=1e-5)


@bounded(50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from((0.0, 5.0, 6.0)),
            st.integers(1, 3),
            st.floats(0.1, 100),
        ),
        min_size=1,
    )
)
def test_the_norm_of_what_comes_together_is_that_of_its_largest(
    keys: list[tuple[int, float, int, float]],
) -> None:
    row, trace, statement, bits = (np.array(column) for column in zip(*keys, strict=True))
    shared = together(bits, row, trace, statement)
    for r, t, s, _ in keys:
        mine = (row == r) & (trace == t) & ((t > 0) | (statement == s))
        assert np.sqrt((shared[mine] ** 2).sum()) == pytest.approx(bits[mine].max(), rel=1e-4)


def test_a_score_is_the_norm_of_its_parts() -> None:
    parts = parts_of(batch_of([(1, {(ERROR, 77): 9, (INFO, 0): 40}), (2, {})]), BASELINE)
    values = detector_values(parts, 2)
    scale = np.array([2.0, 4.0])
    squares = weighted_squares(parts, scale)
    for row in range(2):
        for detector in (NOVELTY, SURPRISE):
            mine = (parts.row == row) & (parts.detector == detector)
            expected = (values[row, detector] / scale[detector]) ** 2
            assert squares[mine].sum() == pytest.approx(expected, abs=1e-4)


def test_the_mean_of_history_is_told_with_each_part() -> None:
    parts = parts_of(batch_of([(1, {(ERROR, 4): 1})]), BASELINE)
    part = only(parts, 0, NOVELTY)[ERROR, 4]
    assert part[5] == 7 / 120
    known = BASELINE.keys.look_up(key_codes(*np.array([[1], [ERROR], [4]])))
    assert known[0, SPELLS] == 1


def test_parts_can_be_taken_and_joined() -> None:
    parts = parts_of(batch_of([(1, {(INFO, 0): 4}), (2, {(ERROR, 9): 4})]), BASELINE)
    index = np.arange(len(parts.row))
    assert listed(Parts.join([parts.take(index[::2]), parts.take(index[1::2])])) == listed(parts)


def test_what_is_there_again_and_again_lately_is_usual_now() -> None:
    end = 60 * 60
    frame = pl.DataFrame(
        [(micros(end + s), 1, INFO, 77, False, 2) for s in range(0, 1800, 30)]
        + [(micros(end + 300), 1, ERROR, 78, False, 1)],
        schema=PANE_SCHEMA,
        orient="row",
    )
    lately = learn(frame, TEMPLATES, micros(end), micros(end + 1800), WINDOW, {1: micros(0)})
    after = BASELINE + lately
    batch = batch_of([(1, {(INFO, 77): 2, (ERROR, 78): 1})])
    plain = only(parts_of(batch, after), 0, NOVELTY)
    drifted = only(parts_of(batch, after, lately=lately), 0, NOVELTY)
    assert drifted[INFO, 77][7] < 1 < plain[INFO, 77][7]
    assert drifted[ERROR, 78][7] == plain[ERROR, 78][7]  # once is not again


def test_a_count_that_is_usual_by_the_last_hour_is_no_surprise() -> None:
    end = 60 * 60
    panes = [(micros(end + s), 1, INFO, 0, False, 60) for s in range(0, 3600, 5)]
    frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
    lately = learn(frame, TEMPLATES, micros(end), micros(end + 3600), WINDOW, {1: micros(0)})
    batch = batch_of([(1, {(INFO, 0): 360})])
    plain = only(parts_of(batch, BASELINE), 0)[INFO, 0]
    drifted = only(parts_of(batch, BASELINE, lately=lately), 0)[INFO, 0]
    assert drifted[7] < 2 < 20 < plain[7]


def test_what_is_known_to_come_back_is_half_as_new_unless_it_is_trouble() -> None:
    def known(template: int, second: int) -> float:
        panes = [(micros(s), 1, INFO, template, False, 1) for s in (30, second)]
        frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
        two_hours = BASELINE + learn(
            frame, TEMPLATES, micros(0), micros(7200), WINDOW, {1: micros(0)}
        )
        return bits_of(INFO, template, two_hours)

    assert known(77, 30 + 4000) < 0.6 * known(77, 30 + 1000)
    assert known(80, 30 + 4000) == known(80, 30 + 1000)


def test_silence_is_the_more_surprising_the_longer_it_lasts() -> None:
    def bits(silent: float) -> float:
        parts = parts_of(batch_of([(1, {})], silent=silent), BASELINE)
        return float(only(parts, 0)[ALL_LEVELS, VOLUME_TEMPLATE][7])

    assert bits(3.0) == pytest.approx(3 * bits(1.0), abs=1e-5)
    # What is longer than the history is beyond what that can tell of.
    assert bits(1e6) == bits(HISTORY / 30)
    assert bits(HISTORY / 30 - 1) < bits(HISTORY / 30)


def test_what_came_again_and_again_since_it_was_first_there_is_as_rare_as_in_that_time() -> None:
    day = 86_400
    panes = [(micros(s), 1, ERROR, 78, False, 1) for s in range(8 * day, 10 * day, 1_200)]
    panes += [(micros(s), 1, ERROR, 77, False, 1) for s in range(10 * day - 240, 10 * day, 30)]
    frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
    history = learn(frame, TEMPLATES, micros(0), micros(10 * day), WINDOW, {1: micros(0)})
    rows = batch_of([(1, {(ERROR, 77): 1, (ERROR, 78): 1})])
    now = rows.rows.with_columns(pl.lit(micros(10 * day + 30)).alias("end"))
    novelty = only(parts_of(replace(rows, rows=now), history), 0, NOVELTY)

    def expected(spells: float, there: float, of: float) -> float:
        stretches = [(np.array([there]), np.array([of]))]
        seen, watched = np.array([spells]), np.array([7_200.0])
        return float(novelty_bits(seen, watched, seen, (0.5 + 152) / 153, True, stretches)[0])

    assert novelty[ERROR, 78][7] == pytest.approx(expected(144, 139, 2 * 720 + 1), abs=1e-5)
    assert expected(144, 139, 2 * 720 + 1) < 0.7 * expected(144, 0, 1)
    # Once for four minutes is not again and again.
    assert novelty[ERROR, 77][7] == pytest.approx(expected(2, 0, 1), abs=1e-5)


def test_what_comes_back_in_the_numbers_it_came_in_before_is_no_surprising_count() -> None:
    def count_bits(count: int, *seconds: int, template: int = 77) -> float:
        panes = [(micros(s), 1, INFO, template, False, 12) for s in seconds]
        frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
        history = learn(frame, TEMPLATES, micros(0), micros(36_000), WINDOW, {1: micros(0)})
        parts = parts_of(batch_of([(1, {(INFO, template): count})]), history)
        return float(only(parts, 0)[INFO, template][7])

    assert count_bits(12, 600, 9_000) < 3
    assert count_bits(12, 600, 1_200) > 10  # within the hour: it may be one thing that went wrong
    assert count_bits(12, 600, 9_000, template=80) > 10  # trouble is not excused by coming back
    assert count_bits(120, 600, 9_000) > 20
    assert count_bits(12) > 20


def test_what_has_come_back_explains_its_share_of_a_volume() -> None:
    def volumes(count: int, *seconds: int) -> dict[int, float]:
        panes = [(micros(s), 1, int(Level.WARN), 77, False, 12) for s in seconds]
        panes += [(micros(s), 1, INFO, 0, False, 2) for s in range(0, 36_000, 30)]
        frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
        history = learn(frame, TEMPLATES, micros(0), micros(36_000), WINDOW, {1: micros(0)})
        batch = batch_of([(1, {(INFO, 0): 2, (int(Level.WARN), 77): count})])
        parts = only(parts_of(batch, history), 0)
        return {level: p[7] for (level, key), p in parts.items() if key == VOLUME_TEMPLATE}

    assert max(volumes(12, 600, 9_000).values()) < 8
    assert volumes(12, 0, 600)[Level.WARN] > 10  # within an hour: not known to come back
    assert Level.WARN not in volumes(12)  # new: its number is judged by itself
    assert volumes(12)[ALL_LEVELS] > 10
    assert volumes(60, 600, 9_000)[Level.WARN] > 10


def heard(batch: WindowBatch, *entries: Suppression, template: int = 0) -> dict[int, float]:
    """Surprise of the volumes of the first window, by level, with these suppressions."""
    groups = Vocabulary(["*", "a", "b"])
    suppressor = Suppressor(entries, groups, TEMPLATES)
    parts = only(parts_of(batch, BASELINE, suppressor), 0)
    return {level: part[7] for (level, key), part in parts.items() if key == VOLUME_TEMPLATE}


MOST = Suppression("most of what it says", "me", template=TEMPLATES.words[0])


@pytest.mark.parametrize("count", [0, 27, 900])
def test_what_is_suppressed_counts_neither_in_volumes_nor_in_silence(count: int) -> None:
    counts = {(INFO, 1): 2, **({(INFO, 0): count} if count else {})}
    batch = batch_of([(1, counts), (2, counts)])
    assert heard(batch, MOST) == heard(batch_of([(1, {(INFO, 1): 2}), (2, counts)]), MOST)
    assert max(heard(batch, MOST).values()) < 2
    if count != 27:
        assert max(heard(batch).values()) > 20


def test_what_is_not_suppressed_is_held_against_what_the_rest_came_to() -> None:
    batch = batch_of([(1, {(INFO, 0): 27, (INFO, 1): 30})])
    mean, variance = moments(np.array([[120.0, 240.0]]), np.array([120.0]))
    bits, _ = tail_bits(np.array([30.0]), mean, variance)
    assert heard(batch, MOST)[INFO] == pytest.approx(float(bits[0]), rel=0.3)
    gone = replace(MOST, until=micros(HISTORY))
    assert heard(batch, gone) == heard(batch)
    assert heard(batch, replace(MOST, service="b")) == heard(batch)


def test_a_service_whose_suppressed_lines_stop_has_not_gone_quiet() -> None:
    silence = batch_of([(1, {})], silent=8.0)
    assert heard(silence)[ALL_LEVELS] > 60
    every = [Suppression("all", "me", template=TEMPLATES.words[i]) for i in range(5)]
    assert heard(silence, *every) == {}
    assert heard(silence, MOST)[ALL_LEVELS] < 16


def test_silence_is_no_more_surprising_than_spells_of_it_were_rare() -> None:
    def history(silent: range) -> Baseline:
        panes = [
            (micros(s), 1, INFO, 0, False, 4) for s in range(0, 7_200, 5) if s // 120 not in silent
        ]
        frame = pl.DataFrame(panes, schema=PANE_SCHEMA, orient="row")
        return learn(frame, TEMPLATES, micros(0), micros(7_200), WINDOW, {1: micros(0)})

    def bits(windows: float, known: Baseline) -> float:
        parts = parts_of(batch_of([(1, {})], silent=windows), known)
        return float(only(parts, 0)[ALL_LEVELS, VOLUME_TEMPLATE][7])

    # 30 of 60 spells, of which the ten that this silence has lasted are taken for its own.
    asleep = history(range(20, 50))
    assert bits(40.0, asleep) == pytest.approx(
        10 * rarity_bits(20.0, np.array([50.0]))[0], abs=1e-5
    )
    # Never silent but for now: as if this silence had not been learnt.
    lasting, before = history(range(50, 60)), history(range(0))
    assert bits(40.0, lasting) > 0.9 * bits(40.0, before)
