"""Levels: every spelling of a severity, as a word or a number, comes to one scale."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_guard.core.decoding.formats.json_record import parse_record
from log_guard.core.decoding.levels import LEVEL_WORDS, infer_levels, normalise_levels
from log_guard.core.events import Level


def level(text: str | None) -> Level:
    return Level(normalise_levels(pl.Series([text], dtype=pl.String))[0])


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
        ("numbers", "expected"),
        [
            ((10, 19), Level.TRACE),
            ((20,), Level.DEBUG),
            ((30, 35), Level.INFO),
            ((40,), Level.WARN),
            ((50,), Level.ERROR),
            ((60,), Level.FATAL),
            ((-10, 0, 9, 1000), Level.UNSPECIFIED),
        ],
    )
    def test_numbers_of_pino(self, numbers: tuple[int, ...], expected: Level) -> None:
        for number in numbers:
            assert level(str(number)) is expected
            assert level(f"{number}.0") is expected

    @pytest.mark.parametrize(
        ("field", "numbers", "expected"),
        [
            ("PRIORITY", (0, 1, 2), Level.FATAL),
            ("PRIORITY", (3,), Level.ERROR),
            ("PRIORITY", (4,), Level.WARN),
            ("PRIORITY", (5, 6), Level.INFO),
            ("PRIORITY", (7,), Level.DEBUG),
            ("PRIORITY", (-1, 8), Level.UNSPECIFIED),
            ("severityNumber", (1, 4), Level.TRACE),
            ("severityNumber", (5, 8), Level.DEBUG),
            ("severityNumber", (9, 12), Level.INFO),
            ("severityNumber", (13, 16), Level.WARN),
            ("severityNumber", (17, 20), Level.ERROR),
            ("severityNumber", (21, 24), Level.FATAL),
            ("severityNumber", (0,), Level.UNSPECIFIED),
        ],
    )
    def test_numbers_of_syslog_and_opentelemetry(
        self, field: str, numbers: tuple[int, ...], expected: Level
    ) -> None:
        for number in numbers:
            record = json.dumps({"timestamp": "2026-01-01T00:00:00Z", field: number}).encode()
            assert level(parse_record(record)[1]) is expected

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
