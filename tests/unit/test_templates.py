from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.masking import Masker, mask_one, redact
from log_guard.errors import OptionError


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("paid txn_552216, amount: $705.61", "paid <id>, amount: $<num>"),
        ("from 10.0.0.1:8080 took 336ms", "from <ip>:<num> took <num>ms"),
        ("mail alice@example.com", "mail <email>"),
        ("see https://example.com/a?b=1 now", "see <url> now"),
        ("GET /api/v1/users/123 done", "GET <path> done"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id <uuid>"),
        ("at 0x7f92b0bd8740", "at <hex>"),
        ("mac fa:16:3e:00:11:22 up", "mac <mac> up"),
        ("since 2026-01-01T00:00:00.123Z", "since <timestamp>"),
        ("since 2026-01-01 10:00:00,123", "since <timestamp>"),
        ("node-3 and sha256", "<id> and <id>"),
        ("n/a and/or", "n/a and/or"),
        ("sizes 1, 2, 3 of 9", "sizes <num> of <num>"),
        ("call(a=1, b='x') -> {'k': [1, 2]}", "call(<data>) -> <data>"),
        ("boom\nTraceback (most recent call last):\n  x\nValueError: bad 3", "boom | ValueError"),
        ("Größe 5", "Größe <num>"),
        ("tab\there \x1b[31mred", "tab here <num>mred"),
        ("", ""),
    ],
)
def test_templates(message: str, template: str) -> None:
    if "\x1b" in message:
        assert "\x1b" not in mask_one(message)
    else:
        assert mask_one(message) == template


@pytest.mark.parametrize(
    "secret",
    [
        "password=hunter2x",
        "token: hunter2x",
        "Authorization: Bearer hunter2xhunter2x",
        "api_key='hunter2x'",
        '"client_secret": "hunter2x"',
        "postgres://bob:hunter2x@db/app",
        "key AKIAHUNTER2XHUNTER2X",
        "jwt eyJhunter2x.eyJhunter2x.hunter2x",
    ],
)
def test_secrets_survive_nowhere(secret: str) -> None:
    assert "unter2x" not in redact(pl.Series([f"login {secret} ok"]))[0]
    assert "unter" not in mask_one(f"login {secret} ok").lower().replace("hunting", "")


@given(st.lists(st.text(max_size=60), min_size=1, max_size=20))
def test_a_template_depends_on_its_message_alone(messages: list[str]) -> None:
    masker = Masker()
    together = masker.templates(pl.Series(messages)).to_list()
    assert together == [masker.templates(pl.Series([m]))[0] for m in messages]


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_numbers_do_not_make_templates(a: int, b: int) -> None:
    assert mask_one(f"user {a} left") == mask_one(f"user {b} left")


def test_a_pattern_of_the_users_own() -> None:
    assert (
        mask_one("order AB-XY shipped", [("order", r"[A-Z]{2}-[A-Z]{2}")])
        == "order <order> shipped"
    )


def test_a_wrong_pattern_is_refused() -> None:
    with pytest.raises(OptionError, match="not a regular expression"):
        Masker((("x", "("),))
