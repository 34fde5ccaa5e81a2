"""What of a message is shown as a raw line: of a stack trace its first line and its root cause."""

from __future__ import annotations

import numpy as np
import polars as pl

from log_guard.core.masking import MAX_SAMPLE_CHARS, redact

# The last "Caused by" of Java, the last line of a Python traceback. Never any other line: it might be
# the rest of a secret that began on the line before.
_RAISED = r"(?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception|Panic|Exit|Interrupt)\b[^\n]*"
_CAUSE = rf"(?m)^(?:Caused by: [^\n]+|{_RAISED})"

# Python tells a chain of causes from its root on. What went wrong besides, while another exception was
# handled, begins a chain anew.
_BESIDES = r"(?s)^.*\nDuring handling of the above exception"
_CHAINED = "\nThe above exception was the direct cause of the following exception"
_ROOT = rf"(?ms)^Traceback \(most recent call last\):.*?^({_RAISED})"
_BETWEEN = " … "
_HALF = (MAX_SAMPLE_CHARS - len(_BETWEEN)) // 2


def sample_texts(messages: pl.Series, plain: np.ndarray | None = None) -> pl.Series:
    """Messages as people may see them (``masking.redact``); of a stack trace, first line and root cause.

    plain:  which are surely shown as they are, (n,), if that is known.
    """
    if plain is not None:
        at = pl.Series(np.flatnonzero(~plain))
        return (
            messages.clone().scatter(at, sample_texts(messages.gather(at))) if len(at) else messages
        )
    traces = messages.str.contains("\n", literal=True).arg_true()
    if not len(traces):
        return redact(messages)
    return redact(messages.clone().scatter(traces, _told(messages.gather(traces))))


def _told(traces: pl.Series) -> pl.Series:
    text = pl.col("text")
    head = text.str.strip_chars_start("\n").str.extract(r"^([^\n]*)", 1)
    last = text.str.extract_all(_CAUSE).list.last()
    chain = text.str.replace(_BESIDES, "")
    root = pl.when(chain.str.contains(_CHAINED, literal=True)).then(chain.str.extract(_ROOT, 1))
    cause = pl.coalesce(pl.format("Caused by: {}", root), last)
    # Redacted apart: a quote that is open in the one must not reach into the other.
    parts = traces.to_frame("text").select(head.alias("head"), cause.alias("cause"))
    found = parts["cause"].is_not_null() & (parts["cause"] != parts["head"])
    short = [redact(parts[name].fill_null("")).str.slice(0, _HALF) for name in ("head", "cause")]
    frame = pl.DataFrame({"text": traces, "head": short[0], "cause": short[1], "found": found})
    joined = pl.concat_str("head", "cause", separator=_BETWEEN)
    return frame.select(pl.when("found").then(joined).otherwise("text").alias("text"))["text"]
