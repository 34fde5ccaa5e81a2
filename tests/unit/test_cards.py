"""Numbers of cards are secrets, however their digits are grouped; other long numbers are none."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.masking import mask_one, redact, without_secrets
from log_guard.core.masking.cards import without_cards

# Those that the schemes publish for tests.
CARDS = [
    "4222222222222",
    "30569309025904",
    "378282246310005",
    "4111111111111111",
    "5555555555554444",
    "2223003122003222",
    "6011111111111117",
    "3530111333300000",
]
GROUPS = {13: (4, 4, 4, 1), 14: (4, 6, 4), 15: (4, 6, 5), 16: (4, 4, 4, 4), 19: (4, 4, 4, 4, 3)}


def grouped(digits: str, by: str) -> str:
    parts, rest = [], digits
    for size in GROUPS[len(digits)]:
        parts.append(rest[:size])
        rest = rest[size:]
    return by.join(parts)


def off_by_one(digits: str) -> str:
    """Any single wrong digit fails the check."""
    return digits[:-1] + str((int(digits[-1]) + 1) % 10)


@pytest.mark.parametrize("by", ["", " ", "-"])
@pytest.mark.parametrize("card", [*CARDS, "4000000000000000006"])
def test_cards_are_hidden_and_other_numbers_are_not(card: str, by: str) -> None:
    for text in ("paid with {} in 200 ms", "{}", 'card="{}", ok', "{} 200 OK", "no.{}."):
        assert without_cards(text.format(grouped(card, by))) == text.format("<secret>")
        other = text.format(grouped(off_by_one(card), by))
        assert without_cards(other) == other


@given(st.text("0123456789 -", max_size=40), st.sampled_from(CARDS), st.sampled_from(["", " "]))
def test_what_is_shown_of_a_message_holds_no_card(around: str, card: str, by: str) -> None:
    message = f"{around}; card {grouped(card, by)}, {around}"
    for shown in (redact(pl.Series([message])), without_secrets(pl.Series([message]))):
        assert grouped(card, by) not in shown[0]
    assert card not in mask_one(message)


def test_a_template_is_the_same_whether_a_number_is_a_card_or_not() -> None:
    templates = {mask_one(f"paid with {n} ok") for n in (CARDS[3], off_by_one(CARDS[3]))}
    assert templates == {"paid with <num> ok"}
