"""Numbers of payment cards: 13 to 19 digits with the right check digit, in a row or in the groups of cards."""

from __future__ import annotations

import re

CARD_LIKE = r"[0-9](?:[ -]?[0-9]){12}"
"""Found in every text with a card in it. Any first digit: with those of cards alone a search can begin anew
within another, and takes twice as long."""

_SHAPES = (
    r"[2-6][0-9]{12,18}",
    r"[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}",
    r"[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{1,3}",
    r"3[0-9]{3}([ -])[0-9]{6}\1[0-9]{4,5}",
)
# Not within a word or another number: the digits of a fraction are often as many.
_CARDS = tuple(re.compile(rf"(?<!\w)(?<![0-9]\.){shape}(?!\w|\.[0-9])") for shape in _SHAPES)


def without_cards(text: str) -> str:
    """The text with ``<secret>`` for each card; what fails the check is a number and stays."""
    for card in _CARDS:
        text = card.sub(_hidden, text)
    return text


def _hidden(found: re.Match[str]) -> str:
    return "<secret>" if _checks(re.sub("[ -]", "", found[0])) else found[0]


def _checks(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1): every second digit from the right doubled, digit sums, in all a multiple of 10."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return 13 <= len(digits) <= 19 and (sum(doubled) + sum(map(int, digits[::-2]))) % 10 == 0
