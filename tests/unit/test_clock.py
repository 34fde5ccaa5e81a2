"""The clock of a partition judges each event by the events before it, and by nothing else."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.events import SECOND
from log_guard.core.summarising.clock import PartitionClock, TimeRules
from tests.streams import Event, bounded, cuts, micros, pieces, table

DAY = 86_400
RULES = TimeRules()
JUMP = RULES.max_jump or 0


def judge(times: list[float], at: list[int] | None = None) -> dict[int, str]:
    """Verdict on each event, by its index, from a clock that is fed in batches cut ``at``."""
    clock = PartitionClock(RULES)
    verdicts: dict[int, str] = {}
    too_late = 0
    events = table([Event(time) for time in times], first=0)
    judged = [clock.judge(events[list(part)]) for part in pieces(range(len(times)), at or [])]
    end = clock.finish()
    for each in [*judged, end] if end is not None else judged:
        too_late += each.too_late
        for position, late in each.events.select("position", "late").iter_rows():
            assert position not in verdicts
            verdicts[position] = "late" if late else "on time"
        for position in each.unreal["position"].to_list():
            assert position not in verdicts
            verdicts[position] = "unreal"
    missing = set(range(len(times))) - verdicts.keys()
    assert len(missing) == too_late
    return verdicts | dict.fromkeys(missing, "too late")


def naive(times: list[float]) -> dict[int, str]:
    """The rules, event by event."""
    verdicts: dict[int, str] = {}
    high: int | None = None
    moments = [micros(time) for time in times]
    for i, time in enumerate(moments):
        following = moments[i + 1] if i + 1 < len(moments) else None
        if high is None or time - high > JUMP:
            if following is not None:
                believed = following >= time - JUMP
            else:
                believed = high is None or time - high <= RULES.max_unconfirmed
            if not believed:
                verdicts[i] = "unreal"
                continue
        if high is None:
            high = time
        pane_end = time - time % RULES.slide + RULES.slide
        if time < high - RULES.max_lateness:
            verdicts[i] = "too late"
        elif pane_end <= high - RULES.lateness:
            verdicts[i] = "late"
        else:
            verdicts[i] = "on time"
        high = max(high, time)
    return verdicts


STEPS = st.one_of(
    st.floats(-3, 10),
    st.floats(-1200, 60),
    st.sampled_from([0.0, 5.0, -600.0, -601.0, 86_400.0, 86_401.0, -86_400.0, 400.0 * DAY]),
)


@st.composite
def walks(draw: st.DrawFn) -> list[float]:
    """Times that mostly go on, sometimes back, and sometimes jump."""
    time, times = 3650.0 * DAY, []
    for step in draw(st.lists(STEPS, max_size=25)):
        time += step
        times.append(time)
        if draw(st.integers(0, 3)) == 0:
            time -= step  # the event was a stray one: the stream goes on from where it was
    return times


@bounded(300)
@given(walks(), cuts(25))
def test_the_clock_follows_its_rules_however_the_stream_is_cut(
    times: list[float], at: list[int]
) -> None:
    assert judge(times, at) == naive(times)


@bounded(60)
@given(walks())
def test_every_event_alone_is_judged_as_all_together(times: list[float]) -> None:
    assert judge(times, list(range(len(times)))) == judge(times)


def test_an_event_is_late_once_the_watermark_has_passed_its_pane() -> None:
    # The pane [0, 5) ends at 5; the watermark is the highest time less 2 s.
    assert judge([3, 6.9, 4.9])[2] == "on time"
    assert judge([3, 7.0, 4.9])[2] == "late"


def test_an_event_is_too_late_only_below_the_lateness_accepted() -> None:
    assert judge([1000, 400])[1] == "late"
    assert judge([1000, 399.999999])[1] == "too late"


def test_lateness_is_judged_by_the_highest_time_and_not_by_the_last() -> None:
    assert Counter(judge([1000, 500, 399]).values()) == {"on time": 1, "late": 1, "too late": 1}


def test_one_event_from_the_far_future_moves_no_watermark() -> None:
    clock = PartitionClock(RULES)
    judged = clock.judge(table([Event(0), Event(70 * 365 * DAY), Event(1)]))
    assert judged.unreal["position"].to_list() == [2]
    assert clock.watermark == micros(1) - 2 * SECOND


def test_a_jump_is_believed_when_the_next_event_confirms_it() -> None:
    assert set(judge([0, 3 * DAY, 3 * DAY + 1]).values()) == {"on time"}


def test_a_jump_at_the_end_of_a_batch_waits_for_the_next_batch() -> None:
    clock = PartitionClock(RULES)
    assert clock.judge(table([Event(0), Event(3 * DAY)])).events.height == 1
    assert clock.high == micros(0)
    assert clock.judge(table([Event(3 * DAY + 1)], first=3)).events.height == 2
    assert clock.high == micros(3 * DAY + 1)


def test_nothing_confirms_the_last_event_so_it_may_not_be_years_ahead() -> None:
    assert judge([0, 366 * DAY])[1] == "on time"
    assert judge([0, 366 * DAY + 1])[1] == "unreal"


def test_a_single_event_is_a_stream() -> None:
    assert judge([0]) == {0: "on time"}


def test_a_first_event_out_of_this_world_is_left_to_the_dead_letters() -> None:
    assert judge([70 * 365 * DAY, 0, 1]) == {0: "unreal", 1: "on time", 2: "on time"}


def test_no_events_change_nothing() -> None:
    clock = PartitionClock(RULES)
    assert clock.judge(table([])).events.is_empty()
    assert clock.watermark is None
    assert clock.finish() is None


def test_where_jumps_are_not_judged_nothing_waits_to_be_confirmed() -> None:
    # Else the first event of a partition would be only in memory when its offset is committed.
    clock = PartitionClock(TimeRules(max_jump=None))
    for time in (1_000.0, 400 * DAY):
        assert clock.judge(table([Event(time)], first=0)).events.height == 1
        assert not clock.holds
