"""A week of one deployment: alerts a day, what each was about, and whether the promise holds."""

from __future__ import annotations

import sys
from collections import Counter

from benchmarks.measure import report
from benchmarks.week_stream import DAY, START, Happening, Week
from log_guard.app.pipeline import Pipeline, PipelineOptions
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.results import Alert

SEEDS = (1, 2)
LEARN_DAYS = 1
PROMISE = 2.0


def main() -> int:
    """Learn from the first day, judge the other six."""
    good = True
    for seed in SEEDS:
        week = Week(seed)
        alerts = watch(week)
        good &= tell(week, alerts)
    return 0 if good else 1


def watch(week: Week) -> list[Alert]:
    """All alerts of the week in their last state."""
    until = int(START.timestamp() + LEARN_DAYS * DAY) * SECOND
    options = PipelineOptions(detect=DetectOptions(train_until=until, false_alarms_per_day=PROMISE))
    pipeline = Pipeline(Decoder(JsonLines()), options)
    last: dict[int, Alert] = {}
    first = 1
    for data in week.batches():
        out = pipeline.feed(RawBatch(data, first))
        first += data.count(b"\n")
        last.update((alert.id, alert) for alert in out.alerts)
    last.update((alert.id, alert) for alert in pipeline.finish().alerts)
    assert pipeline.ledger.pending == 0
    return list(last.values())


def tell(week: Week, alerts: list[Alert]) -> bool:
    """Print the week and its figures."""
    origin = START.timestamp()
    about: dict[str, set[int]] = {}
    false: list[Alert] = []
    for alert in (bout for one in alerts for bout in one.each_bout()):
        start, end = (t / SECOND - origin for t in (alert.start, alert.end))
        # What is wrong explains an alert before what is harmless does, and that before the leak.
        causes = sorted(
            (h for h in week.happenings if h.touches(start, end)),
            key=lambda h: (h.harmless, h.end - h.start),
        )
        if causes:
            about.setdefault(causes[0].name, set()).add(alert.id)
        else:
            false.append(alert)
    by_happening = Counter({name: len(ids) for name, ids in about.items()})
    print(f"seed {week.seed}: {len(alerts)} alerts in {week.days - LEARN_DAYS} days")
    for happening in sorted(week.happenings, key=lambda h: h.start):
        if happening.start >= LEARN_DAYS * DAY:
            print(_line(happening, by_happening[happening.name]))
    for alert in false:
        at = (alert.start / SECOND - origin) / DAY
        print(f"  day {at:4.2f}  false: {alert.evidence.sentence}")
    wrong = [h for h in week.happenings if not h.harmless]
    found = sum(by_happening[h.name] > 0 for h in wrong)
    days = week.days - LEARN_DAYS
    costly = max(
        (by_happening[h.name] for h in week.happenings if h.harmless and h.name != "leak"),
        default=0,
    )
    third = by_happening["restart 3"] + by_happening["restart 4"]
    good = report("wrong things found", found, f"of {len(wrong)}", "all", found == len(wrong))
    good &= report(
        "false alarms a day", len(false) / days, "", f"<= {PROMISE:g}", len(false) <= PROMISE * days
    )
    good &= report("alerts for one harmless change", costly, "", "<= 1", costly <= 1)
    good &= report("alerts for the third restart and later", third, "", "0", third == 0)
    return good


def _line(happening: Happening, alerts: int) -> str:
    kind = "harmless" if happening.harmless else "WRONG"
    return f"  day {happening.start / DAY:4.2f}  {kind:<9}{happening.name:<28}{alerts} alerts"


if __name__ == "__main__":
    sys.exit(main())
