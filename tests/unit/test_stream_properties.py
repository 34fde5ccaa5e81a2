from __future__ import annotations

import functools
import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from log_guard.app.pipeline import Output, Pipeline, PipelineOptions
from log_guard.core.decode import Decoder
from log_guard.core.detect import DetectOptions
from log_guard.core.events import RawBatch
from log_guard.core.formats.json_lines import JsonLines
from log_guard.core.model import Model
from tests.lines import line, steady_lines

BAD = (
    b"",
    b"{",
    b"[1]",
    b"12",
    b"null",
    b'{"message":"x"}',
    b"\xff\xfe",
    b'{"timestamp":"soon","message":"x"}',
)
PIECES = st.one_of(
    st.builds(
        line,
        st.integers(700, 900),
        st.sampled_from(["INFO", "ERROR", "warning", "40"]),
        st.sampled_from(["web", "db", "new"]),
        st.sampled_from(["served page 5", "cache hit 7", "disk gone", "password=x9"]),
    ),
    st.sampled_from(BAD),
    st.builds(line, st.sampled_from([0, 10**8])),
)


@functools.cache
def trained() -> Model:
    detect = DetectOptions(train_until=1 << 62, show_warm_up=False)
    pipeline = Pipeline(Decoder(JsonLines()), PipelineOptions(detect=detect))
    pipeline.feed(RawBatch(b"\n".join(steady_lines(600)), 1))
    pipeline.finish()
    return pipeline.detect.train_now()


def _run(lines: list[bytes], cuts: list[int]) -> tuple[Pipeline, list[Output]]:
    pipeline = Pipeline(Decoder(JsonLines()), model=trained())
    places = [0, *sorted({c % len(lines) for c in cuts} - {0}), len(lines)]
    outs = [
        pipeline.feed(RawBatch(b"\n".join(lines[a:b]) + b"\n", a + 1)) for a, b in pairwise(places)
    ]
    return pipeline, [*outs, pipeline.finish()]


def _final(outs: list[Output]) -> dict[tuple[str, str], str]:
    """The last word on each window, as text: equal text, equal bits."""
    final = {}
    for out in outs:
        for result in out.results:
            row = result.as_dict()
            del row["revision"]
            final[row["window_end"], row["service"]] = json.dumps(row)
    return final


@given(st.lists(PIECES, min_size=1, max_size=40), st.lists(st.integers(0, 40), max_size=5))
@settings(max_examples=40, deadline=None)
def test_every_record_is_accounted_for(lines: list[bytes], cuts: list[int]) -> None:
    pipeline, outs = _run(lines, cuts)
    assert pipeline.ledger.consumed == len(lines)
    assert pipeline.ledger.balanced, pipeline.ledger
    assert pipeline.ledger.dead_lettered == sum(len(out.dead) for out in outs)


@given(
    st.lists(PIECES, min_size=1, max_size=40), st.lists(st.integers(0, 40), min_size=1, max_size=5)
)
@settings(max_examples=40, deadline=None)
def test_any_split_into_batches_gives_the_same_results(lines: list[bytes], cuts: list[int]) -> None:
    whole, _ = _run(lines, [])
    split, outs = _run(lines, cuts)
    assert split.ledger == whole.ledger
    assert _final(outs) == _final(_run(lines, [])[1])


def test_an_incident_is_found_and_explained() -> None:
    lines = steady_lines(600, seed=2)
    shifted = [each.replace(b"2026-01-01T00", b"2026-01-01T01") for each in lines]
    burst = [line(3600 + 300 + i * 0.1, "ERROR", "db", f"disk {i} gone") for i in range(60)]
    _, outs = _run(sorted(shifted + burst, key=lambda each: json.loads(each)["timestamp"]), [])
    alerts = [a for out in outs for a in out.alerts if a.state == "resolved"]
    assert [a.service for a in alerts] == ["db"]
    assert alerts[0].evidence.sentence.startswith("ERROR 'disk <num> gone' ")
    assert sum(p.share for p in alerts[0].evidence.parts) == pytest.approx(1.0, abs=0.05)
    assert alerts[0].evidence.samples
