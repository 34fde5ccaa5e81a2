"""A month of one deployment: is the promise of so few false alarms a day kept, and what is found by it?

It learns from the first week and judges the rest. The budget as configured goes through the whole line; other
budgets are judged by the same scores, by thresholds learnt from the same week. A false alarm here is every
alert that is not about one of the things that are wrong, those about a deploy or a restart included.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from benchmarks.measure import report
from benchmarks.month_stream import Month
from benchmarks.week_stream import DAY, START, Happening
from log_guard.app.pipeline import PipelineOptions, intake_of
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.detect import Detect
from log_guard.core.detection.judge import Judge
from log_guard.core.episodes.episodes import Episodes
from log_guard.core.evaluation.outcomes import last_words, promise
from log_guard.core.evaluation.replaying import Replayed
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.features import FEATURES
from log_guard.core.learning.gathering import Gathering
from log_guard.core.learning.model import Model, Scales
from log_guard.core.learning.training import fit, study
from log_guard.core.results import Alert, Evidence, Result
from log_guard.core.scoring.parts import Parts, detector_values
from log_guard.core.windows import WindowBatch, WindowSpec

PROMISE = 2.0
BUDGETS = (0.5, PROMISE, 5.0, 10.0)
Summaries = Iterator[tuple[pl.DataFrame, int | None]]


class Recorder(Judge):
    """Judges, and notes the value of each detector where the noisiest budget would raise an alarm."""

    noted: list[tuple[np.ndarray, np.ndarray, np.ndarray]]
    lowest: np.ndarray

    def _ratio(
        self, parts: Parts, batch: WindowBatch, features: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        self._last.append((batch, detector_values(parts, batch.rows.height)))
        return super()._ratio(parts, batch, features)

    def judge(self, batch: WindowBatch, *args: object, **more: object) -> list[Result]:
        self._last: list[tuple[WindowBatch, np.ndarray]] = []
        results = super().judge(batch, *args, **more)  # type: ignore[arg-type]  # handed on as it came
        first, values = self._last[0]  # those after it were asked for by the evidence
        loud = (values / self.lowest).max(axis=1) >= 1.0
        rows = first.rows.filter(pl.Series(loud))
        self.noted.append((rows["end"].to_numpy(), rows["group"].to_numpy(), values[loud]))
        return results


class Recording(Detect):
    """The detector, with such a judge."""

    def __init__(self, spec: WindowSpec, model: Model, lowest: Scales) -> None:
        super().__init__(spec, model=model)
        self.noted: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._lowest = lowest.as_array()
        self.learner.eras.rejudge(self._recorder)

    def _recorder(self, model: Model) -> Judge:
        judge = Recorder(model, self.groups, self.templates)
        judge.noted, judge.lowest = self.noted, self._lowest
        return judge


@dataclass(frozen=True)
class Told:
    """Alerts of one budget by what they are about."""

    alerts: int
    found: int
    harmless: Counter[str]
    false: int

    @property
    def observed(self) -> int:
        """False alarms, those about harmless changes included."""
        return self.false + self.harmless.total()


def main() -> int:
    """Seeds as arguments; one month each (1)."""
    good = True
    for seed in map(int, sys.argv[1:] or ["1"]):
        good &= _month(Month(seed))
    return 0 if good else 1


def _month(month: Month) -> bool:
    began = time.perf_counter()
    spec = WindowSpec()
    summaries = _summaries(month)
    history = Gathering()
    for day, summary, _ in summaries:
        history.add(summary)
        if day == month.learnt - 1 and _ends_day(summary, day):
            break
    studied = study(history.history(), spec)
    models = {budget: fit(studied, budget) for budget in BUDGETS}
    lowest = Scales(
        min(m.scales.novelty for m in models.values()),
        min(m.scales.surprise for m in models.values()),
        min(m.scales.shift for m in models.values()),
    )
    detect = Recording(spec, models[PROMISE], lowest)
    replayed = Replayed(detect)
    for _, summary, watermark in summaries:
        replayed.take(summary, watermark)
    replayed.finish()
    print(f"seed {month.seed}: {month.days} days, learnt from the first {month.learnt}")
    good = _tell_days(month, replayed.alerts)
    told = {
        budget: _told(month, _alerts(detect, model.scales, spec))
        for budget, model in models.items()
    }
    # Which windows are of one alert also depends on what is wrong in them, which is not noted for other budgets.
    by_scores, told[PROMISE] = told[PROMISE].alerts, _told(month, replayed.alerts)
    print(f"  {told[PROMISE].alerts} alerts at {PROMISE:g} a day; by the scores alone {by_scores}")
    good &= _tell_budgets(month, told, models)
    print(f"{time.perf_counter() - began:.0f} s")
    return good


def _summaries(month: Month) -> Iterator[tuple[int, pl.DataFrame, int | None]]:
    """Day, summary and watermark of each hour."""
    intake = intake_of(PipelineOptions(), Decoder(JsonLines()), 0)
    first = 1
    for day, data in month.batches():
        taken = intake.take(RawBatch(data, first))
        first += data.count(b"\n")
        yield day, taken.summary, intake.clock.watermark


def _ends_day(summary: pl.DataFrame, day: int) -> bool:
    last = int(summary["pane"].to_numpy().max()) / SECOND - START.timestamp()
    return last >= day * DAY + 23 * 3_600


def _alerts(detect: Recording, scales: Scales, spec: WindowSpec) -> list[Alert]:
    """Alerts by other thresholds of the values that were noted."""
    ends, groups, values = (np.concatenate(x) for x in zip(*detect.noted, strict=True))
    chosen = (values / scales.as_array()).max(axis=1) >= 1.0
    names = detect.groups.words
    nothing = Evidence("", (), (), (), {})
    results = [
        Result(
            end - spec.window,
            end,
            names[group],
            0,
            True,
            True,
            0.5,
            np.ones(len(FEATURES)),
            evidence=nothing,
        )
        for end, group in zip(ends[chosen].tolist(), groups[chosen].tolist(), strict=True)
    ]
    episodes = Episodes()
    return last_words([*episodes.add(results), *episodes.finish()])


def _about(month: Month, alert: Alert) -> Happening | None:
    """What an alert is about: what is wrong before what is harmless."""
    start, end = (t / SECOND - START.timestamp() for t in (alert.start, alert.end))
    causes = [h for h in month.happenings if h.touches(start, end)]
    return min(causes, key=lambda h: (h.harmless, h.end - h.start), default=None)


def _wrongs(month: Month) -> list[Happening]:
    return [h for h in month.happenings if not h.harmless and h.start >= month.learnt * DAY]


def _told(month: Month, alerts: list[Alert]) -> Told:
    about = [_about(month, alert) for alert in alerts]
    found = {id(h) for h in about if h is not None and not h.harmless}
    harmless = Counter(h.name.rstrip("0123456789 ") for h in about if h is not None and h.harmless)
    return Told(len(alerts), len(found), harmless, sum(h is None for h in about))


def _tell_days(month: Month, alerts: list[Alert]) -> bool:
    days: dict[int, list[Alert]] = {day: [] for day in range(month.learnt, month.days)}
    for alert in alerts:
        day = int((alert.opened / SECOND - START.timestamp()) // DAY)
        days[min(day, month.days - 1)].append(alert)
    print("  day  alerts, of them about what is wrong; all others")
    most = 0
    for day, opened in days.items():
        others = [a for a in opened if (h := _about(month, a)) is None or h.harmless]
        most = max(most, len(others))
        print(f"  {day + 1:3d}  {len(opened)}, {len(opened) - len(others)}")
        for alert in others:
            cause = _about(month, alert)
            print(f"       {'false' if cause is None else cause.name}: {alert.evidence.sentence}")
    for wrong in _wrongs(month):
        if not any(_about(month, alert) is wrong for alert in alerts):
            print(f"  day {wrong.start / DAY + 1:4.1f}  missed: {wrong.name}")
    wrongs = len(_wrongs(month))
    found = _told(month, alerts).found
    return report("wrong things found", found, f"of {wrongs}", ">= 75 %", found >= 0.75 * wrongs)


def _tell_budgets(month: Month, told: Mapping[float, Told], models: Mapping[float, Model]) -> bool:
    wrongs = _wrongs(month)
    hours = (month.days - month.learnt) * 24 - sum(h.end - h.start for h in wrongs) / 3_600
    print("  a day  promised  by chance up to  observed  of them about harmless changes  found")
    good = True
    for budget, one in told.items():
        kept = promise(one.observed, budget, hours)
        good &= kept.kept
        print(
            f"  {budget:5g}  {kept.expected:8.1f}  {kept.most:15d}  {one.observed:8d}  "
            f"{one.harmless.total():30d}  {one.found} of {len(wrongs)}"
            f"   (thresholds {models[budget].scales.novelty:.1f}, {models[budget].scales.surprise:.1f} bits)"
        )
    two = promise(told[PROMISE].observed, PROMISE, hours)
    days = hours / 24
    print(f"  about harmless changes: {dict(told[PROMISE].harmless)}")
    report("false alarms a day", two.observed / days, "", f"<= {two.most / days:.2f}", two.kept)
    return good


if __name__ == "__main__":
    sys.exit(main())
