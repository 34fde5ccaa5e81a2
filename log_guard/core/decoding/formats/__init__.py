"""The formats that are recognised, the most specific first."""

from __future__ import annotations

from collections.abc import Sequence

from log_guard.core.decoding.formats.base import Format
from log_guard.core.decoding.formats.container import Container
from log_guard.core.decoding.formats.cri import Cri
from log_guard.core.decoding.formats.json_lines import JsonLines
from log_guard.core.decoding.formats.log4j_xml import Log4jXml
from log_guard.core.decoding.formats.logfmt import Logfmt
from log_guard.core.decoding.formats.nginx import NginxAccess
from log_guard.core.decoding.formats.plain import PlainText
from log_guard.core.decoding.formats.prefixed import Prefixed
from log_guard.core.decoding.formats.syslog import Syslog

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        *(JsonLines(), Log4jXml(), Container(), Cri(), NginxAccess(), Logfmt(), Syslog()),
        *(PlainText(), Prefixed()),
    )
}
"""Name → format, in the order in which they are tried."""

ENOUGH = 0.5
"""Share of the sample lines that must fit for a format to be taken."""


def recognise(lines: Sequence[str]) -> Format | None:
    """Return the first format that fits most of these lines, or the one that fits best; None if none does.

    A stack trace can outweigh the lines that start events: a format that fits any line may win. But a program that
    logs its requests among its other lines has no access log: text reads both. Nor has one that writes to syslog.
    """
    scores = {name: format_.sniff(lines) for name, format_ in FORMATS.items()}
    if scores[Syslog.name] >= scores[NginxAccess.name]:
        scores[NginxAccess.name] = 0.0
    if scores[PlainText.name] > 0 and scores[NginxAccess.name] < 1:
        scores[PlainText.name] += scores[NginxAccess.name]
        scores[NginxAccess.name] = 0.0
    for name, score in scores.items():
        if score >= ENOUGH:
            return FORMATS[name]
    best = max(scores, key=lambda name: scores[name])
    return FORMATS[best] if scores[best] > 0 else None


__all__ = ["FORMATS", "Format", "recognise"]
