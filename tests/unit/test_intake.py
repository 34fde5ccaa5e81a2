"""What one input partition is read as."""

from __future__ import annotations

import numpy as np

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.intake import Intake
from log_guard.core.summarising.summaries import Summarizer
from tests.streams import START


def test_when_a_record_was_appended_tells_the_year_of_its_time() -> None:
    intake = Intake(Decoder(FORMATS["syslog"]), TimeRules(5 * SECOND), Summarizer(5 * SECOND))
    batch = RawBatch(
        b"Dec 31 23:59:58 host cron: one\nJan  1 00:00:03 host cron: two\n",
        0,
        positions=np.arange(2, dtype=np.uint64),
    )
    taken = intake.take(batch, np.full(2, START + 4 * SECOND))
    assert taken.dead == []
    assert sorted(taken.summary["pane"]) == [START - 5 * SECOND, START]
