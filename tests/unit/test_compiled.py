"""Compiled code and the code that it stands in for give the same, whatever the text."""

from __future__ import annotations

import string
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from log_guard.core import compiled
from log_guard.core.compiled.cards import card_like
from log_guard.core.compiled.coarse import coarse
from log_guard.core.compiled.counting import counted
from log_guard.core.compiled.iso_time import read_iso
from log_guard.core.compiled.json_lines import read_flat
from log_guard.core.compiled.texts import Ints, array_of, numbered, taken
from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats.json_lines import PLAIN_NAMES, JsonLines
from log_guard.core.decoding.formats.json_record import Fields
from log_guard.core.decoding.timestamps import parse_timestamps
from log_guard.core.events import SECOND, RawBatch
from log_guard.core.masking import MAX_MESSAGE_CHARS, Masker, mask_one
from log_guard.core.masking.cards import CARD_LIKE
from log_guard.core.summarising.clock import TimeRules
from log_guard.core.summarising.flat import (
    STATUSES,
    decode_flat,
    sampled_spans,
    spans_of,
    with_messages,
)
from log_guard.core.summarising.intake import COMPILED_AFTER, Intake, Taken
from log_guard.core.summarising.sampling import sample_texts
from log_guard.core.summarising.summaries import KEY, Summarizer
from tests.streams import Event, bounded, cuts, line, micros, pieces, table

TIMES = st.sampled_from(
    """2026-01-01T00:00:00Z|2026-01-01 00:00:01.5+01:00|2026-01-01T00:00:02,123456789Z|2026-01-01T00:00:03
    2026-02-29T00:00:00Z|2024-02-29T23:59:59-23:59|2026-01-01T00:00:60Z|2026-01-01T24:00:00Z
    2026-13-01T00:00:00Z|2026-00-10T00:00:00Z|2026-04-31T00:00:00Z|2026-01-01T00:00:00.Z|2026-01-01T00:00:00+24:00
    2026-01-01T00:00:00.1234567890Z|1970-01-01T00:00:00Z|1970-12-31T23:59:59Z|1971-01-01T00:00:00+23:59
    2199-12-31T23:59:59-23:59|2200-12-31T23:59:59Z|2201-01-01T00:00:00Z|2026/01/01T00:00:00Z|2026-01-01t00:00:00z
    2026-01-01T00:00:00+0100|2026-01-01T00:00:00 UTC|2026-01-01| 2026-01-01T00:00:00Z|1767225600|yesterday|""".replace(
        "\n    ", "|"
    ).split("|")
)
TEXT = st.one_of(
    st.sampled_from(
        [
            "INFO",
            "error",
            "E",
            "500",
            "2025-01-01 00:00:00 ERROR a",
            "[GIN]",
            "api",
            "*",
            "{}",
            "[1]",
            "{",
            "",
            "x" * 3000,
            "é" * 2048,
        ]
    ),
    st.text(string.ascii_letters + string.digits + " .:-_{}[]", max_size=40),
    st.text(max_size=20),
)
ESCAPED = TEXT.map(lambda text: text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
BARE = st.sampled_from(
    [
        "200",
        "404",
        "503",
        "0",
        "-0",
        "-1",
        "12.50",
        "1e5",
        "1E+5",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "true",
        "false",
        "null",
        "True",
        "nulL",
        "tru",
        "NaN",
        "123456789012345678901",
        "[1]",
        "{}",
        "1-2",
        "1.2.3",
    ]
)
NAME = st.sampled_from(
    [
        *("timestamp", "level", "service", "message", "messag", "message ", "trace", "", "status"),
        *(
            "error",
            "err",
            "exc_info",
            "@x",
            "@xy",
            "Exception",
            "thrown",
            "stack_trace",
            "error.type",
        ),
        *("status", "status_code", "http.status", "statusCode", "code"),
        *(
            "level_name",
            "app",
        ),  # names that go before those that are read, where a line is read on its own
    ]
)
FIELD = st.tuples(
    NAME, st.one_of(ESCAPED.map(lambda t: f'"{t}"'), TIMES.map(lambda t: f'"{t}"'), BARE)
)
SPACE = st.sampled_from(["", "", "", " ", "   ", "\t"])


@st.composite
def json_line(draw: st.DrawFn) -> bytes:
    """A record as most are, or one with something about it."""
    usual = [("timestamp", f'"{draw(TIMES)}"'), ("level", '"WARN"'), ("service", '"api"')]
    fields = [*usual, ("message", f'"{draw(ESCAPED)}"'), *draw(st.lists(FIELD, max_size=3))]
    for _ in range(draw(st.integers(0, 2))):
        fields[draw(st.integers(0, len(fields) - 1))] = draw(FIELD)
    space = draw(SPACE)
    inner = f"{space},{space}".join(f'"{name}"{space}:{space}{value}' for name, value in fields)
    raw = bytearray(f"{{{space}{inner}{space}}}".encode())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):  # bytes of the line are spoilt
        at = draw(st.integers(0, len(raw) - 1))
        raw[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    ending = draw(st.sampled_from([b"", b"", b"", b"\r", b" ", b","]))
    return bytes(raw).replace(b"\n", b" ") + ending


LINES = st.lists(
    st.one_of(
        json_line(), json_line(), st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))
    ),
    min_size=1,
    max_size=12,
)
DECODERS = (
    Decoder(JsonLines()),
    Decoder(JsonLines(), timezone="Europe/Berlin"),
    Decoder(JsonLines(Fields(("timestamp",), ("level",), (), ("message",))), service="shop"),
)


@pytest.mark.parametrize("decoder", DECODERS)
@bounded(250)
@given(lines=LINES, ended=st.booleans())
def test_every_record_is_decoded_alike(decoder: Decoder, lines: list[bytes], ended: bool) -> None:
    positions = np.cumsum(np.arange(len(lines), dtype=np.uint64) % 3)  # some repeat
    data = b"\n".join(lines) + (b"\n" if ended or not lines[-1] else b"")
    batch = RawBatch(data, 1, 3, positions=positions)
    plain = decoder.decode(batch)
    flat = decode_flat(decoder, batch)
    assert flat is not None
    decoded, text = flat
    assert with_messages(decoded.events, text).equals(plain.events)
    assert decoded.dead == plain.dead
    assert decoded.records == plain.records == len(lines)


EVENTS = st.lists(
    st.builds(
        Event,
        st.one_of(st.integers(0, 40), st.sampled_from([-3600, 400 * 86_400])),
        st.sampled_from(("api", "web", "")),
        st.sampled_from((0, 3, 5)),
        st.sampled_from(("served in 12 ms", "key 8f3a9c21 {}", 'said "no"', "token=abcdef", "é 7")),
    ),
    max_size=30,
)


def taken_in(compiled_after: int | None, batches: list[list[bytes]]) -> list[Taken]:
    intake = Intake(
        Decoder(JsonLines()), TimeRules(), Summarizer(5 * SECOND), compiled_after=compiled_after
    )
    position, out = 1, []
    for batch in batches:
        out.append(intake.take(RawBatch(b"\n".join(batch) + b"\n", position)))
        position += len(batch)
    last = intake.finish()
    return out if last is None else [*out, last]


def told(taken: Taken) -> tuple[object, ...]:
    rows = taken.summary.sort(KEY).rows()
    return rows, taken.dead, taken.consumed, taken.summarised, taken.late


@bounded(60)
@given(EVENTS, LINES, cuts(40))
def test_all_that_an_intake_gives_is_alike(
    events: list[Event], odd: list[bytes], at: list[int]
) -> None:
    lines = [iso(event) for event in events] + odd
    batches = [list(part) for part in pieces(lines, at)]
    assert list(map(told, taken_in(0, batches))) == list(map(told, taken_in(None, batches)))


@pytest.mark.parametrize(("size", "loaded"), [(COMPILED_AFTER // 2, False), (COMPILED_AFTER, True)])
def test_a_pipeline_loads_compiled_code_where_a_source_is_large(size: int, loaded: bool) -> None:
    script = (
        "import sys; from log_guard.app.pipeline import Pipeline; "
        "from log_guard.core.decoding.decode import Decoder; from log_guard.core.events import RawBatch; "
        "from log_guard.core.decoding.formats.json_lines import JsonLines; "
        f"line = {iso(Event(1.0, message='x' * 2000))!r}; lines = {size} // len(line) + 1; "
        "Pipeline(Decoder(JsonLines())).feed(RawBatch((line + bytes([10])) * lines, 1)); "
        f"assert ('log_guard.core.summarising.flat' in sys.modules) == {loaded}"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def iso(event: Event) -> bytes:
    """The event as a JSON line with its time in ISO 8601."""
    raw = line(event)
    time = raw.split(b'"timestamp": ')[1].split(b",")[0]
    shown = pl.Series([round(float(time) * SECOND)]).cast(pl.Datetime("us")).dt.strftime("%FT%TZ")
    return raw.replace(time, f'"{shown[0]}"'.encode(), 1)


def test_usual_lines_are_read_and_odd_ones_left() -> None:
    usual = iso(Event(1.0, "api", 5, "did e " * 9)).replace(b" e ", " é ".encode())
    odd = [
        usual.replace(b"did", b"did\\t"),
        b"",
        usual[:-1],
        usual + b"}",
        usual.replace(b"api", b"\xff"),
    ]
    data = b"\n".join([usual, *odd, usual + b"\r", usual.replace(b"{", b'{"n": -1.5, "b": true, ')])
    read = read_flat(
        data + b"\n", ("timestamp", "level", "service", "message"), bare_utc=True, statuses=STATUSES
    ).read
    # Where a batch is not UTF-8, the lines of it that are not ASCII are left.
    assert read.tolist() == [False] * 8
    data = data.replace(b"\xff", b"x")
    read = read_flat(
        data + b"\n", ("timestamp", "level", "service", "message"), bare_utc=True, statuses=STATUSES
    ).read
    assert read.tolist() == [True, False, False, False, False, True, True, True]


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('"status":503', " -> server-error 503"),
        ('"n":1,"http.status_code" : "404"', " -> client-error 404"),
        ('"status":499', ""),
        ('"status":4.5', ""),
        ('"code":404', ""),
        ('"status":503,"status_code":200', None),
        ('"status":200,"status_code":503', None),
        ('"status":503,"level_name":"error"', None),
        ('"err":"refused"', "\nCaused by: refused"),
        ('"exception":"refusé","status":503', " -> server-error 503\nCaused by: refusé"),
        ('"error":"did é"', ""),
        ('"thrown":"nil"', ""),
        ('"err":""', ""),
        ('"error":"a","err":"b"', None),
        ('"errors":"a"', None),
        ('"exc_info":"a"', None),
        ('"error":"a","level_name":"error"', None),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_statuses_and_errors_are_told_by_compiled_code_too(
    field: str, told: str | None, first: bool
) -> None:
    usual = iso(Event(1.0, "api", 5, "did e " * 9)).decode().replace(" e ", " é ")
    marked = usual.replace("{", f"{{{field}, ", 1) if first else f"{usual[:-1]}, {field}}}"
    batch = RawBatch("\n".join([usual, marked, usual]).encode(), 1)
    flat = read_flat(
        batch.data + b"\n",
        ("timestamp", "level", "service", "message"),
        bare_utc=True,
        statuses=STATUSES,
        before=JsonLines().names_before,
    )
    assert flat.read.tolist() == [True, told is not None, True]
    decoder = Decoder(JsonLines())
    decoded = decode_flat(decoder, batch)
    assert decoded is not None
    events = with_messages(decoded[0].events, decoded[1])
    assert events.equals(decoder.decode(batch).events)
    if told is not None:
        assert events["message"].to_list() == ["did é " * 9, "did é " * 9 + told, "did é " * 9]


def test_lines_with_other_names_in_other_places_are_read() -> None:
    names = [
        "timestamp",
        "level",
        "service",
        "message",
        "n",
        "a_longer_name_than_eight",
        "a_longer_name_than_eighty",
    ]
    lines = []
    for k in range(40):
        value = {"timestamp": f"2026-01-01T00:{k % 7:02}:{k:02}Z", "level": "INFO", "service": "s"}
        value |= {"message": f"m{k}"}
        order = [*names[k % 7 :], *names[: k % 7], *(f"x{j}" for j in range(k))]
        fields = (f'"{name}":"{value.get(name, "v")}"' for name in order)
        lines.append(f"{{{','.join(fields)}}}")
    batch = RawBatch("\n".join(lines).encode(), 1)
    decoder = Decoder(JsonLines())
    flat = decode_flat(decoder, batch)
    assert flat is not None
    assert with_messages(flat[0].events, flat[1]).equals(decoder.decode(batch).events)
    read = read_flat(
        batch.data + b"\n",
        ("timestamp", "level", "service", "message"),
        bare_utc=True,
        statuses=STATUSES,
    )
    assert read.read.all()


@bounded(300)
@given(TIMES, st.booleans(), st.integers(0, 40), st.binary(max_size=1))
def test_a_time_that_is_read_is_read_alike(text: str, bare_utc: bool, at: int, new: bytes) -> None:
    raw = text.encode()
    for spoilt in (raw, raw[:at] + new + raw[at + 1 :]):
        time = read_iso(array_of(spoilt), 0, len(spoilt), bare_utc)
        if time >= 0:
            assert time == parse_timestamps(pl.Series([spoilt.decode()]))[0]
            assert bare_utc or spoilt[-1:] == b"Z" or spoilt[-6:-5] in (b"+", b"-")


def test_the_usual_layouts_of_time_are_read() -> None:
    for text in (
        "2026-01-01T00:00:00Z",
        "2024-02-29 23:59:59.123456+01:00",
        "2100-03-01T00:00:00,5",
    ):
        raw = array_of(text.encode())
        assert read_iso(raw, 0, len(text), True) == parse_timestamps(pl.Series([text]))[0]


MESSAGES = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.text("0189abfABFgxz_ .-é", max_size=40),
        st.builds('{}HTTP/{}" {}{}'.format, *[st.text("0459.a é", max_size=3)] * 4),
        st.sampled_from(["", "0x1f", "a" * 2100 + "1", "é" * 2047 + "12", "1" * 3000, "é1" * 1500]),
    ),
    min_size=1,
    max_size=8,
)


@bounded(400)
@given(MESSAGES)
@example(["7f3z abc1x 12ab34z 9 ab1", "ab1", "é9é", "a\x001", "1a\n2"])
@example(
    ['HTTP/1" 502', 'HTTP/1.1" 404é', 'HTTP/1.1" 499', 'HTTP/1.1" 502a', 'TTP/1" 502', '"/1" 50']
)
@example([40 * 'HTTP/1" 502'])
def test_the_coarse_step_is_taken_alike(messages: list[str]) -> None:
    text, begins, ends = laid_out(messages)
    codes, distinct = coarse(text, begins, ends, MAX_MESSAGE_CHARS)
    assert [distinct[code] for code in codes] == Masker().coarse(pl.Series(messages)).to_list()
    assert len(set(distinct)) == len(distinct)


def laid_out(messages: list[str]) -> tuple[np.ndarray, Ints, Ints]:
    raw = [message.encode() for message in messages]
    ends = np.cumsum([len(each) for each in raw], dtype=np.int64)
    return array_of(*raw), np.concatenate([np.zeros(1, np.int64), ends[:-1]]), ends


@bounded(100)
@given(MESSAGES)
def test_texts_are_taken_out_as_they_were(messages: list[str]) -> None:
    assert taken(*laid_out(messages)).to_list() == messages


SECRETS = st.lists(
    st.one_of(
        st.text("0123456789 -", max_size=24),
        st.text("0189abfABF_ .-é\n\x7f", max_size=10),
        st.sampled_from(
            [
                "4111 1111 1111 1111",
                "378282246310005",
                "password=hunter2",
                "token abc1DEF2ghi3",
                "https://u:p4ss@a.b/c",
                "https://a.b/c\n            Bearer eyJhbGci.eyJzdWI.c2ln",
                "sk-12345678",
                "AKIA0123456789ABCDEF",
                "cvv 123",
                "?code=0123456789abcdef\n            session_id=0123",
                "SID=8f3a",
                "key",
                "://",
                "@",
                "' HTTP/1.1\" 502'",
                "x",
            ]
        ),
    ),
    max_size=5,
).map("".join)


@bounded(300)
@given(st.lists(SECRETS | st.text(max_size=12), min_size=1, max_size=6))
@example(
    ["a" * 600 + "\npassword=hunter2", "é" * 2050 + "password=hunter2", "1-2 3" * 9, "1--2" * 9]
)
def test_what_is_shown_of_messages_is_alike(messages: list[str]) -> None:
    text, begins, ends = laid_out(messages)
    spans = pl.DataFrame({"begin": begins, "end": ends})
    *_, odd = Masker().indexed_spans(text, spans)
    expected = sample_texts(pl.Series(messages, dtype=pl.String))
    assert sampled_spans(spans, text, odd).to_list() == expected.to_list()


@bounded(300)
@given(st.lists(SECRETS, min_size=1, max_size=6))
def test_numbers_like_those_of_cards_are_found_alike(messages: list[str]) -> None:
    found = pl.Series(messages, dtype=pl.String).str.contains(CARD_LIKE)
    assert card_like(*laid_out(messages)).tolist() == found.to_list()


@bounded(60)
@given(EVENTS, st.integers(1, 4), st.sampled_from((1, 3, 2_000)))
def test_counts_and_samples_are_alike_also_where_positions_repeat(
    events: list[Event], each: int, most: int
) -> None:
    plain = table(events).with_columns(
        pl.col("service").alias("group"),
        (pl.col("position") % 3 == 0).alias("late"),
        (pl.col("position") // each).alias("position"),
    )
    spans, text = spans_of(plain)
    marked = pl.concat([spans, plain.select("group", "late")], how="horizontal")
    summarizer = Summarizer(5 * SECOND, max_templates=most)
    ours = summarizer.summarize(marked, 7, text).sort(KEY)
    assert ours.equals(summarizer.summarize(plain, 7).sort(KEY))


@pytest.mark.parametrize("groups", [1, 2_000, 50_000])
def test_any_number_of_groups_is_counted(groups: int) -> None:
    keys = np.arange(3 * groups, dtype=np.int64)[:, None] % groups * np.array([1 << 40, -7])
    ranks = np.arange(3 * groups, dtype=np.uint64)[::-1].copy()
    rows, counts = counted(keys[:, 0], keys[:, 1], ranks)
    assert rows.tolist() == list(range(2 * groups, 3 * groups))
    assert counts.tolist() == [3] * groups


IDS = st.uuids().map(str) | st.text("0123456789abcdef", min_size=4, max_size=12)


@bounded(300)
@given(
    st.lists(
        st.one_of(
            IDS,
            st.sampled_from(
                [
                    " ",
                    "-",
                    ":",
                    "/",
                    "=",
                    '"',
                    "_",
                    "é",
                    "bearer ",
                    "sk-",
                    "token=",
                    "x",
                    "@a.b",
                    "https://",
                    "::",
                ]
            ),
        ),
        max_size=9,
    ).map("".join)
)
@example("550e8400-e29b-abcd-aaaa-446655440000")
@example("card 8f3a9c21-abcd-abcd-abcd-abcdefabcdef/x")
def test_templates_are_alike_whatever_ids_there_are(message: str) -> None:
    index, templates, _ = Masker().indexed_spans(
        laid_out([message])[0], pl.DataFrame({"begin": [0], "end": [len(message.encode())]})
    )
    assert templates[int(index[0])] == mask_one(message)


@pytest.mark.parametrize("count", [1, 2_000, 2_100, 50_000])
def test_any_number_of_distinct_texts_is_told_apart(count: int) -> None:
    texts = [f"{n % count:x}" * (1 + n % 5) for n in range(2 * count)]
    codes, distinct = numbered(*laid_out(texts))
    assert [distinct[code] for code in codes] == texts
    assert len(set(distinct)) == len(distinct)


def test_a_log_of_other_records_is_not_read_twice() -> None:
    batch = RawBatch(b"\n".join([line(Event(1.0))] * 3000), 1)
    assert decode_flat(Decoder(JsonLines()), batch) is None
    assert decode_flat(Decoder(JsonLines(group=("level",))), batch) is None
    assert decode_flat(Decoder(JsonLines(PLAIN_NAMES)), RawBatch(b"", 1)) is None


def test_an_event_that_is_held_keeps_its_message() -> None:
    far = Event(400 * 86_400, "web", 5, "from afar 7")
    batches = [[iso(Event(0)), iso(far)], [iso(far._replace(message="confirmed"))]]
    out = taken_in(0, batches)
    assert list(map(told, out)) == list(map(told, taken_in(None, batches)))
    assert out[1].summary["sample"].sort().to_list() == ["confirmed", "from afar 7"]


@pytest.mark.parametrize("compiled_after", [0, None])
def test_an_event_ahead_of_its_record_is_a_dead_letter(compiled_after: int | None) -> None:
    intake = Intake(
        Decoder(JsonLines()), TimeRules(), Summarizer(SECOND), compiled_after=compiled_after
    )
    lines = [iso(Event(0)), iso(Event(3600, message="too soon")), iso(Event(1))]
    positions = np.array([5, 7, 9], dtype=np.uint64)
    appended = np.full(3, micros(2), dtype=np.int64)
    taken = intake.take(RawBatch(b"\n".join(lines), 0, positions=positions), appended)
    assert [(d.position, d.raw) for d in taken.dead] == [(7, lines[1])]
    assert taken.summarised == 2


def test_without_numba_all_works(monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiled.available()
    monkeypatch.setattr("log_guard.core.summarising.intake.available", lambda: False)
    monkeypatch.setattr("log_guard.core.summarising.flat.read_flat", None)
    assert taken_in(0, [[iso(Event(0)), iso(Event(1))]])[0].summarised == 2


def test_masks_of_the_users_own_are_used_in_a_large_source_too() -> None:
    masker = Masker((("who", "alice|bob"),))
    intake = Intake(Decoder(JsonLines()), TimeRules(), Summarizer(SECOND, masker), compiled_after=0)
    lines = [iso(Event(0, message=f"{who} left")) for who in ("alice", "bob")]
    summary = intake.take(RawBatch(b"\n".join(lines), 1)).summary
    assert summary["template"].to_list() == ["<who> left"]


def test_spans_hold_the_messages_of_a_table() -> None:
    events = pl.DataFrame(
        {
            "time": [1, 2],
            "level": [3, 3],
            "service": ["a", "b"],
            "message": ["é", ""],
            "position": [5, 6],
        },
        schema_overrides={"level": pl.UInt8, "position": pl.UInt64},
    )
    assert with_messages(*spans_of(events)).equals(events)
