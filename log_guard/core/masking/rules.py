"""What varies in a message, as regular expressions with their placeholders."""

from __future__ import annotations

_STRUCTURES: tuple[tuple[str, str], ...] = (
    (r"\{[^{}]*\}|\[[^\[\]{}]*[,'\"=][^\[\]{}]*\]", "<data>"),
    (r"\([^(){}]*[,'\"=][^(){}]*\)", "(<data>)"),
)

# A UUID in base64, as Kafka and Elasticsearch write them: 22 characters, the last of which holds two bits. One in
# forty has no digit; a name of so many letters seldom has two capitals after a small one.
_LETTERS = 18
_BASE64_UUID = "|".join(
    rf"\b[A-Za-z_-]{{{n}}}[a-z][A-Z]{{2}}[A-Za-z_-]{{{_LETTERS - n}}}[AQgw]\b"
    for n in range(_LETTERS + 1)
)

# The rules see coarse text: every digit run is a single 0. Order matters, the specific first.
# The first of them take away what makes nearly every message differ: names in addresses, and the
# parts of a UUID that hold no digit.
NARROWING: tuple[tuple[str, str], ...] = (
    (r"""[A-Za-z][A-Za-z0-9+.-]*://(?:<secret>@)?(?:[^\s"'<>()\[\]{},;]|<secret>)+""", "<url>"),
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

RULES: tuple[tuple[str, str], ...] = (
    (
        r"\b0[-/]0[-/]0[T ]0:0(?::0)?(?:[.,]0)?(?:Z|[+-]0(?::0)?)?"
        r"|\b0/[A-Z][a-z]{2}/0:0:0:0(?: [+-]0)?"
        r"|\b0:0:0(?:[.,]0)?\b"
        r"|\b0[-/]0[-/]0\b",
        "<timestamp>",
    ),
    (r"\b0\.0\.0\.0\b(?:/0)?", "<ip>"),
    (
        r"""(^|[\s"'(\[=:,|])(?:[A-Za-z]:|~|\.{1,2})?(?:[/\\](?:[\w.@%+~:?&=#$*!-]|<secret>)+)+[/\\]?""",
        "${1}<path>",
    ),
    (r"\b0[xX][0-9a-fA-F]+\b", "<hex>"),
    (r"(^|[\s(=:,\[])[-+]0\b", "${1}0"),
    (r"\b0(?:[.,]0)*([A-Za-z]{1,3})\b", "<num>${1}"),
    (r"\b0(?:[.,:]0)*\b%?", "<num>"),
    (rf"\b[A-Za-z_]\w*0\w*|\b0\w+|\b(?:[a-f]{{8,}}|[A-F]{{8,}})\b|{_BASE64_UUID}", "<id>"),
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
    # So is what Dovecot names a session by: base64 in angle brackets, behind its name or a process.
    (
        r"<(?:num|id|hex)>(?:[.:+~_-]+<(?:num|id|hex)>)+"
        r"|(session=<|<num>><)(?:[A-Za-z+/=]|<(?:num|id|hex)>)+(>)",
        "${1}<id>${2}",
    ),
    # A list of numbers is one slot, however long it is.
    (r"<num>(?:[ ,;|]+<num>)+", "<num>"),
)
