"""Reading whole files: plain, compressed, damaged, huge."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from log_guard.adapters.files import FileSource
from log_guard.adapters.files.source import SAMPLE_BYTES
from log_guard.core.events import RawBatch
from log_guard.errors import InputError

Pack = Callable[[bytes], bytes]


def plain(data: bytes) -> bytes:
    return data


def gzip_members(data: bytes) -> bytes:
    half = len(data) // 2
    return gzip.compress(data[:half]) + gzip.compress(b"") + gzip.compress(data[half:])


def padded_gzip(data: bytes) -> bytes:
    return gzip_members(data) + bytes(5000)


def zstd_frames(data: bytes) -> bytes:
    half = len(data) // 2
    skippable = b"\x5e\x2a\x4d\x18\x04\0\0\0\x01\x02\x03\x04"
    return skippable + zstandard.compress(data[:half]) + zstandard.compress(data[half:])


PACKINGS = [plain, gzip.compress, gzip_members, padded_gzip, zstandard.compress, zstd_frames]
packed_each_way = pytest.mark.parametrize("pack", PACKINGS)


def written(path: Path, data: bytes) -> FileSource:
    path.write_bytes(data)
    return FileSource(str(path))


def numbered(batches: list[RawBatch]) -> list[tuple[int, bytes]]:
    return [
        (number, line)
        for batch in batches
        for number, line in enumerate(batch.data.removesuffix(b"\n").split(b"\n"), batch.first)
    ]


def incompressible_lines(count: int) -> list[bytes]:
    chance = random.Random(1)
    return [b"line %d %x" % (i, chance.getrandbits(400)) for i in range(count)]


@given(
    lines=st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b""))),
    last_end=st.booleans(),
    batch_bytes=st.integers(1, 200),
    pack=st.sampled_from(PACKINGS),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_lines_and_positions_come_back(
    tmp_path: Path, lines: list[bytes], last_end: bool, batch_bytes: int, pack: Pack
) -> None:
    data = b"\n".join(lines) + (b"\n" if last_end and lines else b"")
    # Random bytes may look compressed; what is meant to be plain must not.
    path = tmp_path / "log"
    path.write_bytes(pack(b"first\n" + data))
    batches = list(FileSource(str(path), batch_bytes=batch_bytes).batches())
    wanted = (b"first\n" + data).removesuffix(b"\n").split(b"\n")
    assert numbered(batches) == list(enumerate(wanted, 1))


@packed_each_way
def test_many_batches_with_progress(tmp_path: Path, pack: Pack) -> None:
    lines = incompressible_lines(20_000)
    path = tmp_path / "log"
    path.write_bytes(pack(b"\n".join(lines)))
    source = FileSource(str(path), batch_bytes=300_000, source=3)
    assert source.read_bytes == 0
    batches, progress = [], []
    for batch in source.batches():
        batches.append(batch)
        progress.append(source.read_bytes)
    assert numbered(batches) == list(enumerate(lines, 1))
    assert {batch.source for batch in batches} == {3}
    assert len(batches) >= 4
    assert progress == sorted(progress)
    assert 0 < progress[0] < progress[-1] == source.total_bytes == path.stat().st_size


@packed_each_way
def test_first_and_last_lines(tmp_path: Path, pack: Pack) -> None:
    source = written(tmp_path / "log", pack(b"a\r\n\nb\nc"))
    assert source.sample() == [b"a", b"", b"b", b"c"]
    assert source.sample(2) == [b"a", b""]
    assert source.last_lines() == [b"a", b"", b"b", b"c"]
    assert source.last_lines(2) == [b"b", b"c"]
    assert numbered(list(source.batches()))[0] == (1, b"a\r")


@packed_each_way
def test_first_and_last_lines_of_a_long_file(tmp_path: Path, pack: Pack) -> None:
    lines = incompressible_lines(90_000)
    source = written(tmp_path / "log", pack(b"\n".join(lines) + b"\n"))
    assert sum(map(len, lines)) > 2 * SAMPLE_BYTES
    assert source.sample() == lines[:200]
    assert source.last_lines() == lines[-200:]


@packed_each_way
def test_empty(tmp_path: Path, pack: Pack) -> None:
    source = written(tmp_path / "log", pack(b""))
    assert list(source.batches()) == []
    assert source.sample() == source.last_lines() == []


def test_batches_are_cut_before_events(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"E1\n more\n more\nE2\nE3\n more")
    source = FileSource(str(path))
    assert list(source.batches(re.compile(rb"^E"))) == [
        RawBatch(b"E1\n more\n more\nE2\n", 1, multiline=True),
        RawBatch(b"E3\n more\n", 5, multiline=True),
    ]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_file_that_was_cut_off_gives_what_it_has(tmp_path: Path, compress: Pack) -> None:
    lines = incompressible_lines(20_000)
    packed = compress(b"\n".join(lines))
    source = written(tmp_path / "log", packed[: len(packed) // 2])
    batches: list[RawBatch] = []
    with pytest.raises(InputError, match="log cannot be unpacked beyond byte") as caught:
        batches.extend(source.batches())
    assert f" byte {len(packed) // 2:,} of its " in str(caught.value)
    assert "\n" not in str(caught.value)
    *found, unfinished = numbered(batches)
    assert len(found) > 8_000
    assert found == list(enumerate(lines, 1))[: len(found)]
    assert lines[len(found)].startswith(unfinished[1])
    assert [batch.torn for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert source.sample(3) == lines[:3]
    assert source.last_lines(2) == [lines[len(found) - 1], unfinished[1]]


def checked_zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)  # as the zstd tool does


@pytest.mark.parametrize("compress", [gzip.compress, checked_zstd])
def test_a_damaged_file_gives_what_was_before_the_damage(tmp_path: Path, compress: Pack) -> None:
    lines = incompressible_lines(20_000)
    packed = bytearray(compress(b"\n".join(lines)))
    middle = len(packed) // 2
    packed[middle : middle + 3000] = b"\xff" * 3000
    batches: list[RawBatch] = []
    with pytest.raises(InputError, match="cannot be unpacked"):
        batches.extend(written(tmp_path / "log", bytes(packed)).batches())
    found = numbered(batches)
    assert len(found) > 5_000
    assert found[:5_000] == list(enumerate(lines, 1))[:5_000]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_what_follows_the_compressed_data_is_damage(tmp_path: Path, compress: Pack) -> None:
    source = written(tmp_path / "log", compress(b"a\nb\n") + b"rubbish that is not compressed")
    batches: list[RawBatch] = []
    with pytest.raises(InputError):
        batches.extend(source.batches())
    assert numbered(batches) == [(1, b"a"), (2, b"b")]
    assert source.sample() == [b"a", b"b"]


def test_a_header_alone_cannot_be_sampled(tmp_path: Path) -> None:
    source = written(tmp_path / "log", gzip.compress(b"")[:10])
    with pytest.raises(InputError):
        source.sample()
    assert source.last_lines() == []


def test_rubbish_is_no_error(tmp_path: Path) -> None:
    rubbish = random.Random(2).randbytes(100_000)
    lines = rubbish.removesuffix(b"\n").split(b"\n")
    source = written(tmp_path / "log", rubbish)
    assert numbered(list(source.batches())) == list(enumerate(lines, 1))


@pytest.mark.parametrize("pack", [plain, gzip.compress, zstandard.compress])
def test_a_huge_line_takes_no_memory(tmp_path: Path, pack: Pack) -> None:
    huge = 200 << 20
    path = tmp_path / "log"
    path.write_bytes(pack(b"before\n" + bytes(huge) + b"\nafter\n"))
    source = FileSource(str(path), batch_bytes=1 << 20, max_line_bytes=10_000)
    tracemalloc.start()
    try:
        found = numbered(list(source.batches()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == [(1, b"before"), (2, bytes(10_001)), (3, b"after")]
    # One step of unpacking zstd may give 32 MiB, in pieces that are then joined.
    assert peak < (80 << 20 if pack is zstandard.compress else 16 << 20)
    assert source.sample() == [b"before", bytes(10_001)]


def test_lines_that_are_too_long_for_the_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"a\n" + bytes(SAMPLE_BYTES) + b"\n")
    assert FileSource(str(path)).last_lines() == []
    path.write_bytes(b"a\nb" + bytes(2000) + b"\nc\n")
    assert FileSource(str(path), max_line_bytes=10).last_lines() == [
        b"a",
        b"b" + bytes(10),
        b"c",
    ]


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    missing = FileSource(str(tmp_path / "missing.log"))
    for attempt in (missing.sample, lambda: list(missing.batches())):
        with pytest.raises(InputError, match=r"no such file: .*missing\.log"):
            attempt()
    assert missing.total_bytes is None
    assert missing.last_lines() == []
    with pytest.raises(InputError, match="is a directory: name a file in it"):
        FileSource(str(tmp_path)).sample()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read anything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    source = written(tmp_path / "log", b"a\n")
    (tmp_path / "log").chmod(0)
    for attempt in (source.sample, source.last_lines, lambda: list(source.batches())):
        with pytest.raises(InputError, match="no permission to read"):
            attempt()


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Reading from a file that is open for writing only is the nearest real failure.
    with (tmp_path / "log").open("wb", buffering=0) as unreadable:
        monkeypatch.setattr(Path, "open", lambda *_args, **_kwargs: unreadable)
        source = FileSource(str(tmp_path / "log"))
        with pytest.raises(InputError, match=r"cannot read on in .*log"):
            list(source.batches())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            lzma.compress(b"a line\n"),
            "compressed with xz, which is not read as it is: xz -dc FILE | logguard try -",
        ),
        (
            bz2.compress(b"a line\n"),
            "compressed with bzip2, which is not read as it is: bzip2 -dc FILE | logguard try -",
        ),
        (
            b"PK\x03\x04rest",
            "a zip archive, which is not read as it is: unzip -p FILE | logguard try -",
        ),
        (
            "a line\n".encode("utf-16"),
            "UTF-16 text, which is not read as it is: iconv -f UTF-16 -t UTF-8 FILE | logguard try -",
        ),
        (
            "a line\n".encode("utf-16-le"),
            "UTF-16 text, which is not read as it is: iconv -f UTF-16LE -t UTF-8 FILE | logguard try -",
        ),
        (
            "a line\n".encode("utf-16-be"),
            "UTF-16 text, which is not read as it is: iconv -f UTF-16BE -t UTF-8 FILE | logguard try -",
        ),
    ],
)
def test_what_is_packed_otherwise_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "packed"
    path.write_bytes(data)
    with pytest.raises(InputError, match=re.escape(f"{path} is {said}")):
        FileSource(str(path)).sample()
