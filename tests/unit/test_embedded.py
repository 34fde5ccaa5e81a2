"""Several formats in one file: each line with a time of its own is an event of its own."""

from __future__ import annotations

import pytest

from log_guard.core.decoding.decode import Decoded, Decoder
from log_guard.core.decoding.formats import FORMATS
from log_guard.core.events import Level, RawBatch

OWN = {
    "plain": "2026-01-01 00:00:00,000 - app.db - ERROR - lost it",
    "prefixed": "INFO 2026-01-01 00:00:00,000 cart: up",
    "syslog": "Jan  1 00:00:00 host app[1]: up",
}
OTHERS = {
    '{"level":"error","time":"2026-01-01T00:00:01Z","service":"pay","msg":"refused"}': "refused",
    'time=2026-01-01T00:00:01Z level=error service=pay msg="refused"': "refused",
    '10.0.0.1 - - [01/Jan/2026:00:00:01 +0000] "GET /x HTTP/1.1" 502 12': "GET /x",
    '[GIN] 2026/01/01 - 00:00:01 | 502 | 1.2ms | 10.0.0.1 | GET "/x"': "GET /x",
}
CONTINUING = ("  at a.B.c(B.java:1)", '{"total": 3, "items": [1]}', "time=late", "{", "")


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("other", OTHERS)
def test_a_line_of_another_format_is_an_event_of_its_own(name: str, other: str) -> None:
    lines = [OWN[name], CONTINUING[0], other, CONTINUING[0], OWN[name]]
    decoded = decode(name, lines)
    assert (decoded.records, len(decoded.dead)) == (3, 0)
    read = decoded.events.sort("position")
    assert read["position"].to_list() == [0, 2, 4]
    assert read["level"][1] == Level.ERROR
    first, rest = read["message"][1].split("\n", 1)
    assert OTHERS[other] in first
    assert rest == CONTINUING[0]


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("line", CONTINUING)
def test_what_has_no_time_continues_the_event_before(name: str, line: str) -> None:
    decoded = decode(name, [OWN[name], line, OWN[name]])
    assert (decoded.records, len(decoded.dead), decoded.events.height) == (2, 0, 2)


def decode(name: str, lines: list[str]) -> Decoded:
    decoder = Decoder(FORMATS[name], "app", reference=1_767_225_600_000_000)
    return decoder.decode(RawBatch("\n".join(lines).encode() + b"\n", 0, multiline=True))
