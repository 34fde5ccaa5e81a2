"""Lines of several containers: ``docker compose logs`` (``web-1  | ...``), ``kubectl logs --prefix`` (``[pod/web-x/app] ...``), ``stern`` (``web-x app ...``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
_ANY_POD = r"[a-z][a-z0-9.-]{0,252}"
_CONTAINER = r"([a-z0-9][a-z0-9-]{0,62})"
_GAP = f"{_COLOURS} {_COLOURS}"
_LEVEL = rf"{_COLOURS}(?i:{'|'.join(LEVEL_WORDS)})[ \t]+\|"
_OWN = rf"{STAMP}|{BEGINS}|{RECORD}"
_NUMBER = r"[-_][0-9]+$"
"""Which container of the service it is."""


def _stern(pod: str, names: int) -> str:
    """Regular expression of the names before a line: of the namespace if they are three, the pod and the container."""
    return f"{_COLOURS}{f'{_ANY_POD}{_GAP}' * (names - 2)}{pod}{_GAP}{_CONTAINER}{_GAP}"


@dataclass(frozen=True)
class Container:
    """The container is the service of lines that name none of their own; behind it stands text, or a record of JSON or logfmt.

    ``INFO | 2026-...`` is a level before a time, and no container's.

    names:  how many names (2 or 3) stand before the lines of ``stern``, where its pods may be called anything;
            0: a pod is told by how Kubernetes makes its name. See :meth:`tuned`.
    """

    names: int = 0
    name: str = "container"

    @property
    def starts_event(self) -> str | None:
        return rf"^(?:{self._prefix})?(?:{_OWN}){self._or_any}"

    @property
    def before(self) -> str:
        """Regular expression, without groups, of what stands before a line in which a record begins."""
        any_names = f"|{_stern(_ANY_POD, self.names)}" if self.names else ""
        return re.sub(r"(?<!\\)\((?!\?)", "(?:", f"(?:{self._prefix}{any_names})")

    @property
    def _prefix(self) -> str:
        stern = _stern(_POD, self.names or 2)
        return rf"(?:{_COLOURS}(?:({_NAME})[ \t]+\||\[pod/[a-z0-9.-]{{1,253}}/({_NAME})\])[ \t]?{_COLOURS}|{stern})"

    @property
    def _or_any(self) -> str:
        """Any names are a pod's and a container's only where a line begins behind them."""
        return rf"|^{_stern(_ANY_POD, self.names)}(?:{_OWN})" if self.names else ""

    def sniff(self, lines: Sequence[str]) -> float:
        own = self.tuned(lines)
        return sniffed(lines, rf"^(?!{_LEVEL}){own._prefix}(?:{_OWN}){own._or_any}")

    def tuned(self, lines: Sequence[str]) -> Container:
        """Find out how many names stand before these sample lines, by those that come again."""
        known = [_known(lines, names) for names in (2, 3)]
        # Two names, and a word before the time, may look like three; three always look like two and a word.
        names = 0 if not any(known) else 3 if known[1] >= known[0] else 2
        return replace(self, names=names)

    def parse(self, records: pl.Series) -> pl.DataFrame:
        prefix, any_prefix = self._prefix, _stern(_ANY_POD, self.names or 2)
        named = records.to_frame("line").select(pl.col("line").str.extract_groups(f"^{prefix}"))
        compose, pod, stern = named.unnest("line").get_columns()
        compose = compose.set(records.str.contains(f"^{_LEVEL}").fill_null(False), None)
        service = compose.str.replace(_NUMBER, "").zip_with(
            compose.is_not_null(), pod.fill_null(stern)
        )
        # Each line of a stack trace has it before it, too.
        bare = records.str.replace_all(f"(?m)^{prefix}", "")
        text = bare.zip_with(service.is_not_null(), records)
        if self.names:
            begins = records.str.contains(f"^{any_prefix}(?:{_OWN})") & service.is_null()
            at = begins.fill_null(False).arg_true()
            heads = records.gather(at).str.extract(f"^({any_prefix})", 1)
            whole = zip(heads, text.gather(at), strict=True)
            cut = [_without(head, line) for head, line in whole]
            text = text.scatter(at, pl.Series(cut, dtype=pl.String))
            service = service.scatter(at, heads.str.extract(f"^{any_prefix}", 1))
        read = with_records(
            PlainText().parse(text)
        )  # `docker compose logs -t` puts its own time before
        at = read["reason"].is_not_null().arg_true()
        if len(at):
            more = Prefixed().parse(text.gather(at))
            read = read.with_columns(read[name].scatter(at, more[name]) for name in RAW_COLUMNS)
        return read.with_columns(service=pl.coalesce(pl.col("service").replace("", None), service))


def _without(head: str, record: str) -> str:
    """A record without what stands before each of its lines; a colour behind that is its first line's own."""
    names, space, _ = head.rpartition(" ")
    return f"\n{record}".replace(f"\n{names}{space}", "\n")[1:]


def _known(lines: Sequence[str], names: int) -> int:
    """Of how many lines the names before them come more than once, and may be of a pod and a container."""
    own = re.compile(rf"^({_stern(_ANY_POD, names)})(?:{_OWN})")
    seen = Counter(found[1] for line in lines if (found := own.search(line)))
    return sum(n for prefix, n in seen.items() if n > 1 and _may_be_names(prefix))


def _may_be_names(prefix: str) -> bool:
    words = re.sub(r"\x1b\[[0-9;]*m", "", prefix).split()
    if LEVEL_WORDS.keys() & set(words):
        return False
    # Behind the pod comes the container and, if there is more, a word of the line itself.
    return len(words) == 2 or not re.fullmatch(_POD, words[0]) or bool(re.fullmatch(_POD, words[1]))
