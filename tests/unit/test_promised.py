"""What a running detector says in its log where there are more alerts than promised."""

from __future__ import annotations

from log_guard.app.pipeline import PipelineOptions, intake_of
from log_guard.app.promised import departed
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.detection.options import DetectOptions
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.stream.fold import Fold
from log_guard.core.stream.progress import Commit, Progress
from log_guard.core.windows import WindowSpec
from tests.streams import START, Event, line
from tests.unit.test_gate import burst

LEARNT, HOURS = 2, 28
REPAIR = (
    "label those that were real (logguard label real --from TIME --to TIME), suppress what is harmless "
    "(logguard suppress --template TEXT) and give both with --feedback FILE, or learn again from a longer history "
    "(logguard train)"
)


def day() -> list[Event]:
    """Twenty-eight quiet hours, and ten bursts in the last five of them."""
    quiet = [
        Event(30 * i, "db", message=f"did thing {'abcdef'[i % 6] * 3}") for i in range(HOURS * 120)
    ]
    at = (HOURS - 5) * 3_600 + 300
    loud = [burst(at + 1_800 * i, f"disk {c * 3} lost") for i, c in enumerate("abcdefghij")]
    return sorted(quiet + [event for one in loud for event in one])


def test_it_is_said_once_with_the_repair() -> None:
    # Long panes: fewer windows, and each longer than a slice of the fold.
    options = PipelineOptions(window=WindowSpec(120 * SECOND, 120 * SECOND))
    intake = intake_of(options, Decoder(JsonLines()), 0)
    detect = DetectOptions(train_until=START + LEARNT * 3_600 * SECOND)
    fold, said, events = Fold(options.window, detect), [], day()
    for offset, first in enumerate(range(0, len(events), 200)):
        lines = [line(e) for e in events[first : first + 200]]
        taken = intake.take(RawBatch(b"\n".join(lines), first))
        mark, many = intake.clock.watermark, len(lines)
        progress = Progress(0, first, first + many, mark, False, many, many)
        for out in fold.slices(Commit(taken.summary, (progress,), 1), offset):
            said += [] if out.departure is None else [departed(out.departure)]
    # At the first alert beyond the bound; of the three after it nothing is said.
    assert said == [
        {"alerts": 7, "days": 1.0, "promised": 2.0, "by_chance_up_to": 6, "repair": REPAIR}
    ]
