"""The values that vary in a message.

A field is written ``{name}`` or ``{name:argument}`` in a text. It becomes a piece of a printf-style
format and the columns that fill it, drawn for many messages at a time. Values are plain ASCII that
needs no escaping in JSON; addresses come from the ranges and domains reserved for documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Columns = tuple[list[object], ...]
Draw = Callable[[np.random.Generator, int], Columns]


@dataclass(frozen=True, slots=True)
class Field:
    """A kind of value: ``form`` is its printf piece, ``draw(rng, n)`` gives the columns for it."""

    form: str
    draw: Draw


def field(name: str, argument: str = "") -> Field:
    """The field called ``name``; KeyError if there is none."""
    return _FIELDS[name](argument)


def hexadecimal(rng: np.random.Generator, n: int, digits: int) -> list[str]:
    """``n`` random words of ``digits`` hexadecimal digits (an even number)."""
    text = rng.bytes(n * digits // 2).hex()
    return [text[i : i + digits] for i in range(0, n * digits, digits)]


def choose(rng: np.random.Generator, n: int, values: tuple[str, ...]) -> list[object]:
    """``n`` of the values, each equally likely."""
    return [values[i] for i in rng.integers(len(values), size=n).tolist()]


_FIRST = ("ana", "ben", "carla", "dev", "elif", "finn", "grace", "hiro", "ines", "jonas", "kemi")
_LAST = ("abe", "berg", "costa", "diaz", "evans", "fofana", "gupta", "huang", "ito", "jansen")
_DOMAINS = ("example.com", "example.net", "example.org", "mail.example.com")
CLIENT_NETS = ("192.0.2", "198.51.100", "203.0.113")
_RESOURCES = ("orders", "carts", "products", "users", "payments", "stock", "sessions", "invoices")
_SITES = ("cdn.example.com", "hooks.example.net", "files.example.org", "api.example.net")


def _whole(argument: str) -> Field:
    """``{int:low,high}``: a whole number, both ends included."""
    low, high = (int(end) for end in argument.split(","))
    return Field("%d", lambda rng, n: (rng.integers(low, high + 1, n).tolist(),))


def _decimal(argument: str) -> Field:
    """``{dec:low,high}``: a number with one decimal."""
    low, high = (float(end) for end in argument.split(","))
    return Field("%.1f", lambda rng, n: (rng.uniform(low, high, n).tolist(),))


def _milliseconds(argument: str) -> Field:
    """``{ms:median}``: a duration in whole milliseconds, skewed as durations are."""
    median = float(argument)

    def draw(rng: np.random.Generator, n: int) -> Columns:
        return (np.ceil(median * np.exp(rng.normal(0.0, 0.5, n))).astype(np.int64).tolist(),)

    return Field("%d", draw)


def _one(argument: str) -> Field:
    """``{one:a|b|c}``: one of a few words."""
    words = tuple(argument.split("|"))
    return Field("%s", lambda rng, n: (choose(rng, n, words),))


def _hex(argument: str) -> Field:
    """``{hex:digits}``: a hexadecimal word."""
    digits = int(argument)
    return Field("%s", lambda rng, n: (list(hexadecimal(rng, n, digits)),))


def _uuid(_: str) -> Field:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        words = hexadecimal(rng, n, 32)
        return ([f"{w[:8]}-{w[8:12]}-4{w[13:16]}-a{w[17:20]}-{w[20:]}" for w in words],)

    return Field("%s", draw)


def _client_ip(_: str) -> Field:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        return choose(rng, n, CLIENT_NETS), rng.integers(1, 255, n).tolist()

    return Field("%s.%d", draw)


def _internal_ip(_: str) -> Field:
    return Field("10.%d.%d.%d", lambda rng, n: tuple(rng.integers(1, 255, (3, n)).tolist()))


def _email(_: str) -> Field:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        number = rng.integers(1, 100, n).tolist()
        return choose(rng, n, _FIRST), choose(rng, n, _LAST), number, choose(rng, n, _DOMAINS)

    return Field("%s.%s%d@%s", draw)


def _amount(_: str) -> Field:
    return Field("%.2f", lambda rng, n: (rng.lognormal(3.6, 1.0, n).tolist(),))


def _route(_: str) -> Field:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        return choose(rng, n, _RESOURCES), rng.integers(1, 1_000_000, n).tolist()

    return Field("/api/v2/%s/%d", draw)


def _url(_: str) -> Field:
    def draw(rng: np.random.Generator, n: int) -> Columns:
        return choose(rng, n, _SITES), choose(rng, n, _RESOURCES), list(hexadecimal(rng, n, 8))

    return Field("https://%s/%s/%s", draw)


def _file(argument: str) -> Field:
    """``{file:folder}``: a path under that folder of /srv."""
    form = f"/srv/{argument}/%s-%d.%s"

    def draw(rng: np.random.Generator, n: int) -> Columns:
        number = rng.integers(1, 100_000, n).tolist()
        return choose(rng, n, _RESOURCES), number, choose(rng, n, ("csv", "json", "pdf"))

    return Field(form, draw)


def _numbered(prefix: str, digits: int) -> Callable[[str], Field]:
    """An identifier such as ``ORD-0012345``."""

    def make(_: str) -> Field:
        top = 10**digits
        return Field(f"{prefix}%0{digits}d", lambda rng, n: (rng.integers(top, size=n).tolist(),))

    return make


_FIELDS: dict[str, Callable[[str], Field]] = {
    "amount": _amount,
    "dec": _decimal,
    "email": _email,
    "file": _file,
    "hex": _hex,
    "int": _whole,
    "internal_ip": _internal_ip,
    "ip": _client_ip,
    "ms": _milliseconds,
    "one": _one,
    "order": _numbered("ORD-", 7),
    "payment": _numbered("pay_", 8),
    "route": _route,
    "sku": _numbered("SKU-", 5),
    "url": _url,
    "user": _numbered("usr_", 6),
    "uuid": _uuid,
}
