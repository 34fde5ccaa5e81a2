"""The suite that every format passes; a new format adds its samples to the table."""

from __future__ import annotations

import re
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS, recognise
from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.events import SECOND, Level, RawBatch
from tests.streams import START

UNSAID = "elsewhere"
"""Service of records that name none."""

T = "2026-01-01T00:00:00Z"
SAMPLES: list[tuple[str, str, Level, str, str]] = [
    (
        "json",
        f'{{"timestamp":"{T}","level":"warn","service":"pay","message":"m"}}',
        Level.WARN,
        "pay",
        "m",
    ),
    (
        "plain",
        "2026-01-01 00:00:00,000 - app.db - ERROR - lost it",
        Level.ERROR,
        UNSAID,
        "app.db - lost it",
    ),
    (
        "plain",
        "[2026-01-01 00:00:00,000] INFO [Server id=1] up (a.B)",
        Level.INFO,
        UNSAID,
        "[Server id=1] up (a.B)",
    ),
    (
        "plain",
        "2026-01-01 00:00:00 status installed foo:amd64 1.2",
        Level.UNSPECIFIED,
        UNSAID,
        "status installed foo:amd64 1.2",
    ),
    (
        "plain",
        "2026/01/01 00:00:00 [error] 12#0: *1 open() failed",
        Level.ERROR,
        UNSAID,
        "12#0: *1 open() failed",
    ),
    ("plain", "2026-01-01 00:00:00.000 +00:00 [INF] up", Level.INFO, UNSAID, "up"),
    ("plain", "2026-01-01T00:00:00Z WRN slow n=3", Level.WARN, UNSAID, "slow n=3"),
    ("plain", "2026-01-01T00:00:00Z ERR db: refused", Level.ERROR, UNSAID, "db: refused"),
    ("prefixed", "INFO 2026-01-01 00:00:00,000 cart: up", Level.INFO, UNSAID, "cart: up"),
    (
        "prefixed",
        "01-Jan-2026 00:00:00.000 SEVERE [main] org.apache.catalina.X.y lost it",
        Level.ERROR,
        UNSAID,
        "[main] org.apache.catalina.X.y lost it",
    ),
    (
        "prefixed",
        "[01-Jan-2026 00:00:00 UTC] PHP Notice:  odd",
        Level.UNSPECIFIED,
        UNSAID,
        "PHP Notice:  odd",
    ),
    ("prefixed", "[WARN] 2026-01-01 00:00:00 cart: slow", Level.WARN, UNSAID, "cart: slow"),
    ("prefixed", "INFO | 2026-01-01 00:00:00 | up", Level.INFO, UNSAID, "up"),
    ("container", "web-1  | 2026-01-01 00:00:00 ERROR lost", Level.ERROR, "web", "lost"),
    ("container", f"shop_web_12 | {T} [info] up", Level.INFO, "shop_web", "up"),
    ("container", f"\x1b[36mdb  | \x1b[0m{T} WARN full", Level.WARN, "db", "full"),
    (
        "container",
        "redis-1  | 1:M 01 Jan 2026 00:00:00.000 * Up",
        Level.UNSPECIFIED,
        "redis",
        "1:M * Up",
    ),
    ("container", f"[pod/api-6f7d9-x2x/app] {T} ERROR lost", Level.ERROR, "app", "lost"),
    ("container", f'web-1  | {{"level":"warn","time":"{T}","msg":"m"}}', Level.WARN, "web", "m"),
    ("container", f"pay-6f7d9c5b4-x2x7d app {T} ERROR lost", Level.ERROR, "app", "lost"),
    ("container", f'db-0 pg {T} {{"level":"warn","msg":"m"}}', Level.WARN, "pg", "m"),
    ("container", f'db-0 pg {{"level":"warn","time":"{T}","msg":"m"}}', Level.WARN, "pg", "m"),
    ("prefixed", f"DB-0 pg {T} ERROR lost", Level.ERROR, UNSAID, "DB-0 pg lost"),
    (
        "nginx",
        '[GIN] 2026/01/01 - 00:00:00 | 500 |      1.2ms |       10.0.0.1 | GET      "/x"',
        Level.ERROR,
        UNSAID,
        "GET /x -> server-error 500",
    ),
    (
        "nginx",
        '[GIN] 2026/01/01 - 00:00:00 |\x1b[97;42m 200 \x1b[0m| 981µs | ::1 |\x1b[97;44m GET     \x1b[0m "/x"',
        Level.INFO,
        UNSAID,
        "GET /x -> ok 200",
    ),
    (
        "container",
        'web-1  | [GIN] 2026/01/01 - 00:00:00 | 404 | 1.2ms | 10.0.0.1 | POST "/x"',
        Level.WARN,
        "web",
        "POST /x -> client-error 404",
    ),
    (
        "cri",
        f'{T} stdout F [GIN] 2025/12/31 - 00:00:00 | 404 | 1.2ms | 10.0.0.1 | POST "/x"',
        Level.WARN,
        UNSAID,
        "POST /x -> client-error 404",
    ),
    (
        "cri",
        f'{T} stdout F 10.0.0.1 - - [31/Dec/2025:00:00:00 +0000] "GET /x HTTP/1.1" 502 7',
        Level.ERROR,
        UNSAID,
        "GET /x HTTP/1.1 -> server-error 502, 7 bytes",
    ),
    (
        "json",
        f'{{"log":"2025-12-31 00:00:00,123 ERROR [cart] lost\\n","stream":"stdout","time":"{T}"}}',
        Level.ERROR,
        UNSAID,
        "[cart] lost",
    ),
    (
        "json",
        f'{{"log":"[2025-12-31 00:00:00] WARN: slow\\n","stream":"stdout","time":"{T}"}}',
        Level.WARN,
        UNSAID,
        "slow",
    ),
    (
        "json",
        f'{{"log":"[GIN] 2025/12/31 - 00:00:00 | 500 | 1.2ms | ::1 | GET \\"/x\\"\\n","stream":"stdout","time":"{T}"}}',
        Level.ERROR,
        UNSAID,
        "GET /x -> server-error 500",
    ),
    ("plain", f'{T} {{"level":"warn","service":"pay","msg":"m"}}', Level.WARN, "pay", "m"),
    ("plain", '2026-01-01 00:00:00,000 ERROR {"msg":"m"}', Level.ERROR, UNSAID, "m"),
    ("plain", f'{T} DEBUG {{"total":7}}', Level.DEBUG, UNSAID, '{"total":7}'),
    (
        "container",
        f'web-1 | {{"time":"{T}","service":"pay","msg":"m"}}',
        Level.UNSPECIFIED,
        "pay",
        "m",
    ),
    ("container", f"web-1  | time={T} level=error msg=m", Level.ERROR, "web", "m"),
    (
        "container",
        'edge-1  | 192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 502 12',
        Level.ERROR,
        "edge",
        "GET /a HTTP/1.1 -> server-error 502, 12 bytes",
    ),
    (
        "prefixed",
        f"\x1b[2m{T}\x1b[0m \x1b[32m INFO\x1b[0m shop::cart: up",
        Level.INFO,
        UNSAID,
        "shop::cart: up",
    ),
    (
        "prefixed",
        "E0101 00:00:00.000000       1 a.go:12] lost",
        Level.ERROR,
        UNSAID,
        "1 a.go:12] lost",
    ),
    (
        "prefixed",
        "1:M 01 Jan 2026 00:00:00.000 * Ready",
        Level.UNSPECIFIED,
        UNSAID,
        "1:M * Ready",
    ),
    (
        "prefixed",
        "run 2026-01-01 00:00:00: with --all",
        Level.UNSPECIFIED,
        UNSAID,
        "run with --all",
    ),
    ("prefixed", "1767225600.000 ERROR lost", Level.ERROR, UNSAID, "lost"),
    (
        "prefixed",
        "Start-Date: 2026-01-01  00:00:00 x",
        Level.UNSPECIFIED,
        UNSAID,
        "Start-Date: x",
    ),
    ("prefixed", "01.01.2026, 00:00:00,000 [INFO] up", Level.INFO, UNSAID, "up"),
    ("prefixed", "INFO 01.01.2026 00:00:00 up", Level.INFO, UNSAID, "up"),
    ("json", f'{{"t":{{"$date":"{T}"}},"s":"E","c":"NET","msg":"m"}}', Level.ERROR, UNSAID, "m"),
    ("json", f'{{"@t":"{T}","@l":"Warning","@mt":"m"}}', Level.WARN, UNSAID, "m"),
    (
        "json",
        f'{{"timestamp":"{T}","severity":"ERROR","jsonPayload":{{"message":"m"}},"resource":{{"labels":{{"container_name":"pay"}}}}}}',
        Level.ERROR,
        "pay",
        "m",
    ),
    (
        "json",
        '{"timestamp":"2026-01-01 00:00:00.000 UTC","pid":7,"error_severity":"PANIC","message":"m","backend_type":"startup"}',
        Level.FATAL,
        UNSAID,
        "m",
    ),
    ("logfmt", f'ts={T} level=error service=pay msg="a \\"b\\"" x=1', Level.ERROR, "pay", 'a "b"'),
    ("logfmt", f"time={T} level=info user=5", Level.INFO, UNSAID, "user=5"),
    ("syslog", "Jan  1 00:00:00 host app[12]: hello", Level.UNSPECIFIED, "app", "hello"),
    (
        "syslog",
        "2026-01-01T00:00:00.000000+00:00 app[web.1]: Error: x",
        Level.UNSPECIFIED,
        "app",
        "Error: x",
    ),
    ("syslog", "<11>Jan  1 00:00:00 host kernel: oops", Level.ERROR, "kernel", "oops"),
    (
        "syslog",
        '<190>Jan  1 00:00:00 host edge: 10.0.0.1 - - [31/Dec/2025:00:00:00 +0000] "GET /x HTTP/1.1" 502 7',
        Level.ERROR,
        "edge",
        "GET /x HTTP/1.1 -> server-error 502, 7 bytes",
    ),
    (
        "syslog",
        '<190>1 2026-01-01T00:00:00Z host edge 7 - - 10.0.0.1 - - [31/Dec/2025:00:00:00 +0000] "GET /x HTTP/1.1" 404 7',
        Level.WARN,
        "edge",
        "GET /x HTTP/1.1 -> client-error 404, 7 bytes",
    ),
    (
        "syslog",
        "<14>Jan  1 00:00:00 host pay[7]: 2025-12-31 00:00:00,123 ERROR lost",
        Level.ERROR,
        "pay",
        "lost",
    ),
    (
        "syslog",
        '<14>Jan  1 00:00:00 host pay[7]: {"level":"error","msg":"m"}',
        Level.ERROR,
        "pay",
        "m",
    ),
    ("syslog", '<14>Jan  1 00:00:00 host pay[7]: {"total":7}', Level.INFO, "pay", '{"total":7}'),
    ("syslog", f'<34>1 {T} host app 1 ID [a b="c"] hello', Level.FATAL, "app", "hello"),
    (
        "syslog",
        "2026-01-01T00:00:00.000000+00:00 host systemd[1]: Started",
        Level.UNSPECIFIED,
        "systemd",
        "Started",
    ),
    ("cri", "2026-01-01T00:00:00.000000000Z stderr F ERROR it", Level.ERROR, UNSAID, "ERROR it"),
    (
        "nginx",
        '192.0.2.1 - - [01/Jan/2026:00:00:00 +0000] "GET /a HTTP/1.1" 502 12 "-" "curl"',
        Level.ERROR,
        UNSAID,
        "GET /a HTTP/1.1 -> server-error 502, 12 bytes",
    ),
    (
        "json",
        '{"level":50,"time":1767225600000,"name":"shop","msg":"cart \\"7\\" is lost"}',
        Level.ERROR,
        "shop",
        'cart "7" is lost',
    ),
    (
        "plain",
        "2026-01-01 00:00:00.000 [main] INFO  com.example.Cart - emptied",
        Level.INFO,
        UNSAID,
        "[main] com.example.Cart - emptied",
    ),
    (
        "plain",
        "2026-01-01T00:00:00.000Z  INFO 1 --- [main] c.e.Cart : started",
        Level.INFO,
        UNSAID,
        "started",
    ),
    (
        "plain",
        "2026-01-01T00:00:00.000Z ERROR 12345 --- [orders] [nio-8080-exec-3] o.a.c.C.[.[.[/].[servlet]   : a : b",
        Level.ERROR,
        "orders",
        "a : b",
    ),
    (
        "plain",
        "2026-01-01 00:00:00.000  WARN 7 --- [           main] com.example.Cart                         : empty",
        Level.WARN,
        UNSAID,
        "empty",
    ),
    (
        "plain",
        f"{T} ERROR 7 --- [           main] [0123456789abcdef0123456789abcdef-0123456789abcdef] a.B : lost",
        Level.ERROR,
        UNSAID,
        "lost",
    ),
    (
        "plain",
        f"{T} ERROR 7 --- [orders] [shop] [           main] [{' ' * 49}] a.B : lost",
        Level.ERROR,
        "orders",
        "lost",
    ),
    ("plain", f"{T} INFO a --- [b] c", Level.INFO, UNSAID, "a --- [b] c"),
    (
        "cri",
        f"{T} stdout F 2025-12-31T23:59:59.000Z  WARN 1 --- [orders] [           main] a.B : lost",
        Level.WARN,
        "orders",
        "lost",
    ),
    (
        "plain",
        "2026-01-01 00:00:00.000 | ERROR    | cart:add:12 - no stock",
        Level.ERROR,
        UNSAID,
        "cart:add:12 - no stock",
    ),
    (
        "plain",
        f"{T} INFO com.example.Cart: started",
        Level.INFO,
        UNSAID,
        "com.example.Cart: started",
    ),
    ("plain", "[2026-01-01 00:00:00] [DEBUG] tick", Level.DEBUG, UNSAID, "tick"),
    ("plain", "2026-01-01 00:00:00 INFO: tick", Level.INFO, UNSAID, "tick"),
    (
        "plain",
        "2026-01-01 00:00:00.000 UTC [7] cart@shop LOG:  statement: insert into t values ('ERROR')",
        Level.INFO,
        UNSAID,
        "[7] cart@shop statement: insert into t values ('ERROR')",
    ),
    (
        "plain",
        "2026-01-01 00:00:00.000 UTC [7] cart@shop/[unknown] FATAL:  no more connections",
        Level.FATAL,
        UNSAID,
        "[7] cart@shop/[unknown] no more connections",
    ),
    ("plain", f"{T} LOG of errors", Level.UNSPECIFIED, UNSAID, "LOG of errors"),
    ("plain", f"{T} <warn> device lost", Level.WARN, UNSAID, "device lost"),
    ("plain", f"{T} there was an error", Level.UNSPECIFIED, UNSAID, "there was an error"),
    ("plain", f"{T} [done] error free", Level.UNSPECIFIED, UNSAID, "[done] error free"),
    (
        "plain",
        "2026-01-01 00:00:00 -5 degrees - ERROR - too cold",
        Level.ERROR,
        UNSAID,
        "-5 degrees - too cold",
    ),
    (
        "plain",
        "[Thu Jan 01 00:00:00.000000 2026] [core:error] [pid 7] AH00126: invalid URI",
        Level.ERROR,
        UNSAID,
        "[pid 7] AH00126: invalid URI",
    ),
    (
        "logfmt",
        r'time="2026-01-01 00:00:00" lvl=warn msg="said \"no\"\nand \\n left"',
        Level.WARN,
        UNSAID,
        'said "no"\nand \\n left',
    ),
    (
        "logfmt",
        f'time={T} level=error msg="begin transaction" err="connection refused" attempt=3',
        Level.ERROR,
        UNSAID,
        "begin transaction\nCaused by: connection refused",
    ),
    (
        "logfmt",
        'time=1767225600.0 msg="a level=debug ts=7 in quotes" level=warn app=x',
        Level.WARN,
        "x",
        "a level=debug ts=7 in quotes",
    ),
    (
        "logfmt",
        f'level=info ts={T} method=GET note="ts=1 level=x" msg= status=200',
        Level.INFO,
        UNSAID,
        'method=GET note="ts=1 level=x" msg= status=200',
    ),
    (
        "syslog",
        "Jan  1 00:00:00 web1 last message repeated 2 times",
        Level.UNSPECIFIED,
        UNSAID,
        "last message repeated 2 times",
    ),
    (
        "syslog",
        f'<34>1 {T} web1 su 77 ID47 [a@1 b="c \\] d"][e] \ufefffailed for ann',
        Level.FATAL,
        "su",
        "failed for ann",
    ),
    ("syslog", f"<165>1 {T} - - - - - no header", Level.INFO, UNSAID, "no header"),
    ("cri", "2026-01-01T01:00:00.0+01:00 stdout P half of", Level.UNSPECIFIED, UNSAID, "half of"),
    ("cri", f"{T} stdout F ", Level.UNSPECIFIED, UNSAID, ""),
    (
        "nginx",
        '192.0.2.7 - ann [01/Jan/2026:01:00:00 +0100] "POST /x HTTP/2.0" 404 0',
        Level.WARN,
        UNSAID,
        "POST /x HTTP/2.0 -> client-error 404, 0 bytes",
    ),
    (
        "nginx",
        '192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "GET /x HTTP/1.1" 499 0 "-" "y"',
        Level.INFO,
        UNSAID,
        "GET /x HTTP/1.1 -> client-gone 499, 0 bytes",
    ),
    (
        "nginx",
        r'2001:db8::1 - - [01/Jan/2026:00:00:00 +0000] "GET /\"a\" HTTP/1.1" 200 - "-" "\"y\""',
        Level.INFO,
        UNSAID,
        r"GET /\"a\" HTTP/1.1 -> ok 200, - bytes",
    ),
    (
        "nginx",
        r'192.0.2.7 - - [01/Jan/2026:00:00:00 +0000] "\x16\x03" 400 157 "-" "-"',
        Level.WARN,
        UNSAID,
        r"\x16\x03 -> client-error 400, 157 bytes",
    ),
]

FOREIGN = [
    "",
    "Dear all,",
    "- one point of a list",
    "  at cart.add(Cart:12)",
    "1234567890",
    "key: value",
    "<html>",
    f'["{T}", 1]',
    "if x == 1: y = 2",
    "{broken",
]


@pytest.mark.parametrize(("name", "sample", "level", "service", "message"), SAMPLES)
def test_a_sample_is_read(name: str, sample: str, level: Level, service: str, message: str) -> None:
    decoder = Decoder(FORMATS[name], service=UNSAID, reference=START + 300 * 86_400 * SECOND)
    decoded = decoder.decode(RawBatch(sample.encode(), 7))
    assert decoded.dead == []
    assert decoded.events.row(0, named=True) == {
        "time": START,
        "level": level,
        "service": service,
        "message": message,
        "position": 7,
    }


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample, *_ in SAMPLES])
def test_a_sample_is_recognised(name: str, sample: str) -> None:
    assert FORMATS[name].sniff([sample]) == 1.0
    found = recognise([sample, sample])
    assert found is not None
    assert found.name == name


def test_a_program_that_logs_its_requests_too_has_no_access_log() -> None:
    request = (
        "2026-01-01 00:00:00,123 INFO [aiohttp.access] 10.0.0.1 [01/Jan/2026:00:00:00 +0000] "
        '"POST /charge HTTP/1.1" 500 171 "-" "python-requests/2.34"'
    )
    found = recognise(
        [request, request, "2026-01-01 00:00:00,124 ERROR [pay] giving up on order 7"]
    )
    assert found is FORMATS["plain"]
    stamped = (
        '2026-01-01T00:00:00Z 10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5'
    )
    assert recognise([stamped, stamped]) is FORMATS["nginx"]
    access = stamped.partition(" ")[2]
    mixed = [*[access] * 9, "2026-01-01 00:00:00,123 [ERROR] order 5 failed"]
    assert recognise(mixed) is FORMATS["plain"]
    assert recognise(mixed[:-1]) is FORMATS["nginx"]


def test_a_stack_trace_below_json_with_a_time_before_it_belongs_to_its_event() -> None:
    line = '2026-01-01T00:00:00.123Z {"level": "error", "message": "lost it"}'
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: x'
    found = recognise([line, line, *trace.splitlines(), line])
    assert found is not None
    decoded = Decoder(found).decode(
        RawBatch(f"{line}\n{trace}\n{line}".encode(), 1, multiline=True)
    )
    assert (len(decoded.events), decoded.dead) == (2, [])


@pytest.mark.parametrize("before", ["", "pay-1  | ", "[pod/pay-1/pay] "])
@pytest.mark.parametrize(
    "behind",
    [
        f'{{"ts": "{T}", "level": "error", "msg": "lost it"}}',
        '{"severity": "ERROR", "message": "lost it"}',
        "2026-01-01 00:00:00,100 ERROR lost it",
    ],
)
def test_what_stands_behind_the_time_of_a_runtime_is_read(before: str, behind: str) -> None:
    """As with ``docker compose logs -t`` and ``kubectl logs --timestamps``."""
    line = f"{before}2026-01-01T00:00:00.107000123Z {behind}"
    found = recognise([line, line])
    assert found is not None
    event = Decoder(found, "pay").decode(RawBatch(line.encode(), 1)).events.row(0, named=True)
    assert (event["level"], event["service"]) == (Level.ERROR, "pay")
    if before or behind.startswith("{"):
        assert event["message"] == "lost it"


@pytest.mark.parametrize("name", FORMATS)
def test_prose_is_not_recognised(name: str) -> None:
    assert FORMATS[name].sniff(["Once upon a time", "there was a log."]) == 0.0


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", FOREIGN)
def test_what_is_foreign_is_not_claimed(name: str, text: str) -> None:
    format_ = FORMATS[name]
    assert format_.sniff([text]) == 0.0
    assert format_.parse(pl.Series([text]))["reason"][0]
    if format_.starts_event:
        assert not pl.Series([text]).str.contains(format_.starts_event)[0]


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_json_is_left_to_json(name: str) -> None:
    lines = [sample for format_name, sample, *_ in SAMPLES if format_name == "json"]
    assert FORMATS[name].sniff(lines) == 0.0


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample, *_ in SAMPLES])
def test_a_sample_starts_an_event(name: str, sample: str) -> None:
    pattern = FORMATS[name].starts_event
    assert pattern is None or pl.Series([sample]).str.contains(pattern)[0]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_its_name_and_samples(name: str) -> None:
    assert FORMATS[name].name == name == name.lower()
    assert name in {sample_name for sample_name, *_ in SAMPLES}
    assert FORMATS[name].sniff([]) == 0.0
    assert FORMATS[name].parse(pl.Series([], dtype=pl.String)).schema == pl.Schema(RAW_SCHEMA)


SAMPLE_LINES = st.sampled_from([sample for _, sample, *_ in SAMPLES])
LINES = st.lists(
    st.one_of(
        st.text(max_size=80),
        st.binary(max_size=80).map(lambda data: data.decode("utf-8", errors="replace")),
        SAMPLE_LINES,
        st.builds(
            lambda line, at, more: line[:at] + more + line[at:],
            SAMPLE_LINES,
            st.integers(0, 80),
            st.text(max_size=4),
        ),
    ),
    max_size=12,
)


@pytest.mark.parametrize("name", FORMATS)
@given(LINES, st.lists(st.integers(0, 12), max_size=3))
def test_any_text_is_parsed_row_by_row(name: str, lines: list[str], cuts: list[int]) -> None:
    format_ = FORMATS[name]
    lines = [each.replace("\n", " ") for each in lines]
    whole = format_.parse(pl.Series(lines, dtype=pl.String))
    assert whole.height == len(lines)
    assert whole.schema == pl.Schema(RAW_SCHEMA)
    assert 0.0 <= format_.sniff(lines) <= 1.0
    places = [0, *sorted(min(c, len(lines)) for c in cuts), len(lines)]
    parts = [format_.parse(pl.Series(lines[a:b], dtype=pl.String)) for a, b in pairwise(places)]
    assert_frame_equal(pl.concat(parts), whole)


@pytest.mark.parametrize("name", FORMATS)
@given(records=st.lists(st.none() | LINES.map("\n".join), max_size=6))
def test_a_record_is_a_message_or_has_a_reason(name: str, records: list[str | None]) -> None:
    raw = FORMATS[name].parse(pl.Series(records, dtype=pl.String))
    assert raw.height == len(records)
    assert raw.schema == pl.Schema(RAW_SCHEMA)
    assert raw.filter(pl.col("message").is_null() & pl.col("reason").is_null()).is_empty()


def test_syslog_without_a_time_is_read_but_has_none() -> None:
    decoded = Decoder(FORMATS["syslog"]).decode(RawBatch(b"<14>1 - web1 cart - - - clockless", 1))
    assert [letter.reason for letter in decoded.dead] == ["no timestamp"]


def test_the_level_is_looked_for_in_the_first_line() -> None:
    record = "2026-01-01 00:00:00 lost\nERROR is no level here"
    raw = FORMATS["plain"].parse(pl.Series([record]))
    assert raw["level"][0] is None
    assert raw["message"][0] == "lost\nERROR is no level here"


def test_a_stack_trace_belongs_to_its_event() -> None:
    text = b"2026-01-01 00:00:00 ERROR lost\nTraceback:\n\n  File x\nValueError: no\n2026-01-01 00:00:00 INFO on\n"
    decoded = Decoder(FORMATS["plain"]).decode(RawBatch(text, 1, multiline=True))
    assert decoded.events["message"].to_list() == [
        "lost\nTraceback:\n  File x\nValueError: no",
        "on",
    ]
    assert decoded.events["position"].to_list() == [1, 6]


def test_a_container_stands_before_each_line_of_a_stack_trace() -> None:
    text = b"web-1  | 2026-01-01 00:00:00 ERROR lost\nweb-1  |   File x\nweb-1  | ValueError: no\ndb-1   | 2026-01-01 00:00:00 INFO on\n"
    decoded = Decoder(FORMATS["container"]).decode(RawBatch(text, 1, multiline=True))
    assert decoded.events["message"].to_list() == ["lost\n  File x\nValueError: no", "on"]
    assert decoded.events["service"].to_list() == ["web", "db"]


@pytest.mark.parametrize(("name", "sample"), [(name, sample) for name, sample, *_ in SAMPLES])
def test_a_byte_order_mark_costs_no_record(name: str, sample: str) -> None:
    decoder = Decoder(FORMATS[name], reference=START + 300 * 86_400 * SECOND)
    assert decoder.decode(RawBatch(b"\xef\xbb\xbf" + sample.encode(), 1)).dead == []


@pytest.mark.parametrize("name", [name for name in FORMATS if FORMATS[name].starts_event])
@given(LINES)
def test_where_bytes_start_an_event_so_does_the_text(name: str, lines: list[str]) -> None:
    """Batches are cut by bytes, and lines are joined as text: no cut may fall within an event."""
    starts = FORMATS[name].starts_event or ""
    by_bytes = re.compile(starts.encode())
    for line in (each.replace("\n", " ").rstrip("\r") for each in lines):
        if by_bytes.search(line.encode()):
            assert pl.Series([line]).str.contains(starts)[0]
