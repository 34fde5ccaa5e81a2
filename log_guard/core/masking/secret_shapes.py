"""How secrets look: found by what they are called, or by a shape that nothing else has."""

from __future__ import annotations

from log_guard.core.masking.cards import CARD_LIKE

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

# A password as prose tells it: in quotes, or opaque.
_TOLD = (
    rf"""((?i:{_KEY}\s+(?:is|was)))\s+(?:{_OPAQUE}|"[^"]*"?|'[^']*'?)"""
    r"""|((?i:passw(?:or)?d|passphrase|pwd))\s+(?:"[^"]*"?|'[^']*'?)"""
)

# After a space alone, what cannot be a word: eight characters with a digit, or capitals as in no name. Kubernetes' names of secrets have
# digits, among hyphens. A path, an option or a date is no password, nor what stands before "=" or ":".
_ANY = r"[!#-%*+./\d?@A-Z\\^_`a-z|~-]"
_FIRST = r"[!#-%+?@A-Z^_`a-z|]"
_DIGIT_WITHIN = "|".join(
    (
        *(rf"{_FIRST}{_ANY}{{{n}}}\d{_ANY}{{{6 - n},}}" for n in range(6)),
        rf"{_FIRST}{_ANY}{{6,}}\d{_ANY}*",
        rf"\d+[A-Za-z]{_ANY}{{6,}}",
    )
)
# A token has digits at two places among its letters, is long, or has capitals as in no name and a digit:
# sha256withrsa, utf8mb4_bin and the like are words.
_ODD = r"[a-z][A-Z](?:[A-Z]|[a-z][A-Z])"
_ODD_CAPITALS = rf"{_FIRST}{_ANY}*{_ODD}{_ANY}*"
_TOKEN = (
    r"[A-Za-z_]*[0-9]+[A-Za-z]+[0-9][A-Za-z0-9]{5}[A-Za-z0-9_-]*"
    rf"|[A-Za-z0-9_-]*(?:[0-9][A-Za-z0-9_-]*{_ODD}|{_ODD}[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]*"
    r"|[A-Za-z]*[0-9][A-Za-z0-9]{24}[A-Za-z0-9_-]*"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
_SPACED = (
    rf"(?:((?i:passw(?:or)?d|passphrase|pwd))\s+(?:{_DIGIT_WITHIN}|{_ODD_CAPITALS})"
    rf"|((?i:secret(?:\s(?:access\s)?key)?))\s+(?:[A-Za-z]+\d[A-Za-z\d]{{8,}}|{_ODD_CAPITALS})"
    rf"|((?i:api[ _-]?key|access[ _-]key|token))\s+(?:{_TOKEN}))"
    r"""=*(:?\s|["',;&)}\]]|:?$)"""
)

# Up to its last @, for a password may hold one, or a slash. What begins as a port is no password.
_CREDENTIALS = (
    r"""(?:[^/\s:@"'<>?#]*:(?:[^\d/\s@"'<>?#]|\d+[^\d/\s@"'<>?#])[^\s"'<>?#]*|[^/\s"'<>]+)@"""
)

SECRETS: tuple[tuple[str, str], ...] = (
    (
        rf"""(?is)((?:{_KEY}[\\"']*\s*[:=]|{_SHORT_KEY}|--(?:[\w-]+-)?{_KEY}\s)\s*){_SCHEME}{_VALUE}|({_COOKIES})(?:\[[^\]\r\n]*\]?|[^"'\r\n]+)""",
        "${1}${3}<secret>${2}",
    ),
    (
        rf"\b((?i:bearer|basic))\s+{_OPAQUE}|{_TOLD}|{_SPACED}",
        "${1}${2}${3}${4}${5}${6} <secret>${7}",
    ),
    (rf"([A-Za-z][A-Za-z0-9+.-]*://){_CREDENTIALS}", "${1}<secret>@"),
    (
        r"""([?&](?i:code)=)[^\s"'<>()\[\]{},;&#]{16,}"""
        r"""|(hooks\.slack\.com/[a-z]+/|discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/)[\w/-]+"""
        r"""|(\b(?i:cv[vc]2?)\\*["']?\s*[:=]?\s*\\*["']?)\d{3,4}\b"""
        r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"
        r"|\b(?:AKIA|ASIA|gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|[rs]k_live_|sk-|AIza)[A-Za-z0-9_-]{6,}"
        r"|(?s:-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\z))",
        "${1}${2}${3}<secret>",
    ),
)

# Every secret, a card or one of those above, holds one of these: a message without any is not searched again.
SUSPECT = rf"(?i:passw|passphrase|pass[\\\"']*\s*[:=]|session[_-]?(?:id|key)|sessid|session[\\\"']*\s*[:=]|sid[\\\"']*\s*[:=]|otp[\\\"']*\s*[:=]|sig[\\\"']*\s*[:=]|cookie|pwd|secret|credential|authorization|key|token|bearer|basic|://[^\s\"'<>]+@|eyj|akia|asia|aiza|gh[oprsu]_|github_pat|glpat|xox|k_live|sk-|[?&]code=|hooks\.slack|discord|cv[vc])|{CARD_LIKE}"
