"""What a field ``status`` says: a level, as Datadog calls it so, or how a request was answered, as an access log does.

Numbers are masked in templates, so a request that was answered badly is put into a word, as in an access log.
"""

from __future__ import annotations

import polars as pl

NAMES = (
    *("status", "status_code", "statusCode", "http.response.status_code", "http.status_code"),
    *("httpRequest.status", "res.statusCode", "response.status", "http.status", "http_status"),
    *("DownstreamStatus", "response_code", "responseStatus.code"),
    *("attributes.http.response.status_code", "attributes.http.status_code"),
)
"""Fields that are looked at, the first that says something counts; ``a.b`` may be ``b`` within ``a``."""

WORDED = "priority"
"""Falco's name of a level; where it is no word that is one, it is something else."""

MARKS = ("tatus", "response_code", WORDED)
"""One of these stands in each of the names."""

_WORDS = {
    **dict.fromkeys(("trace", "debug", "info", "notice", "warn", "warning"), ""),
    **dict.fromkeys(("error", "err", "fatal", "critical", "crit", "alert", "emergency"), ""),
    **dict.fromkeys(("emerg", "informational"), ""),
    "ok": "info",
    "success": "info",
}
"""Words that are levels, and as which; "": as itself."""

LEVELS = {"1": "INFO", "2": "INFO", "3": "INFO", "4": "WARN", "5": "ERROR", "gone": "INFO"}
CLASSES = {
    "1": "informational",
    "2": "ok",
    "3": "redirect",
    "4": "client-error",
    "5": "server-error",
    "gone": "client-gone",
}
"""By the first digit; nginx's 499 is ``gone``."""

_LAST = "|".join(sorted({name.rpartition(".")[2] for name in NAMES}))
_KEY = rf'"(?:[\w.]+\.)?(?:{_LAST})"\s*:\s*"?'
BADLY = rf"{_KEY}[45][0-9]{{2}}\b"
"""Regular expression of a JSON line whose level is known and which may say more than that."""
SAYING = rf'{_KEY}(?:[1-5][0-9]{{2}}\b|[A-Za-z])|"{WORDED}"\s*:\s*"[A-Za-z]'
"""Of one whose level may not be."""


def said(status: str) -> tuple[str, str] | None:
    """Level of a status, and what it adds to the message; None: it says neither."""
    word = status.lower()
    if word in _WORDS:
        return _WORDS[word] or word, ""
    if not (len(status) == 3 and status.isascii() and status.isdigit() and "1" <= status < "6"):
        return None
    kind = "gone" if status == "499" else status[0]
    badly = kind in ("4", "5")
    return LEVELS[kind], f" -> {CLASSES[kind]} {status}" if badly else ""


WORD_LEVELS = {text: word or text for text, word in _WORDS.items()}
"""Level of each word, in lower case, that is one."""
LEVEL_OF = {
    text: found[0]
    for text in (*_WORDS, *map(str, range(100, 600)))
    if (found := said(text)) and not found[1]
}
"""Level of each status, in lower case, that adds nothing to the message."""


def answered(request: pl.Expr, code: pl.Expr, more: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Level and message of a request, of how it was answered (three digits) and of what else is said."""
    kind = pl.when(code == "499").then(pl.lit("gone")).otherwise(code.str.head(1))
    return kind.replace(LEVELS), pl.format(
        "{} -> {} {}{}", request, kind.replace(CLASSES), code, more
    )


def with_status(message: str, more: str) -> str:
    """The message with this at the end of its first line, unless it quotes the request, and so tells it itself."""
    if not more or f'" {more[-3:]}' in message:
        return message
    first, newline, rest = message.partition("\n")
    return f"{first}{more}{newline}{rest}"


def with_statuses(messages: pl.Series, more: pl.Series) -> pl.Series:
    """The same for many, of which few have more (null or "": nothing)."""
    at = (more != "").fill_null(False).arg_true()
    if not len(at):
        return messages
    pairs = zip(messages.gather(at), more.gather(at), strict=True)
    longer = [None if message is None else with_status(message, text) for message, text in pairs]
    return messages.clone().scatter(at, pl.Series(longer, dtype=pl.String))
