"""Message → template: what varies is replaced by a placeholder, what is secret is removed.

``Payment processed - transaction_id: txn_552216, amount: $705.61`` becomes
``Payment processed - transaction_id: <id>, amount: $<num>``.

Two steps, because one is cheap and the other is thorough:

1. :meth:`Masker.coarse` runs one regular expression over every message and collapses each run of
   (hexadecimal) digits to ``0``. Nothing is decided by it, but thousands of messages become a few.
2. :meth:`Masker.refine` runs the lists of rules below over the few that remain, and what it found
   is remembered.

``template = refine(coarse(message))`` depends on the message alone, so any split of a stream into
batches gives the same templates. The price of collapsing first is that an all-hexadecimal word with
a digit in it is a number like any other (``<num>``): a request id that happens to consist of
decimal digits must not become a template of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from log_guard.core.events import Bytes
from log_guard.errors import OptionError

MAX_MESSAGE_CHARS = 2048
"""A template is made of the first so many characters of a message."""

MAX_CACHED = 20_000
"""Coarse messages whose templates are remembered; a full memory is emptied, nothing depends on it."""

MAX_TEMPLATE_CHARS = 512
MAX_SAMPLE_CHARS = 512
MAX_NAME_CHARS = 128

_DIGITS = r"(?-u:\b)[0-9a-fA-F]*[0-9][0-9a-fA-F]*(?-u:\b)|[0-9]+"

# A joined stack trace: the class of the exception says what happened, the frames do not.
_EXCEPTION = r"(?m)^(?:Caused by: )?((?:[A-Za-z_$][\w$]*\.)*[A-Z][\w$]*(?:Error|Exception|Panic|Exit|Interrupt))\b"

_KEY = (
    r"(?:password|passwd|passphrase|pwd|secret|credentials?|authorization"
    r"|(?:api|access|private|secret|auth|encryption|signing)[_-]?key|(?:[a-z]+[_-])?token"
    r"|session[_-]?(?:id|key)|sessid)"
)

# Words that mean other things too: secrets only before "=", or as a quoted key.
_SHORT_KEY = r"""(?:(?:\b|_)(?:pass|session|sid|cookie|otp|sig)\\*(?:["']\\*\s*[:=]|\s*=))"""

# All of a header, for names and values of cookies are anybody's.
_COOKIES = r"""\bcookies?[\\"']*\s*:[\s\\"']*"""

_SCHEME = r"(?:(?:bearer|basic|digest|negotiate|ntlm|token|api-?key)\s+)?"

# The value of a secret; its closing quote may be missing, for messages are cut. Quotes are escaped
# where the message quotes JSON.
_VALUE = (
    r"""(?:\\+"[^"]*"?|"(?:[^"\\]|\\.)*"?|\\+'[^']*'?|'(?:[^'\\]|\\.)*'?"""
    # A comma may belong to it, but not one that ends a clause, or goes before another key.
    r"""|[\w$*.+/~!@#%^?-][^\s"',;&)}\]]*(?:,[^\s"',;&)}\]=:]+)*([\s"',;&)}\]]|$))"""
)

# What cannot be a word: a capital or a digit, and not only in front.
_OPAQUE = r"(?:[\w.~+/=-]{7,}[A-Z0-9=][\w.~+/=-]*|[\w.~+/=-]{1,6}[A-Z0-9=][\w.~+/=-]{5,})"

# Up to its last @, for a password may hold one, or a slash. What begins as a port is no password.
_CREDENTIALS = (
    r"""(?:[^/\s:@"'<>?#]*:(?:[^\d/\s@"'<>?#]|\d+[^\d/\s@"'<>?#])[^\s"'<>?#]*|[^/\s"'<>]+)@"""
)

# polars remembers 32 compiled expressions and compiling one takes as long as a thousand texts, so
# what belongs together is one expression: all of this module have to fit, with some room left.

# Secrets are found by what they are called or by a shape that nothing else has.
_SECRETS: tuple[tuple[str, str], ...] = (
    (
        rf"""(?is)((?:{_KEY}[\\"']*\s*[:=]|{_SHORT_KEY}|--(?:[\w-]+-)?{_KEY}\s)\s*){_SCHEME}{_VALUE}|({_COOKIES})(?:\[[^\]\r\n]*\]?|[^"'\r\n]+)""",
        "${1}${3}<secret>${2}",
    ),
    (rf"\b((?i:bearer|basic))\s+{_OPAQUE}", "${1} <secret>"),
    (rf"([A-Za-z][A-Za-z0-9+.-]*://){_CREDENTIALS}", "${1}<secret>@"),
    (
        r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"
        r"|\b(?:AKIA|ASIA|gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|[rs]k_live_|sk-|AIza)[A-Za-z0-9_-]{6,}"
        r"|(?s:-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
        "<secret>",
    ),
)

# Every secret above holds one of these: a message without any is not searched again.
_SUSPECT = r"(?i:passw|passphrase|pass[\\\"']*\s*[:=]|session[_-]?(?:id|key)|sessid|session[\\\"']*\s*[:=]|sid[\\\"']*\s*[:=]|otp[\\\"']*\s*[:=]|sig[\\\"']*\s*[:=]|cookie|pwd|secret|credential|authorization|key|token|bearer|basic|://|eyj|akia|asia|aiza|gh[oprsu]_|github_pat|glpat|xox|k_live|sk-)"

_STRUCTURES: tuple[tuple[str, str], ...] = (
    (r"\{[^{}]*\}|\[[^\[\]{}]*[,'\"=][^\[\]{}]*\]", "<data>"),
    (r"\([^(){}]*[,'\"=][^(){}]*\)", "(<data>)"),
)

# The rules see coarse text: every digit run is a single 0. Order matters, the specific first.
# The first of them take away what makes nearly every message differ: names in addresses, and the
# parts of a UUID that hold no digit.
_NARROWING: tuple[tuple[str, str], ...] = (
    (r"""[A-Za-z][A-Za-z0-9+.-]*://(?:<secret>@)?[^\s"'<>()\[\]{},;]+""", "<url>"),
    (r"[\w.%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "<email>"),
    (
        # With a gap (::) there must be a digit somewhere, or it is a::b of a program.
        r"(?:\b(?:0|[a-fA-F]{1,4}))?(?:::?(?:0|[a-fA-F]{1,4})){6,7}\b"
        r"|\b(?:[a-fA-F]{1,4}:)*0:(?:(?:0|[a-fA-F]{1,4}):)*:(?:(?:0|[a-fA-F]{1,4}):)*(?:0|[a-fA-F]{1,4})\b"
        r"|\b(?:[a-fA-F]{1,4}:)+:(?:[a-fA-F]{1,4}:)*0(?::(?:0|[a-fA-F]{1,4}))*\b",
        "<ip>",
    ),
    (
        r"\b(?:(?:0|[a-fA-F]{2}):){5}(?:0|[a-fA-F]{2})\b|\b(?:(?:0|[a-fA-F]{2})-){5}(?:0|[a-fA-F]{2})\b",
        "<mac>",
    ),
    (
        r"\b(?:0|[a-fA-F]{8})-(?:0|[a-fA-F]{4})-(?:0|[a-fA-F]{4})-(?:0|[a-fA-F]{4})-(?:0|[a-fA-F]{12})\b",
        "<uuid>",
    ),
)

_RULES: tuple[tuple[str, str], ...] = (
    (
        r"\b0[-/]0[-/]0[T ]0:0(?::0)?(?:[.,]0)?(?:Z|[+-]0(?::0)?)?"
        r"|\b0/[A-Z][a-z]{2}/0:0:0:0(?: [+-]0)?"
        r"|\b0:0:0(?:[.,]0)?\b"
        r"|\b0[-/]0[-/]0\b",
        "<timestamp>",
    ),
    (r"\b0\.0\.0\.0\b(?:/0)?", "<ip>"),
    (
        r"""(^|[\s"'(\[=:,|])(?:[A-Za-z]:|~|\.{1,2})?(?:[/\\][\w.@%+~:?&=#$*!-]+)+[/\\]?""",
        "${1}<path>",
    ),
    (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
    (r"(^|[\s(=:,\[])[-+]0\b", "${1}0"),
    (r"\b0(?:[.,]0)*([A-Za-z]{1,3})\b", "<num>${1}"),
    (r"\b0(?:[.,:]0)*\b%?", "<num>"),
    (r"\b[A-Za-z_]\w*0\w*|\b0\w+", "<id>"),
    (r"0+", "<num>"),
    # Words joined by hyphens are one identifier if a part of them varies.
    (
        r"[\w<>]*(?:-[\w<>]*)*<(?:num|id|hex|uuid)>(?:[\w<>]*-[\w<>]+)+|\b\w+(?:-\w+)*-<(?:num|id|hex|uuid)>",
        "<id>",
    ),
    # Structures dumped into a message are data, not text; from the inside out.
    *_STRUCTURES * 3,
    (r"[\[{(][^\[\]{}()]*[,'\"=:][^\[\]{}()]{40,}$", "<data>"),
    # A version such as 1:2.36-9+deb12u14 is one slot, whatever it is put together of.
    (r"<(?:num|id|hex)>(?:[.:+~_-]+<(?:num|id|hex)>)+", "<id>"),
    # A list of numbers is one slot, however long it is.
    (r"<num>(?:[ ,;|]+<num>)+", "<num>"),
)

_CONTROL = r"[\x00-\x1f\x7f\u{80}-\u{9f}\u{2028}\u{2029}\u{200e}\u{200f}\u{061c}\u{202a}-\u{202e}\u{2066}-\u{2069}]+"
"""Control characters and those that turn text around: a log must not write to a terminal."""

_ODD = f"{_SUSPECT}|{_CONTROL}"


@dataclass(frozen=True)
class Masker:
    """Turns messages into templates, and into samples that can be shown.

    extra:  (name, regular expression) pairs of the user's own, applied first; what they match
            becomes ``<name>``. Rust syntax: no look-around, so that time stays linear.
    """

    extra: tuple[tuple[str, str], ...] = ()
    _remembered: Remembered = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, pattern in self.extra:
            try:
                pl.Series([""]).str.contains(pattern)
            except pl.exceptions.ComputeError as error:
                said = re.search(
                    r"(?m)^(?:error|regex error): (?!regex parse)(.*?)\.?$", str(error)
                )
                reason = said[1] if said else "it does not compile"
                raise OptionError(f"mask {name}: not a regular expression ({reason})") from None
            if not re.fullmatch(r"[a-z][a-z_]*", name):
                raise OptionError(f"mask name {name!r}: use lower-case letters and '_' only")
        # Thirty rules cost more than all the rest, so the few that narrow go first: what they leave
        # was mostly seen before.
        finish = Remembered(_finish)
        refine = Remembered(lambda coarse: pl.Series(finish(_narrow(coarse)), dtype=pl.String))
        object.__setattr__(self, "_remembered", refine)

    def __reduce__(self) -> tuple[type[Masker], tuple[tuple[tuple[str, str], ...]]]:
        """To another process goes what it is, and not what it remembers."""
        return Masker, (self.extra,)

    def coarse(self, messages: pl.Series) -> pl.Series:
        """Collapse what mostly varies: String series → String series, a row a message."""
        if _longest(messages) > MAX_MESSAGE_CHARS:
            messages = messages.str.slice(0, MAX_MESSAGE_CHARS)
        for name, pattern in self.extra:
            messages = messages.str.replace_all(pattern, f"<{name}>")
        return messages.str.replace_all(_DIGITS, "0")

    def refine(self, coarse: pl.Series) -> pl.Series:
        """Make templates of coarse messages; meant for the distinct ones only."""
        return pl.Series(self._remembered(coarse), dtype=pl.String)

    def indexed(self, messages: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Message → template, as an index for each message, UInt32, and the distinct templates."""
        texts = self.coarse(messages)
        distinct = texts.unique()
        numbers = pl.Series(np.arange(len(distinct), dtype=np.uint32))
        return self._indexed(texts.replace_strict(distinct, numbers).to_numpy(), distinct)

    def indexed_spans(self, text: Bytes, events: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
        """Do the same to messages in an array of bytes (``SPAN_SCHEMA``), by compiled code.

        Masks of the user's own are not known to it.
        """
        from log_guard.core.compiled.coarse import coarse  # late: loading it takes its time

        begins, ends = events["begin"].to_numpy(), events["end"].to_numpy()
        codes, distinct = coarse(text, begins, ends, MAX_MESSAGE_CHARS)
        return self._indexed(codes, distinct)

    def _indexed(self, codes: np.ndarray, distinct: Iterable[str]) -> tuple[pl.Series, pl.Series]:
        numbers: dict[str, int] = {}
        refined = self._remembered(distinct)
        index = np.array([numbers.setdefault(t, len(numbers)) for t in refined], dtype=np.uint32)
        return pl.Series(index[codes]), pl.Series(list(numbers), dtype=pl.String)

    def templates(self, messages: pl.Series) -> pl.Series:
        """Message → template, row by row (the two steps together)."""
        index, templates = self.indexed(messages)
        return templates.gather(index)


class Remembered:
    """A function of texts, row by row, that is not computed again for a text seen lately."""

    def __init__(self, compute: Callable[[pl.Series], pl.Series]) -> None:
        self._compute = compute
        self._known: dict[str, str] = {}

    def __call__(self, texts: Iterable[str]) -> list[str]:
        """Texts → results, as many."""
        known = self._known
        wanted = list(texts)
        fresh = list({text: None for text in wanted if text not in known})
        if fresh:
            if len(known) + len(fresh) > MAX_CACHED:
                known.clear()
                fresh = list(dict.fromkeys(wanted))
            found = self._compute(pl.Series(fresh, dtype=pl.String)).to_list()
            known.update(zip(fresh, found, strict=True))
        return [known[text] for text in wanted]


def _masking(rules: Sequence[tuple[str, str]]) -> pl.Expr:
    """Replace by all rules, one after another: one query, for each costs as much as a hundred texts."""
    text = pl.col("text")
    for pattern, placeholder in rules:
        text = text.str.replace_all(pattern, placeholder)
    return text


_WITHOUT_SECRETS = _masking(_SECRETS)
_SHOWN = _masking((*_SECRETS, (_CONTROL, " ")))
_NARROWED = _masking(_NARROWING)
_FINISHED = _masking(_RULES).str.strip_chars().str.slice(0, MAX_TEMPLATE_CHARS)


def _masked(texts: pl.Series, masks: pl.Expr) -> pl.Series:
    return texts.to_frame("text").select(masks).to_series()


def _narrow(coarse: pl.Series) -> pl.Series:
    """What is left of the first line without secrets, addresses and ids."""
    # Few texts have a secret or a second line, so it is asked first which.
    odd = coarse.str.contains(_ODD).arg_true()
    if len(odd):
        clean = _masked(one_line(coarse.gather(odd)), _WITHOUT_SECRETS)
        coarse = coarse.clone().scatter(odd, clean)
    return _masked(coarse, _NARROWED)


def _finish(narrowed: pl.Series) -> pl.Series:
    return _masked(narrowed, _FINISHED)


def one_line(messages: pl.Series) -> pl.Series:
    """First line of each message and, of a stack trace below it, the exception's class."""
    if not messages.str.contains("\n", literal=True).any():
        return messages.str.replace_all(_CONTROL, " ")
    exception = messages.str.extract(_EXCEPTION, 1)
    head = messages.str.strip_chars_start("\n").str.extract(r"^([^\n]*)", 1)
    frame = pl.DataFrame({"whole": messages, "head": head, "exception": exception})
    more = pl.col("whole").str.contains("\n", literal=True) & pl.col("exception").is_not_null()
    shown = pl.when(more).then(pl.format("{} | {}", "head", "exception")).otherwise(pl.col("head"))
    return frame.select(shown.alias("text"))["text"].str.replace_all(_CONTROL, " ")


def without_secrets(texts: pl.Series) -> pl.Series:
    """Texts with their secrets replaced as those of messages are, and otherwise as they were."""
    return _masked(texts, _WITHOUT_SECRETS)


def redact(messages: pl.Series) -> pl.Series:
    """Messages as people may see them: secrets removed, control characters gone, cut to length."""
    # Few messages are long or odd, so it is asked first which: a pass that changes nothing costs
    # as much as one that does.
    if _longest(messages) > MAX_MESSAGE_CHARS:
        messages = messages.str.slice(0, MAX_MESSAGE_CHARS)
    odd = messages.str.contains(_ODD).arg_true()
    text = messages
    if len(odd):
        text = messages.clone().scatter(odd, _masked(messages.gather(odd), _SHOWN))
    if _longest(text) <= MAX_SAMPLE_CHARS:
        return text
    cut = pl.col("text").str.len_chars() > MAX_SAMPLE_CHARS
    shown = pl.when(cut).then(pl.col("text").str.slice(0, MAX_SAMPLE_CHARS - 1) + "…")
    return text.alias("text").to_frame().select(shown.otherwise(pl.col("text")))["text"]


def _longest(texts: pl.Series) -> int:
    """Bytes of the longest, which are at least as many as its characters."""
    return int(texts.str.len_bytes().to_numpy().max(initial=0))


def clean_names(names: pl.Series) -> pl.Series:
    """Names as they can be shown and told apart: no control characters, not too long, never ``*``.

    A lone ``*`` is the whole stream's name; a service that calls itself so is shown as ``(*)``.
    """
    odd = names.str.contains(_CONTROL) | (names == "*") | (names.str.len_bytes() > MAX_NAME_CHARS)
    if not odd.any():
        return names
    shown = names.str.replace_all(_CONTROL, " ").str.slice(0, MAX_NAME_CHARS)
    return shown.replace("*", "(*)")


def mask_one(message: str, extra: Sequence[tuple[str, str]] = ()) -> str:
    """Return the template of one message (for explanations and tests, not for streams)."""
    return str(Masker(tuple(extra)).templates(pl.Series([message]))[0])
