"""Texts as people may see them: no secrets, no control characters, not too long."""

from __future__ import annotations

import polars as pl

from log_guard.core.masking.cards import CARD_LIKE, without_cards
from log_guard.core.masking.replacing import masked, replacing
from log_guard.core.masking.secret_shapes import SECRETS, SUSPECT

MAX_MESSAGE_CHARS = 2048
"""So many characters of a message count: for its template, and for what is shown of it."""

MAX_SAMPLE_CHARS = 512
MAX_NAME_CHARS = 128

# A joined stack trace: the class of the exception says what happened, the frames do not.
EXCEPTION = r"(?m)^(?:Caused by: )?((?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception|Panic|Exit|Interrupt))\b"

CONTROL = r"[\x00-\x1f\x7f\u{80}-\u{9f}\u{2028}\u{2029}\u{200e}\u{200f}\u{061c}\u{202a}-\u{202e}\u{2066}-\u{2069}]+"
"""Control characters and those that turn text around: a log must not write to a terminal."""

ODD = f"{SUSPECT}|{CONTROL}"

_WITHOUT_SECRETS = replacing(SECRETS)
_SHOWN = replacing((*SECRETS, (CONTROL, " ")))


def one_line(messages: pl.Series) -> pl.Series:
    """First line of each message and, of a stack trace below it, the exception's class."""
    if not messages.str.contains("\n", literal=True).any():
        return messages.str.replace_all(CONTROL, " ")
    exception = messages.str.extract(EXCEPTION, 1)
    head = messages.str.strip_chars_start("\n").str.extract(r"^([^\n]*)", 1)
    frame = pl.DataFrame({"whole": messages, "head": head, "exception": exception})
    more = pl.col("whole").str.contains("\n", literal=True) & pl.col("exception").is_not_null()
    shown = pl.when(more).then(pl.format("{} | {}", "head", "exception")).otherwise(pl.col("head"))
    return frame.select(shown.alias("text"))["text"].str.replace_all(CONTROL, " ")


def without_secrets(texts: pl.Series) -> pl.Series:
    """Texts with their secrets replaced as those of messages are, and otherwise as they were."""
    return _cardless(masked(texts, _WITHOUT_SECRETS))


def _cardless(texts: pl.Series) -> pl.Series:
    """Texts without numbers of cards, for which an expression is not enough."""
    like = texts.str.contains(CARD_LIKE).arg_true()
    if not len(like):
        return texts
    cardless = pl.Series([without_cards(text) for text in texts.gather(like)], dtype=pl.String)
    return texts.clone().scatter(like, cardless)


def redact(messages: pl.Series) -> pl.Series:
    """Messages as people may see them, under the same name: no secrets, no control characters, not too long."""
    # Few messages are long or odd, so it is asked first which: a pass that changes nothing costs
    # as much as one that does.
    if longest(messages) > MAX_MESSAGE_CHARS:
        messages = messages.str.slice(0, MAX_MESSAGE_CHARS)
    odd = messages.str.contains(ODD).arg_true()
    text = messages
    if len(odd):
        text = messages.clone().scatter(odd, _cardless(masked(messages.gather(odd), _SHOWN)))
    if longest(text) <= MAX_SAMPLE_CHARS:
        return text
    cut = pl.col("text").str.len_chars() > MAX_SAMPLE_CHARS
    shown = pl.when(cut).then(pl.col("text").str.slice(0, MAX_SAMPLE_CHARS - 1) + "…")
    short = text.alias("text").to_frame().select(shown.otherwise(pl.col("text")))["text"]
    return short.alias(messages.name)


def longest(texts: pl.Series) -> int:
    """Bytes of the longest, which are at least as many as its characters."""
    return int(texts.str.len_bytes().to_numpy().max(initial=0))


def clean_names(names: pl.Series) -> pl.Series:
    """Names as they can be shown and told apart: no control characters, not too long, never ``*``.

    A lone ``*`` is the whole stream's name; a service that calls itself so is shown as ``(*)``.
    """
    odd = names.str.contains(CONTROL) | (names == "*") | (names.str.len_bytes() > MAX_NAME_CHARS)
    if not odd.any():
        return names
    shown = names.str.replace_all(CONTROL, " ").str.slice(0, MAX_NAME_CHARS)
    return shown.replace("*", "(*)")
