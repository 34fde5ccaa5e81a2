"""What a program writes beside its requests, or beside its JSON, are events, too."""

from __future__ import annotations

import pytest

from log_guard.app.inspecting import ReadOptions, decoder_of
from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.decoding.formats import FORMATS, recognise
from log_guard.core.events import Level, RawBatch

GIN = '[GIN] 2026/01/01 - 00:00:0{} | 502 | 1.2ms | 10.0.0.1 | GET "/x"'
CLF = '10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET /x HTTP/1.1" 502 12'
JSON = '{"level":"error","time":"2026-01-01T00:00:01Z","msg":"refused"}'
LOGFMT = 'time=2026-01-01T00:00:01Z level=error msg="refused"'
KIT = 'level=error caller=a.go:7 ts=2026-01-01T00:00:01Z msg="refused"'
PRINTF = "2026/01/01 00:00:01 refused"
TIMED = (JSON, LOGFMT, KIT, PRINTF)


def decoded(lines: list[str], sample: list[str]) -> Decoded:
    decoder = decoder_of([line.encode() for line in sample], "a log", ReadOptions(service="app"))
    return decoder.decode(RawBatch("\n".join(lines).encode(), 1, multiline=True))


def messages(lines: list[str], before: str = "") -> list[str]:
    """Of a log whose sample shows nothing but requests; every line is an event."""
    lines = [before + line for line in lines]
    read = decoded(lines, [before + GIN.format(1)] * 2)
    assert read.dead == []
    assert read.events["position"].to_list() == list(range(1, len(lines) + 1))
    assert set(read.events["service"]) == {"web" if before else "app"}
    return list(read.events["message"])


@pytest.mark.parametrize("before", ["", "web-1  | "])
@pytest.mark.parametrize("line", [*TIMED, "refused"])
def test_lines_among_requests_of_gin_are_events(line: str, before: str) -> None:
    read = messages([GIN.format(1), line, GIN.format(2), line, GIN.format(3)], before)
    assert read[1::2] == ["refused", "refused"]
    assert set(read[::2]) == {"GET /x -> server-error 502"}


def test_lines_without_a_time_are_of_that_of_the_request_above() -> None:
    read = decoded([GIN.format(1), "one", "  of two", "ERROR two", GIN.format(2)], [GIN.format(1)])
    events = read.events.select("time", "level", "message", "position").rows()
    start = 1_767_225_600_000_000
    assert events[1] == (start + 1_000_000, Level.UNSPECIFIED, "one\n  of two", 2)
    assert events[2] == (start + 1_000_000, Level.ERROR, "two", 4)


@pytest.mark.parametrize(
    "trace",
    [
        ["panic: lost", "", "goroutine 1 [running]:", "main.main()", "\t/a/main.go:7"],
        ["Traceback (most recent call last):", '  File "a.py"', "ValueError: lost"],
        ["a.b.LostException: lost", "\tat a.b.C", "Caused by: lost"],
    ],
)
def test_a_stack_trace_is_one_event(trace: list[str]) -> None:
    read = decoded([GIN.format(1), *trace, GIN.format(2)], [GIN.format(1)])
    assert read.events["message"][1] == "\n".join(line for line in trace if line)
    assert read.records == 3


def test_a_panic_that_gin_stopped_is_an_event() -> None:
    lines = [
        GIN.format(1),
        "",
        "\x1b[31m2026/01/01 00:00:01 [Recovery] 2026/01/01 - 00:00:01 panic recovered:",
        "GET /x HTTP/1.1",
        "lost it",
        "\x1b[0m",
        GIN.format(2),
    ]
    events = decoded(lines, [GIN.format(1)]).events
    assert events["position"].to_list() == [1, 3, 7]
    assert events["message"][1].startswith("[Recovery] 2026/01/01 - 00:00:01 panic recovered:\nGET")


@pytest.mark.parametrize(
    ("name", "usual"), [("json", JSON), ("logfmt", LOGFMT), ("nginx", CLF), ("cri", None)]
)
@pytest.mark.parametrize("other", [*TIMED, GIN.format(1), CLF, "2026-01-01 00:00:01 refused"])
def test_lines_with_a_time_beside_others_are_events(
    name: str, usual: str | None, other: str
) -> None:
    usual = usual or "2026-01-01T00:00:00Z stdout F up"
    read = Decoder(FORMATS[name]).decode(RawBatch("\n".join([usual, other, "{", "so"]).encode(), 1))
    assert read.events["position"].to_list() == [1, 2]
    assert [letter.position for letter in read.dead] == [3, 4]
    assert read.records == 4


def test_json_beside_requests_stays_json() -> None:
    found = recognise([JSON, JSON, JSON, GIN.format(1)])
    assert found is FORMATS["json"]
