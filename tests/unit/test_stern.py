"""Lines of ``stern``, whose pods may be called anything: each with a time is an event of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from log_guard import scan
from log_guard.app.inspecting import ReadOptions, decoder_of
from log_guard.core.decoding.decode import Decoded
from log_guard.core.decoding.formats import FORMATS, recognise
from log_guard.core.events import Level, RawBatch
from log_guard.core.ledger import Ledger

T = "2026-01-01T00:00:00Z"
PODS = ("redis cache", "kube-proxy-x7k2p proxy", "etcd-node1 etcd", "web-0 app", "0x cache2")
BEHIND = (
    f"{T} ERROR lost it",
    f'{T} {{"level":"error","msg":"lost it"}}',
    f'{{"time":"{T}","level":"error","msg":"lost it"}}',
    f'time={T} level=error msg="lost it"',
    "ERROR 2026-01-01 00:00:00 lost it",
    "E20260101 00:00:00.000000 7 lost it",
)


def read(lines: list[str]) -> Decoded:
    data = [line.encode() for line in lines]
    decoder = decoder_of(data, "a log", ReadOptions(service="unsaid"))
    assert decoder.format.name == "container"
    return decoder.decode(RawBatch(b"\n".join(data), 1, multiline=True))


@pytest.mark.parametrize("space", ["", "shop "])
@pytest.mark.parametrize("behind", BEHIND)
def test_any_pod_is_told_by_coming_again(space: str, behind: str) -> None:
    lines = [f"{space}{pod} {behind}" for pod in PODS[:4] for _ in range(2)]
    lines += [f"{space}new-pod app {behind}"]  # one that the sample shows once only
    decoded = read(lines)
    assert decoded.dead == []
    expected = [pod.split()[1] for pod in PODS[:4] for _ in range(2)] + ["app"]
    assert decoded.events["service"].to_list() == expected
    assert set(decoded.events["level"]) == {Level.ERROR}
    assert all(message.endswith("lost it") for message in decoded.events["message"])
    assert not any("cache" in message for message in decoded.events["message"])


def test_colours_are_no_part_of_names() -> None:
    line = f"\x1b[38;1;32mredis\x1b[0m \x1b[33mcache\x1b[0m {T} ERROR lost it"
    events = read([line, line]).events
    assert events["service"].to_list() == ["cache", "cache"]
    assert events["message"].to_list() == ["lost it", "lost it"]


def test_a_stack_trace_has_its_pod_before_each_line() -> None:
    lines = [
        f"redis cache {T} ERROR lost it",
        "redis cache   File x",
        "redis cache ValueError: no",
        f"redis cache {T} INFO on",
        f"web-0 app {T} ERROR lost it",
        "web-0 app   File x",
    ]
    events = read(lines).events
    assert events["message"].to_list() == [
        "lost it\n  File x\nValueError: no",
        "on",
        "lost it\n  File x",
    ]
    assert events["position"].to_list() == [1, 4, 5]


@pytest.mark.parametrize(
    "line",
    [
        f"web info {T} up",
        f"start {T} up",
        f"Web App {T} up",
        '10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5',
    ],
)
def test_other_words_before_a_time_are_no_names(line: str) -> None:
    found = recognise([line, line])
    assert found is not None
    assert found.name != "container"


def test_what_comes_once_is_no_name() -> None:
    lines = [f"backup {word} {T} done" for word in ("begun", "going", "over")]
    assert recognise(lines) is FORMATS["prefixed"]


def test_no_line_is_lost_in_another_where_a_log_is_scanned(tmp_path: Path) -> None:
    path = tmp_path / "stern.txt"
    times = [f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z" for n in range(0, 1200, 2)]
    pods = ("redis cache", "web-0 app", "web-1 app")
    path.write_text(
        "".join(f'{pod} {{"time":"{time}","msg":"up"}}\n' for time in times for pod in pods)
    )
    *_, ledger = scan(path)
    assert isinstance(ledger, Ledger)
    assert ledger.scored == ledger.consumed == len(pods) * len(times)
