"""Lines of several containers: ``docker compose logs`` (``web-1  | ...``), ``kubectl logs --prefix`` (``[pod/web-x/app] ...``), ``stern`` (``web-x app ...``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.base import RAW_COLUMNS
from log_guard.core.decoding.formats.cri import with_records
from log_guard.core.decoding.formats.embedded import RECORD
from log_guard.core.decoding.formats.matching import sniffed
from log_guard.core.decoding.formats.plain import STAMP, PlainText
from log_guard.core.decoding.formats.prefixed import BEGINS, Prefixed
from log_guard.core.decoding.levels import LEVEL_WORDS

_COLOURS = r"(?:\x1b\[[0-9;]*m)*"
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"
# As Kubernetes makes names of pods: by the letters that it takes for them, or numbered.
_HASH = "[bcdfghjklmnpqrstvwxz2456789]"
_POD = rf"[a-z][a-z0-9.-]{{0,240}}-(?:{_HASH}{{5}}|[0-9]{{1,4}})"
_PREFIX = (
    rf"{_COLOURS}(?:({_NAME})[ \t]+\||\[pod/[a-z0-9.-]{{1,253}}/({_NAME})\]"
    rf"|{_POD} ([a-z0-9][a-z0-9-]{{0,62}}) )[ \t]?{_COLOURS}"
)
_LEVEL = rf"{_COLOURS}(?i:{'|'.join(LEVEL_WORDS)})[ \t]+\|"
_OWN = rf"{STAMP}|{BEGINS}|{RECORD}"
_NUMBER = r"[-_][0-9]+$"
"""Which container of the service it is."""


@dataclass(frozen=True)
class Container:
    """The container is the service of lines that name none of their own; behind it stands text, or a record of JSON or logfmt.

    ``INFO | 2026-...`` is a level before a time, and no container's.
    """

    name: str = "container"
    starts_event: str | None = rf"^(?:{_PREFIX})?(?:{_OWN})"

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, rf"^(?!{_LEVEL}){_PREFIX}(?:{_OWN})")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        named = records.to_frame("line").select(pl.col("line").str.extract_groups(f"^{_PREFIX}"))
        compose, pod, stern = named.unnest("line").get_columns()
        compose = compose.set(records.str.contains(f"^{_LEVEL}").fill_null(False), None)
        service = compose.str.replace(_NUMBER, "").zip_with(
            compose.is_not_null(), pod.fill_null(stern)
        )
        # Each line of a stack trace has it before it, too.
        bare = records.str.replace_all(f"(?m)^{_PREFIX}", "")
        text = bare.zip_with(service.is_not_null(), records)
        read = with_records(
            PlainText().parse(text)
        )  # `docker compose logs -t` puts its own time before
        at = read["reason"].is_not_null().arg_true()
        if len(at):
            more = Prefixed().parse(text.gather(at))
            read = read.with_columns(read[name].scatter(at, more[name]) for name in RAW_COLUMNS)
        return read.with_columns(service=pl.coalesce(pl.col("service").replace("", None), service))
