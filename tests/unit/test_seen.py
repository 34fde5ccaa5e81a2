"""What is said of a log at its end counts the windows that were judged."""

from __future__ import annotations

from dataclasses import replace

from log_guard.app.pipeline import Output
from log_guard.app.seen import Seen
from tests.troubles import calm, trouble


def test_windows_that_were_learnt_from_are_not_counted_unless_they_were_told_of() -> None:
    learnt = replace(calm(0), model_version="m", warming="1/20")
    loud = replace(trouble(5), model_version="m", warming="2/20")
    judged = replace(calm(10), model_version="m", warming=None)
    never = replace(calm(15), model_version=None)
    seen = Seen()
    seen.take(Output(results=[learnt, loud, judged, never]))
    assert (seen.windows, seen.anomalies, seen.judged) == (2, 1, True)
