"""What happens in any deployment and is no trouble costs one alert, and none once it is known."""

from __future__ import annotations

from collections import Counter

from benchmarks.week_stream import DAY, START, Week
from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.results import Alert
from log_guard.core.windows import WindowSpec


def alerts_of(week: Week) -> list[Alert]:
    """Alerts opened after the first day, by windows that do not overlap: a sixth of the work."""
    options = PipelineOptions(
        window=WindowSpec(slide=30 * SECOND),
        detect=DetectOptions(train_until=int(START.timestamp() + DAY) * SECOND),
    )
    pipeline = Pipeline(Decoder(JsonLines()), options)
    last: dict[int, Alert] = {}
    first = 1
    for data in week.batches():
        last.update((alert.id, alert) for alert in pipeline.feed(RawBatch(data, first)).alerts)
        first += data.count(b"\n")
    last.update((alert.id, alert) for alert in pipeline.finish().alerts)
    return list(last.values())


def test_a_restart_a_deploy_and_a_nightly_job_cost_an_alert_each_and_none_the_third_time() -> None:
    week = Week(seed=5, days=5, rate=0.5)
    told: Counter[str] = Counter()
    for alert in alerts_of(week):
        start, end = (t / SECOND - START.timestamp() for t in (alert.start, alert.end))
        about = [h for h in week.happenings if h.touches(start, end) and h.name != "leak"]
        if about:
            told[min(about, key=lambda h: (h.harmless, h.end - h.start)).name] += 1
    assert [told[f"restart {n}"] for n in (1, 2, 3, 4)] == [1, 1, 0, 0]
    assert told["deploy of web"] == 1
    assert [told[f"nightly job {night}"] for night in (3, 4, 5)] == [0, 0, 0]
    wrong = [h.name for h in week.happenings if not h.harmless]
    assert sum(told[name] > 0 for name in wrong) >= 5  # and it is not deaf
