"""Cutting a stream of bytes into batches of whole lines and, where lines form events, whole events.

Where the bytes happened to be split on the way in decides how many batches there are, never what is
in them: the same bytes give the same lines, positions and events. Per line, nothing is done here,
but for the few lines around a cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from log_guard.core.events import RawBatch


@dataclass(frozen=True)
class UnlessAfter:
    """Each line starts an event, but for one after a line in which this is found."""

    pattern: re.Pattern[bytes]


StartsEvent = re.Pattern[bytes] | Callable[[bytes], object] | UnlessAfter
"""Tells whether a line (without its line ending) starts an event: a pattern that is found in it, a
function that returns something true for it, or what must not be found in the line before."""

EVENT_LINES = 1000
"""How many lines one event may span."""


class BatchCutter:
    """Takes bytes as they come, gives batches; numbers the lines from 1.

    A line ends with a line feed and with nothing else. A line of more than ``max_line_bytes`` is
    cut to exactly ``max_line_bytes + 1`` bytes, which still shows that it is too long; the rest of
    it is skipped, never held, and it counts as one line.

    With ``starts_event``, a batch is cut only before a line that starts an event, so the last
    event is held back until the next one starts. An event may span :data:`EVENT_LINES` lines and
    ``max_line_bytes`` bytes. What is longer is cut after as many whole lines as fit, each piece
    being the end of a batch: that place depends on the event alone.
    """

    def __init__(
        self, max_line_bytes: int, starts_event: StartsEvent | None = None, source: int = 0
    ) -> None:
        self._limit = max_line_bytes
        self._starts = _asked_of_a_line(starts_event)
        self._asks_before = int(isinstance(starts_event, UnlessAfter))
        self._source = source
        self._first = 1  # position of the next line to be delivered
        self._unfinished: list[bytes] = []  # since the last line that was taken
        self._unfinished_bytes = 0
        self._may_take = False
        self._skipping = False  # within a line that was cut already
        self._held = b""  # whole lines of the event that may still go on

    def add(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        newline = data.find(b"\n") if self._skipping or not self._may_take else -1
        if self._skipping:
            if newline < 0:
                return
            data = data[newline:]
            self._skipping = False
        self._unfinished.append(data)
        self._unfinished_bytes += len(data)
        self._may_take |= newline >= 0

    def take(self) -> Iterator[RawBatch]:
        """The batches that are complete so far: whole lines, whole events."""
        # Joining only when there is something to gain: a long line may come in many small pieces.
        if not self._may_take and (self._skipping or self._unfinished_bytes <= self._limit):
            return
        data = b"".join(self._unfinished)
        end = data.rfind(b"\n") + 1
        rest = data[end:]
        if len(rest) > self._limit:
            rest = rest[: self._limit + 1]
            self._skipping = True
        self._keep(rest)
        yield from self._cut(cut_long_lines(data[:end], self._limit))

    def release(self) -> Iterator[RawBatch]:
        """The event that is held back, though it may still go on."""
        if self._held:
            held, self._held = self._held, b""
            yield self._batch(held, held.count(b"\n"))

    def finish(self, *, broken: bool = False) -> Iterator[RawBatch]:
        """All that is left, with the last line even if it has no end; ``broken``: then that is a torn one.

        Then a new stream may begin; its lines are numbered on from here.
        """
        data = b"".join(self._unfinished)
        end = data.rfind(b"\n") + 1 if broken else len(data)
        data, torn = data[:end], data[end:]
        self._keep(b"")
        self._skipping = False
        if data and not data.endswith(b"\n"):
            data += b"\n"
        yield from self._cut(cut_long_lines(data, self._limit))
        yield from self.release()
        if torn:
            yield replace(self._batch(torn[: self._limit + 1], 1), torn=True)

    def _keep(self, rest: bytes) -> None:
        self._unfinished = [rest] if rest else []
        self._unfinished_bytes = len(rest)
        self._may_take = False

    def _batch(self, data: bytes, lines: int) -> RawBatch:
        first = self._first
        self._first += lines
        return RawBatch(data, first, self._source, multiline=self._starts is not None)

    def _cut(self, lines: bytes) -> Iterator[RawBatch]:
        """Cut whole lines into batches; holds the last event back."""
        if not lines:
            return
        if self._starts is None:
            yield self._batch(lines, lines.count(b"\n"))
            return
        data = self._held + lines
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
        begin = done = 0
        for cut in self._cuts(data, ends):
            end = int(ends[cut - 1])
            yield self._batch(data[begin:end], cut - done)
            begin, done = end, cut
        self._held = data[begin:]

    def _cuts(self, data: bytes, ends: npt.NDArray[np.intp]) -> list[int]:
        """Numbers of lines after which to cut, ascending; ``ends`` is where each line ends.

        ``event`` is a line that surely begins an event (or a piece of one). If any of the lines
        that would fit into that event starts another one, then so does, surely, the last of these.
        If none does, the event is too long. So nearly all lines are never looked at.
        """
        cuts: list[int] = []
        event = 0
        while True:
            begin = int(ends[event - 1]) if event else 0
            fitting = int(np.searchsorted(ends, begin + self._limit, side="right"))
            until = max(event + 1, min(fitting, event + EVENT_LINES))
            start = self._last_start(data, ends, event, min(until, len(ends) - 1))
            if start is not None:
                event = start
            elif until < len(ends):
                cuts.append(until)
                event = until
            else:
                break
        # The last event may still go on.
        if event > (cuts[-1] if cuts else 0):
            cuts.append(event)
        return cuts

    def _last_start(
        self, data: bytes, ends: npt.NDArray[np.intp], after: int, upto: int
    ) -> int | None:
        """The last of the lines in ``(after, upto]`` that starts an event."""
        assert self._starts is not None
        for line in range(upto, after, -1):
            asked = line - self._asks_before
            text = data[int(ends[asked - 1]) if asked else 0 : int(ends[asked]) - 1]
            if self._starts(text.rstrip(b"\r")):
                return line
        return None


def _asked_of_a_line(starts_event: StartsEvent | None) -> Callable[[bytes], object] | None:
    if isinstance(starts_event, UnlessAfter):
        goes_on = starts_event.pattern.search
        return lambda before: not goes_on(before)
    return starts_event.search if isinstance(starts_event, re.Pattern) else starts_event


def cut_long_lines(lines: bytes, limit: int) -> bytes:
    """These lines, each of more than ``limit`` bytes cut to ``limit + 1``.

    Looks at every ``limit``-th byte only: a line that is too long cannot lie between them.
    """
    parts: list[bytes] = []
    copied = 0  # how far the lines are in parts
    begin = 0  # start of the first line that was not judged
    while (probe := begin + limit) < len(lines):
        start = max(begin, lines.rfind(b"\n", begin, probe) + 1)
        end = lines.find(b"\n", probe)
        if end < 0:
            end = len(lines)
        if end - start > limit:
            parts.append(lines[copied : start + limit + 1])
            copied = end
        begin = end + 1
    if not parts:
        return lines
    parts.append(lines[copied:])
    return b"".join(parts)
