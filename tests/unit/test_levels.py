"""Levels: every spelling of a severity, as a word or a number, comes to one scale."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.decoding.levels import LEVEL_WORDS, Scale, infer_levels, normalise_levels
from log_guard.core.events import Level


def level(text: str | None, scale: Scale = "pino") -> Level:
    return Level(normalise_levels(pl.Series([text], dtype=pl.String), scale=scale)[0])


def inferred(message: str | None) -> Level:
    return Level(infer_levels(pl.Series([message], dtype=pl.String))[0])


class TestNormalise:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("trace verbose finest t", Level.TRACE),
            ("debug dbg fine d", Level.DEBUG),
            ("info information informational notice i success", Level.INFO),
            ("warn warning w", Level.WARN),
            ("error err severe e", Level.ERROR),
            ("fatal critical crit panic emerg emergency alert f c", Level.FATAL),
            ("INF WRN DBG FTL VRB TRC", None),
        ],
    )
    def test_words_in_any_case_and_bracketed(self, words: str, expected: Level | None) -> None:
        short = dict(
            zip(["INF", "WRN", "DBG", "FTL", "VRB", "TRC"], (3, 4, 2, 6, 1, 1), strict=True)
        )
        for word in words.split():
            want = Level(short[word]) if expected is None else expected
            for spelling in (word, word.upper(), word.title(), f"[{word}]", f"<{word}>"):
                assert level(spelling) is want, spelling
            assert level(f"  {word} ") is want
            assert level(f"[ {word} ]") is want
            assert level(f"{word}:") is want

    @pytest.mark.parametrize(
        "text", [None, "", " ", "[]", "loud", "-", "é", "inf?", "1e999", "nan"]
    )
    def test_what_is_no_level_is_unspecified(self, text: str | None) -> None:
        assert level(text) is Level.UNSPECIFIED

    @pytest.mark.parametrize(
        ("scale", "numbers", "expected"),
        [
            ("pino", (10, 19), Level.TRACE),
            ("pino", (20,), Level.DEBUG),
            ("pino", (30, 35), Level.INFO),
            ("pino", (40,), Level.WARN),
            ("pino", (50,), Level.ERROR),
            ("pino", (60,), Level.FATAL),
            ("pino", (-10, 0, 9, 1000), Level.UNSPECIFIED),
            ("syslog", (0, 1, 2), Level.FATAL),
            ("syslog", (3,), Level.ERROR),
            ("syslog", (4,), Level.WARN),
            ("syslog", (5, 6), Level.INFO),
            ("syslog", (7,), Level.DEBUG),
            ("syslog", (-1, 8), Level.UNSPECIFIED),
            ("otel", (1, 4), Level.TRACE),
            ("otel", (5, 8), Level.DEBUG),
            ("otel", (9, 12), Level.INFO),
            ("otel", (13, 16), Level.WARN),
            ("otel", (17, 20), Level.ERROR),
            ("otel", (21, 24), Level.FATAL),
            ("otel", (0, 25), Level.UNSPECIFIED),
        ],
    )
    def test_numbers_by_scale(
        self, scale: Scale, numbers: tuple[int, ...], expected: Level
    ) -> None:
        for number in numbers:
            assert level(str(number), scale) is expected
            assert level(f"{number}.0", scale) is expected

    def test_words_do_not_depend_on_the_scale(self) -> None:
        for scale in ("pino", "syslog", "otel"):
            assert level("warning", scale) is Level.WARN

    @given(st.lists(st.none() | st.sampled_from(sorted(LEVEL_WORDS)) | st.text(max_size=8)))
    def test_a_row_does_not_depend_on_its_neighbours(self, texts: list[str | None]) -> None:
        raw = pl.Series("severity", texts, dtype=pl.String)
        levels = normalise_levels(raw)
        assert levels.name == "severity"
        assert levels.dtype == pl.UInt8
        assert levels.to_list() == [level(text) for text in texts]


class TestInfer:
    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            ("ERROR cannot connect", Level.ERROR),
            ("worker-3 WARN queue is long", Level.WARN),
            ("main WARNING: disk 91% full", Level.WARN),
            ("(INFO) started", Level.INFO),
            ("x|DEBUG|y", Level.DEBUG),
            ("TRACE enter", Level.TRACE),
            ("FATAL out of memory", Level.FATAL),
            ("CRITICAL fan stopped", Level.FATAL),
            ("SEVERE: Servlet.service() threw", Level.ERROR),
            ("PANIC: could not write", Level.FATAL),
            ("[error] 12#0: *1 upstream timed out", Level.ERROR),
            ("db [ warn ] slow query", Level.WARN),
            ("<info> device eth0: link up", Level.INFO),
            ("caller=main.go level=debug done", Level.DEBUG),
            ('level="warning" done', Level.WARN),
            ("INFO retry after ERROR", Level.INFO),
            ("[warn] retry after ERROR", Level.WARN),
        ],
    )
    def test_a_level_near_the_beginning(self, message: str, expected: Level) -> None:
        assert inferred(message) is expected

    @pytest.mark.parametrize(
        "message",
        [
            None,
            "",
            "no error at all",
            "Information desk",
            "INFORMATION",
            "NO_ERROR",
            "ERRORS",
            "xlevel=error",
            "level=loud",
            "[errors]",
            "a" * 81 + " ERROR",
        ],
    )
    def test_no_level(self, message: str | None) -> None:
        assert inferred(message) is Level.UNSPECIFIED

    @given(st.lists(st.text(max_size=100)))
    def test_a_row_does_not_depend_on_its_neighbours(self, texts: list[str]) -> None:
        levels = infer_levels(pl.Series("message", texts, dtype=pl.String))
        assert levels.name == "message"
        assert levels.to_list() == [inferred(text) for text in texts]
