"""Bytes unpacked on the way, where they are compressed with gzip or zstd.

Compression is recognised by the first bytes, never by the name: what comes through a pipe has no
name, and rotated logs have any.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Protocol

import zstandard

from log_guard.adapters.files.reading import READ_BYTES, RawStream, Stream
from log_guard.errors import InputError

MAGIC_BYTES = 4
"""How many first bytes tell a compressed file."""

_SLICE_BYTES = 1 << 10
"""How much compressed data is unpacked at a time. Four bytes of zstd can stand for 128 KiB, so this
bounds what one step may unpack to (32 MiB) even for a file that was made to do harm."""

_ZSTD_SKIPPABLE = range(0x50, 0x60)
"""First byte of a frame without data, which parallel zstd tools put first."""


_UNREAD = {
    rb"\xfd7zX": ("compressed with xz", "xz -dc"),
    rb"BZh": ("compressed with bzip2", "bzip2 -dc"),
    rb"PK\x03\x04": ("a zip archive", "unzip -p"),
    rb"\xff\xfe|\xfe\xff": ("UTF-16 text", "iconv -f UTF-16 -t UTF-8"),
    # Without a byte order mark: two ASCII characters. The tool has to be told the order, too.
    rb"([^\0]\0){2}": ("UTF-16 text", "iconv -f UTF-16LE -t UTF-8"),
    rb"(\0[^\0]){2}": ("UTF-16 text", "iconv -f UTF-16BE -t UTF-8"),
}
"""First bytes of what is not read here: what it is, and the command that makes it readable."""


def open_stream(path: str) -> Stream:
    """Open a path (``-``: standard input) for reading from its start, unpacked if need be.

    Raises InputError if it cannot be opened. Does not read: that could wait, on a pipe.
    """
    return _Unpacked(RawStream(path))


def packing(head: bytes) -> str | None:
    """How data with these first :data:`MAGIC_BYTES` are compressed; None: they are not."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if head[1:4] == b"\x2a\x4d\x18" and head[0] in _ZSTD_SKIPPABLE:
        return "zstd"
    return None


class _Decompressor(Protocol):
    """What zlib's and zstandard's objects for one member (or frame) have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def _gzip_member() -> _Decompressor:
    return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)


def _zstd_frame() -> _Decompressor:
    return zstandard.ZstdDecompressor().decompressobj()


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    "gzip": _gzip_member,
    "zstd": _zstd_frame,
}


class _Unpacked(Stream):
    """A raw stream, decompressed if its first bytes say that it is compressed."""

    def __init__(self, raw: RawStream) -> None:
        super().__init__(raw.live)
        self._raw = raw
        self._head: bytes | None = b""  # None once the first bytes were judged
        self._packing: str | None = None
        self._member: _Decompressor | None = None  # None between members
        self._packed = b""  # read, but not yet unpacked

    @property
    def position(self) -> int:
        return self._raw.position

    def _release(self) -> None:
        self._raw.close()

    def _next(self, timeout: float | None) -> bytes | None:
        if self._head is not None and not self._recognise(timeout):
            return None
        if self._packing is None:
            return self._raw.read(timeout)
        while True:
            if not self._packed:
                packed = self._raw.read(timeout)
                if packed is None:
                    return None
                if not packed:
                    if self._member is not None:
                        raise self._broken("it ends too early")
                    return b""
                self._packed = packed
            if data := self._unpack():
                return data
            if self._failure is not None:
                raise self._failure

    def _recognise(self, timeout: float | None) -> bool:
        """Judge the first bytes; False if too few came in time."""
        head = self._head or b""
        # A whole line is text, however short: it must not wait for a fourth byte.
        while len(head) < MAGIC_BYTES and b"\n" not in head:
            data = self._raw.read(timeout)
            if data is None:
                self._head = head
                return False
            if not data:
                break
            head += data
        self._packing = packing(head)
        for first, (what, command) in _UNREAD.items():
            if re.match(first, head):
                raise InputError(
                    f"{self._raw.name} is {what}, which is not read as it is: {command} FILE | logguard try -"
                )
        self._raw.unread(head)
        self._head = None
        return True

    def _unpack(self) -> bytes:
        """Unpack what was read, until it makes a good read or is used up."""
        assert self._packing is not None
        parts: list[bytes] = []
        got = at = 0
        packed = self._packed
        while at < len(packed) and got < READ_BYTES:
            if self._member is None:
                if packed[at] == 0:  # gzip files may be padded with zeros, as tapes do
                    at = len(packed) - len(packed[at:].lstrip(b"\0"))
                    continue
                self._member = _DECOMPRESSORS[self._packing]()
            piece = packed[at : at + _SLICE_BYTES]
            try:
                data = self._member.decompress(piece)
            except (zlib.error, zstandard.ZstdError) as error:
                self._packed = packed[at:]
                # Kept, not raised: first comes what could still be unpacked.
                self._failure = self._broken(str(error))
                self._failure.__cause__ = error
                break
            at += len(piece)
            if self._member.eof:
                at -= len(self._member.unused_data)
                self._member = None
            parts.append(data)
            got += len(data)
        self._packed = packed[at:]
        return b"".join(parts)

    def _broken(self, why: str) -> InputError:
        at = self._raw.position - len(self._packed)
        return InputError(
            f"{self._raw.name} cannot be unpacked beyond byte {at:,} of its {self._packing} data "
            f"({why}): what came before was read; copy or compress it again to get the rest"
        )
