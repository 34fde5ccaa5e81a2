"""Access logs of nginx and Apache: the common and the combined log format; and the lines of Gin, HAProxy and AWS's ALB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from log_guard.core.decoding.formats.base import RAW_SCHEMA
from log_guard.core.decoding.formats.matching import sniffed
from log_guard.core.decoding.formats.status import answered
from log_guard.core.decoding.timestamps import CLF, ISO

_LINE = (
    rf"(?s)^\S+ \S+ .*?\[(?P<timestamp>{CLF})\] "
    r'"(?P<request>(?:[^"\\]|\\.)*)" (?P<status>[1-5][0-9]{2}) (?P<size>[0-9]+|-)(?: |$)'
)

GIN = r"\[GIN\] [0-9]{4}/[0-9]{2}/[0-9]{2} - [0-9:]{8} \|"
"""Regular expression of the beginning of a line of Gin's (Rust and Python syntax)."""
_COLOUR = r"(?:\x1b\[[0-9;]*m)?"
_GIN = (
    r"(?s)^\[GIN\] (?P<date>[0-9/]{10}) - (?P<time>[0-9:]{8}) "
    rf"\|{_COLOUR} *(?P<status>[1-5][0-9]{{2}}) *{_COLOUR}\|[^|\n]*\|[^|\n]*"
    rf'\|{_COLOUR} *(?P<method>[A-Z]+) *{_COLOUR} *"(?P<path>[^\n]*)"(?P<more>.*)$'
)

HAPROXY = (
    r"[0-9a-fA-F.:]{3,45}:[0-9]{1,5} \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}\.[0-9]{3}\] [!-~]"
)
"""The same of HAProxy's, whose own time is without a zone."""
_HAPROXY = (
    rf"(?s)^\S+ \[(?P<timestamp>{CLF})\.[0-9]{{3}}\] (?P<frontend>\S+) (?P<backend>\S+) [-+/0-9]+ "
    r'(?P<status>[1-5][0-9]{2}) (?P<size>[+0-9]+) \S+ \S+ (?P<state>\S{4}) .*?"(?P<request>[^"\n]*)"?'
)
ALB = rf"(?:https?|h2|grpcs|wss?) {ISO} \S+/\S+ [0-9a-fA-F.:]+:[0-9]+ "
"""The same of a load balancer's at AWS."""
_ALB = (
    rf"^(?:https?|h2|grpcs|wss?) (?P<timestamp>{ISO}) (?P<name>\S+) (?:\S+ ){{5}}"
    r'(?P<status>[1-5][0-9]{2}) \S+ \S+ (?P<size>[0-9]+) "(?P<request>[^"]*)"'
)


@dataclass(frozen=True)
class NginxAccess:
    """A request an event.

    The class of the status makes the level (5xx ERROR, 4xx WARN, else INFO) and, as numbers are
    masked in templates, stands in the message as a word. nginx's 499 is a class of its own: a client that
    went away before it was answered made no mistake, and many of them have another cause than a scan's 404s.

    Gin's lines are read and not claimed: the program that writes them writes others beside them (text reads both).
    """

    name: str = "nginx"
    starts_event: str | None = None

    def sniff(self, lines: Sequence[str]) -> float:
        return sniffed(lines, f"{_LINE}|^{HAPROXY}|^{ALB}")

    def parse(self, records: pl.Series) -> pl.DataFrame:
        record = pl.col("record")
        patterns = {"own": _LINE, "gin": _GIN, "proxy": _HAPROXY, "alb": _ALB}
        line = records.to_frame("record").select(
            record.str.extract_groups(pattern).alias(name) for name, pattern in patterns.items()
        )
        own, gin, proxy, alb = each = [pl.col(name).struct for name in patterns]
        status = pl.coalesce(of.field("status") for of in each)
        asked = pl.format("{} {}", gin.field("method"), gin.field("path"))
        request = pl.coalesce(
            own.field("request"), asked, proxy.field("request"), alb.field("request")
        )
        routed = (proxy.field(name) for name in ("size", "frontend", "backend", "state"))
        more = pl.coalesce(
            pl.format(", {} bytes", own.field("size")),
            gin.field("more"),
            pl.format(", {} bytes, {} {} {}", *routed),
            pl.format(", {} bytes, {}", alb.field("size"), alb.field("name")),
        )
        level, message = answered(request, status, more)
        return line.select(
            timestamp=pl.coalesce(
                own.field("timestamp"),
                pl.format("{} {}", gin.field("date"), gin.field("time")),
                proxy.field("timestamp"),
                alb.field("timestamp"),
            ),
            level=level,
            service=pl.lit(None, dtype=pl.String),
            message=message,
            reason=pl.when(status.is_null()).then(pl.lit("not an access log line")),
        ).select(list(RAW_SCHEMA))
