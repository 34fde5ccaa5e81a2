"""Stretches: ten windows together, of history and of what has just been."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.baseline.baseline import Baseline
from log_guard.core.baseline.keys import ALL_LEVELS, key_codes, volume_codes
from log_guard.core.baseline.learning import learn
from log_guard.core.baseline.stretches import LEAST_STRETCHES
from log_guard.core.detectors.surprise import USUAL_BITS, tail_bits, usual_ranges
from log_guard.core.events import SECOND, Level
from log_guard.core.feedback.suppression import Suppressor
from log_guard.core.scoring.stretches import Recent
from log_guard.core.statements import Templates
from log_guard.core.vocabulary import Vocabulary
from log_guard.core.windows import PANE_SCHEMA, Windows, WindowSpec
from log_guard.core.windows.panes import NO_SAMPLE
from log_guard.core.windows.recent import RecentWindows
from log_guard.core.windows.spec import LASTING
from tests.streams import START, bounded, micros

WINDOW = 30 * SECOND
STRETCH = LASTING * 30
TEMPLATES = Templates(["request served", "order placed", "seldom said"])
INFO, WARN = int(Level.INFO), int(Level.WARN)
Said = tuple[int, int, int, int, int]  # second, group, level, template, count


def frame(said: list[Said], late: bool = False) -> pl.DataFrame:
    rows = [(micros(s // 5 * 5), g, lv, t, late, n) for s, g, lv, t, n in said]
    return pl.DataFrame(rows, schema=PANE_SCHEMA, orient="row")


def learnt(said: list[Said], end: int) -> Baseline:
    since = dict.fromkeys((0, 1, 2), START)
    return learn(frame(said), TEMPLATES, START, micros(end), WINDOW, since)


def usual(stretches: int) -> list[Said]:
    """Two groups, in each window 8 to 12 requests each, and 4 orders in the first; once something else."""
    random = np.random.default_rng(5)
    said: list[Said] = [(7, 1, INFO, 2, 1)]
    for second in range(0, stretches * STRETCH, 30):
        said += [(second, g, INFO, 0, int(random.integers(8, 13))) for g in (1, 2)]
        said.append((second + 10, 1, WARN, 1, 4))
    return said


HISTORY = learnt(usual(8), 8 * STRETCH)


def test_what_is_in_most_stretches_is_judged_by_them() -> None:
    keys, volumes = HISTORY.key_stretches, HISTORY.volume_stretches
    everyone = [(g, INFO, 0) for g in (0, 1, 2)] + [(g, WARN, 1) for g in (0, 1)]
    assert keys.codes.tolist() == sorted(
        int(key_codes(*(np.array([n]) for n in key))[0]) for key in everyone
    )
    (orders,) = np.flatnonzero(keys.codes == key_codes(*(np.array([n]) for n in (1, WARN, 1)))[0])
    assert keys.mean[orders] == pytest.approx(40, rel=0.02)
    (total,) = np.flatnonzero(volumes.codes == volume_codes(np.array([1]), ALL_LEVELS)[0])
    assert volumes.mean[total] == pytest.approx(140, rel=0.1)


def test_a_few_stretches_tell_nothing() -> None:
    for many in (LEAST_STRETCHES - 1, LEAST_STRETCHES):
        found = learnt(usual(many), many * STRETCH).key_stretches
        assert bool(len(found.codes)) is (many == LEAST_STRETCHES)


def test_load_that_wanders_spreads_stretches_more_than_windows_do() -> None:
    still = usual(20)
    waves: list[Said] = [
        (s, g, lv, t, n * (3 if s // STRETCH % 2 else 1)) for s, g, lv, t, n in still
    ]
    spread = [
        float(learnt(said, 20 * STRETCH).key_stretches.variance[0] ** 0.5)
        for said in (still, waves)
    ]
    means = [float(learnt(said, 20 * STRETCH).key_stretches.mean[0]) for said in (still, waves)]
    assert spread[1] / means[1] > 3 * spread[0] / means[0]


@bounded(60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2 * STRETCH - 1),
            st.integers(1, 2),
            st.sampled_from((INFO, WARN)),
            st.integers(0, 2),
            st.integers(1, 40),
        ),
        max_size=80,
    ),
    st.sampled_from((1.0, -1.0)),
)
def test_sums_over_stretches_equal_a_plain_count(said: list[Said], side: float) -> None:
    rows = RecentWindows.grown(
        RecentWindows.none().rows,
        frame(said).with_columns(**NO_SAMPLE),
        START,
        micros(2 * STRETCH),
        WindowSpec(),
    )
    ends = np.array([micros(s) for s in (STRETCH, STRETCH + 60, 2 * STRETCH)])
    suppressor = Suppressor((), Vocabulary(), TEMPLATES)
    recent = Recent(RecentWindows(rows, START, WINDOW), ends, suppressor)
    everything = said + [(s, 0, lv, t, n) for s, _, lv, t, n in said]

    def check(found: object, code: int, group: int, counted: list[Said]) -> None:
        """Where too few are looked for, windows in which a group said nothing at all count as usual."""
        at = int(np.flatnonzero(found.usual.codes == code)[0])  # type: ignore[attr-defined]  # of either kind
        low, high = found.usual.low[at], found.usual.high[at]  # type: ignore[attr-defined]
        for row, end in enumerate(ends.tolist()):
            windows = [0] * LASTING
            heard = {(end - 1 - micros(s[0])) // WINDOW for s in everything if s[1] == group}
            for second, *_, n in counted:
                back = (end - 1 - micros(second)) // WINDOW
                if 0 <= back < LASTING:
                    windows[back] += n
            mean = found.usual.mean[at] / LASTING  # type: ignore[attr-defined]
            clipped = [
                min(n, high) if side > 0 else max(n, low if back in heard else max(mean, low))
                for back, n in enumerate(windows)
            ]
            assert found.bounded[row, at] == pytest.approx(sum(clipped))  # type: ignore[attr-defined]
            assert found.observed[row, at] == sum(windows)  # type: ignore[attr-defined]

    keys, volumes = recent.keys(HISTORY, side), recent.volumes(HISTORY, side)
    known = {(0, INFO, 0), (1, INFO, 0), (2, INFO, 0), (0, WARN, 1), (1, WARN, 1)}
    for key in known:
        code = int(key_codes(*(np.array([n]) for n in key))[0])
        check(keys, code, key[0], [s for s in everything if s[1:4] == key])
    for group, level in {(g, lv) for g, lv, _ in known} | {(g, ALL_LEVELS) for g in (0, 1, 2)}:
        mine = [s for s in everything if s[1] == group and level in (s[2], ALL_LEVELS)]
        if side > 0:
            mine = [s for s in mine if s[1:4] in known]
        check(volumes, int(volume_codes(np.array([group]), level)[0]), group, mine)


@bounded(60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 899), st.integers(1, 2), st.just(INFO), st.integers(0, 2), st.just(1)
        ),
        min_size=1,
        max_size=60,
    ),
    st.lists(st.integers(1, 900), max_size=8),
)
def test_recent_windows_do_not_depend_on_when_windows_were_closed(
    said: list[Said], cuts: list[int]
) -> None:
    def recent(stops: list[int]) -> list[tuple[int, ...]]:
        windows = Windows(WindowSpec(), Vocabulary(("*", "a", "b")), TEMPLATES)
        before, batch = 0, None
        for stop in [*sorted({stop // 5 * 5 for stop in stops}), 905]:
            part = [s for s in [*said, (900, 1, INFO, 0, 1)] if before <= s[0] < stop]
            if part:
                windows.adopt(frame(part).with_columns(**NO_SAMPLE))
            batch = windows.close(micros(stop))
            before = stop
        assert batch is not None
        return sorted(batch.recent.rows.iter_rows())

    assert recent(cuts) == recent([])


@bounded(100)
@given(st.lists(st.tuples(st.floats(0.01, 5e4), st.floats(1.0, 40.0)), min_size=1, max_size=20))
def test_usual_ranges_hold_what_is_usual_and_no_more(moments: list[tuple[float, float]]) -> None:
    mean = np.array([m for m, _ in moments])
    variance = mean * np.array([wild for _, wild in moments])
    low, high = usual_ranges(mean, variance)

    def bits(counts: np.ndarray, side: float) -> np.ndarray:
        found, where = tail_bits(counts, mean, variance, both=side < 0)
        return np.where(where == side, found, 0.0)

    assert (bits(high, 1.0) < USUAL_BITS).all()
    assert (bits(high + 1, 1.0) >= USUAL_BITS).all()
    assert (bits(low, -1.0) < USUAL_BITS).all()
    assert ((low == 0) | (bits(low - 1, -1.0) >= USUAL_BITS)).all()
