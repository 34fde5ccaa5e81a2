"""A month of the deployment of ``week_stream.py``, a day at a time: what a week brings, weekends, load that
grows, a weekly and a monthly job, restarts, three deploys; and twenty-six things that are wrong, two of them
in the week that is learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.week_stream import (
    DAY,
    DB,
    HOUR,
    MAIL,
    NOISY,
    WEB,
    WEB_NEXT,
    WORKER,
    Happening,
    Lines,
    Text,
)

WEB_THIRD: list[Text] = [
    ("INFO", "served basket v2 for {n} in {n} ms"),
    ("INFO", "article {n} rendered from edge cache in {n} ms"),
    ("INFO", "order accepted from customer {n} after {n} ms"),
    ("INFO", "visitor {n} arrived by campaign {n}"),
    ("WARN", "edge cache missed {n} keys, asking origin"),
    ("ERROR", "customer {n} sent a form without a token"),
]
WEB_FOURTH: list[Text] = [
    ("INFO", "basket service answered {n} in {n} ms"),
    ("INFO", "article {n} rendered from edge cache in {n} ms"),
    ("INFO", "order accepted from customer {n} after {n} ms"),
    ("INFO", "consent of visitor {n} stored"),
    ("WARN", "edge cache missed {n} keys, asking origin"),
    ("ERROR", "form of customer {n} has no valid signature"),
]
VERSIONS = ((0.0, WEB), (10.45, WEB_NEXT), (17.6, WEB_THIRD), (24.4, WEB_FOURTH))
"""Day from which on each version of ``web`` runs."""
WEEKLY: list[Text] = [
    ("INFO", "base backup started, label weekly-{n}"),
    ("INFO", "base backup copied segment {n} of {n}"),
    ("WARN", "base backup slows down checkpoints by {n} ms"),
    ("INFO", "base backup finished in {n} s"),
]
MONTHLY: list[Text] = [
    ("INFO", "monthly report for ledger {n} begun"),
    ("INFO", "statement of account {n} rendered"),
    ("INFO", "monthly report sent to {n} receivers"),
]
OTHER_WRONG: dict[str, Text] = {
    "burst": ("ERROR", "payment provider timed out after {n} ms"),
    "fatal": ("FATAL", "out of memory while sorting {n} tuples"),
    "warning": ("WARN", "receiver rejects us as a source of spam, code {n}"),
    "loop": ("INFO", "refreshing price list {n}"),
}


class Month(Lines):
    """Thirty days; ``happenings`` are known from the beginning on but for the nightly jobs."""

    days = 30
    learnt = 7

    def __init__(self, seed: int, rate: float = 1.0) -> None:
        super().__init__(seed, rate)
        draw = self._random
        self._restarts = np.sort(draw.uniform(0.5, self.days, 8)).tolist()
        learnt = draw.uniform(1, self.learnt - 1, 2).tolist()
        places = np.linspace(self.learnt + 0.4, self.days - 0.5, 24) + draw.uniform(-0.3, 0.3, 24)
        # Each kind comes four times, twice in the same words.
        kinds = [(kind, words) for kind in range(6) for words in (None, OTHER_WRONG) for _ in "12"]
        drawn = [kinds[i] for i in draw.permutation(24).tolist()]
        self._places = list(zip([*learnt, *places.tolist()], [*drawn[:2], *drawn], strict=True))

    def batches(self) -> Iterator[tuple[int, bytes]]:
        """JSON lines in order of time, an hour at a time, and the day that they are of."""
        for day in range(self.days):
            self._lines = []
            self._day(day)
            self._lines.sort()
            hours = np.searchsorted(
                np.array([line[0] for line in self._lines]), day * DAY + HOUR * np.arange(1, 24)
            )
            for a, b in zip([0, *hours], [*hours, len(self._lines)], strict=True):
                yield day, b"".join(self._json(*line) for line in self._lines[a:b])

    def _day(self, day: int) -> None:
        start, end = day * DAY, (day + 1) * DAY
        load = self.rate * (0.6 if day % 7 >= 5 else 1.0) * (1 + 0.01 * day)
        for (since, texts), until in zip(
            VERSIONS, [since for since, _ in VERSIONS[1:]] + [float(self.days)], strict=True
        ):
            a, b = max(start, since * DAY), min(end, until * DAY)
            if a < b:
                self._mix("web", texts, a, b, 0.5 * load, 0.7)
            if since and start <= since * DAY < end:
                at = since * DAY
                self.happenings.append(Happening("deploy of web", at, at + HOUR, True))
        self._mix("db", DB, start, end, 0.15 * load, 0.3)
        self._mix("mail", MAIL, start, end, 0.12 * load, 0.5)
        self._mix("worker", WORKER, start, end, 0.15 * load, 0.2)
        self._mix("noisy", NOISY, start, end, 0.06 * self.rate, 0.0)
        self._bursts(start, end - 60)
        self._nightly(day)
        if day % 7 == 6:
            self._job("db", WEEKLY, start + 4 * HOUR, 300, f"weekly backup {day // 7 + 1}")
        if day == self.days - 2:
            self._job("mail", MONTHLY, start + 6 * HOUR, 200, "monthly report")
        for number, at in enumerate(self._restarts):
            if start <= at * DAY < end:
                self._restart(number + 1, min(at * DAY, end - 20))
        for at, (kind, texts) in self._places:
            if start <= at * DAY < end:
                # It is over before the day is.
                self.happenings.append(self._wrong(kind, min(at * DAY, end - 2_000), texts))

    def _job(self, service: str, texts: list[Text], at: float, lines: int, name: str) -> None:
        times = at + np.sort(self._random.uniform(2, 598, lines))
        self._say(service, texts[0], np.array([at]))
        self._say(service, texts[1], times[1:])
        if len(texts) > 3:
            self._say(service, texts[2], times[:1])
        self._say(service, texts[-1], np.array([at + 600]))
        self.happenings.append(Happening(name, at, at + 600, True))
