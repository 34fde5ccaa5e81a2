"""Writing summaries to a directory, all or nothing, and reading them as they came.

::

    DIR/summaries.json        what they are of: length of a pane, what is grouped by
    DIR/part-000001.parquet   rows of ``SUMMARY_SCHEMA``, in the order in which they came

Parts are never merged over one another, and no bound is applied: their sum is the sum of what was
written.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from log_guard.core.summarising.summaries import SUMMARY_SCHEMA, add
from log_guard.errors import InputError

ABOUT = "summaries.json"
PART_ROWS = 200_000
"""Rows of a part, about; what is held in memory while writing or reading."""
_UNBOUNDED = 1 << 62


class _About(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: Literal["logguard-summaries"] = "logguard-summaries"
    format: Literal[1] = 1
    slide: int = Field(gt=0)
    group_by: tuple[str, ...]


class SummaryWriter:
    """A context: the directory appears when it is left without an error.

    slide:     length of a pane, µs.
    group_by:  what the events were grouped by.
    """

    def __init__(self, directory: str | Path, slide: int, group_by: tuple[str, ...]) -> None:
        self.target = Path(directory).resolve()
        self.about = _About(slide=slide, group_by=group_by)
        self.rows = 0
        self._waiting: list[pl.DataFrame] = []
        self._held = 0
        self._parts = 0

    def __enter__(self) -> SummaryWriter:
        if self.target.exists():
            raise InputError(f"{self.target} exists: name another directory for the summaries")
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._workspace = TemporaryDirectory(
                prefix=f".{self.target.name}-", dir=self.target.parent, ignore_cleanup_errors=True
            )
            # One level down: the workspace itself is closed to other users.
            self._fresh = Path(self._workspace.name, "new")
            self._fresh.mkdir()
        except OSError as error:
            raise self._refused(error) from error
        return self

    def add(self, summary: pl.DataFrame) -> None:
        """Take in a summary (``SUMMARY_SCHEMA``)."""
        if summary.is_empty():
            return
        self._waiting.append(summary.select(list(SUMMARY_SCHEMA)))
        self._held += summary.height
        if self._held >= PART_ROWS:
            self._flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
                _write(self._fresh / ABOUT, self.about.model_dump_json(indent=2).encode() + b"\n")
                self._fresh.rename(self.target)
        except OSError as refused:
            raise self._refused(refused) from refused
        finally:
            self._workspace.cleanup()

    def _flush(self) -> None:
        if not self._waiting:
            return
        merged = add(*self._waiting, max_templates=_UNBOUNDED).sort("pane", maintain_order=True)
        self._parts += 1
        part = io.BytesIO()  # polars tells of a full disk with an error of its own
        merged.write_parquet(part)
        try:
            _write(self._fresh / f"part-{self._parts:06d}.parquet", part.getvalue())
        except OSError as error:
            raise self._refused(error) from error
        self.rows += merged.height
        self._waiting, self._held = [], 0

    def _refused(self, error: OSError) -> InputError:
        return InputError(
            f"cannot write the summaries to {self.target}: {error.strerror or error} "
            "(make room or grant permission there, or name another directory)"
        )


class StoredSummaries:
    """Summaries that a :class:`SummaryWriter` has written; InputError if they cannot be read."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        about = _about(self.directory)
        self.slide, self.group_by = about.slide, about.group_by
        self._parts = sorted(self.directory.glob("part-*.parquet"))

    def parts(self) -> Iterator[tuple[pl.DataFrame, int | None]]:
        """Parts in order, each with the time (µs) before which nothing on time is still to come.

        After the last one that is the end of the last pane: what was kept is complete.
        """
        firsts = [self._first(path) for path in self._parts]
        span = self.span()
        to_come: list[int | None] = [None if span is None else span[1] + self.slide]
        for first in reversed(firsts[1:]):
            known = [t for t in (first, to_come[-1]) if t is not None]
            to_come.append(min(known, default=None))
        for path, watermark in zip(self._parts, reversed(to_come), strict=False):
            yield self._read(path), watermark

    def span(self) -> tuple[int, int] | None:
        """First and last pane that holds an event on time, µs."""
        ends = [self._scan(path, pl.col("pane").max()) for path in self._parts]
        first = min((t for t in map(self._first, self._parts) if t is not None), default=None)
        last = max((t for t in ends if t is not None), default=None)
        return None if first is None or last is None else (first, last)

    def pane_after(self, parts: int) -> int | None:
        """The pane (µs) in which the first of so many equal parts of the events ends."""
        counts = [
            self._collect(path, lambda rows: rows.group_by("pane").agg(pl.col("count").sum()))
            for path in self._parts
        ]
        if not counts:
            return None
        panes = pl.concat(counts).group_by("pane").agg(pl.col("count").sum()).sort("pane")
        beyond = pl.col("count").cum_sum() > pl.col("count").sum() // parts
        return int(panes.filter(beyond)["pane"][0])

    def _first(self, path: Path) -> int | None:
        return self._scan(path, pl.col("pane").min())

    def _scan(self, path: Path, what: pl.Expr) -> int | None:
        value: int | None = self._collect(
            path, lambda rows: rows.filter(~pl.col("late")).select(what)
        ).item()
        return value

    def _collect(self, path: Path, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        try:
            return query(pl.scan_parquet(path, glob=False)).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._unreadable(path, error) from error

    def _read(self, path: Path) -> pl.DataFrame:
        try:
            frame = pl.read_parquet(path, glob=False).select(list(SUMMARY_SCHEMA))
        except (OSError, pl.exceptions.PolarsError) as error:
            raise self._unreadable(path, error) from error
        if dict(frame.schema) != SUMMARY_SCHEMA:
            raise self._unreadable(path, "its columns have other types")
        return frame

    def _unreadable(self, path: Path, why: object) -> InputError:
        reason = str(why).splitlines()[0] if str(why) else type(why).__name__
        return InputError(f"{path}: no summaries that can be read ({reason}); make them again")


def is_summaries(path: str | Path) -> bool:
    """Whether this is a directory of summaries, sound or not."""
    return (Path(path) / ABOUT).is_file()


def _about(directory: Path) -> _About:
    path = directory / ABOUT
    try:
        content: Any = json.loads(path.read_bytes())
        return _About.model_validate_json(json.dumps(content))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except (ValueError, ValidationError):
        raise InputError(
            f"{path}: damaged, or of another version of LogGuard; make the summaries again"
        ) from None


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
