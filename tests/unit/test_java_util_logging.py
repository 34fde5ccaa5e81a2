"""java.util.logging's default: two lines an event, the level on the second."""

from __future__ import annotations

import pytest

from log_guard.core.decoding.decode import Decoder
from log_guard.core.decoding.formats import FORMATS, recognise
from log_guard.core.events import Level, RawBatch

LOG = """\
Jan 1, 2026 12:00:00 AM com.example.Cart <init>
INFO: up
Jan 1, 2026 11:59:59 PM com.example.Cart empty
SEVERE: lost: 7
java.io.IOException: gone
\tat com.example.Cart.empty(Cart.java:7)
Jan 2, 2026 12:00:00 PM com.example.Cart empty
said without a level
"""


@pytest.mark.parametrize("gap", [" ", "\u202f"])
def test_the_level_and_the_message_are_those_of_the_second_line(gap: str) -> None:
    text = LOG.replace(" AM", f"{gap}AM").replace(" PM", f"{gap}PM")
    assert recognise(text.splitlines()) is FORMATS["plain"]
    decoded = Decoder(FORMATS["plain"]).decode(RawBatch(text.encode(), 1, multiline=True))
    assert decoded.dead == []
    assert decoded.events.select("position", "level", "message").rows() == [
        (1, Level.INFO, "up"),
        (
            3,
            Level.ERROR,
            "lost: 7\njava.io.IOException: gone\n\tat com.example.Cart.empty(Cart.java:7)",
        ),
        (7, Level.UNSPECIFIED, "com.example.Cart empty\nsaid without a level"),
    ]
    midnight, evening, noon = decoded.events["time"].to_list()
    assert (evening - midnight, noon - midnight) == (86_399_000_000, 129_600_000_000)
