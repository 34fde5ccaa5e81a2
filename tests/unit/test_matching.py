"""What the formats that are regular expressions share."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from log_guard.core.decoding.formats.matching import cut, groups

RECORDS = st.lists(st.none() | st.text("a1 :\né", max_size=12), max_size=12)
HEAD = "^(?P<word>[a-z]+)(?P<number>[0-9])? *:?"


@given(RECORDS)
def test_a_record_is_cut_in_two(records: list[str | None]) -> None:
    head, rest = cut(pl.Series(records, dtype=pl.String), HEAD)
    for record, one, other in zip(records, head, rest, strict=True):
        found = None if record is None else re.match(HEAD, record)
        assert (one, other) == (
            (None, None)
            if record is None
            else (found[0], record[len(found[0]) :])
            if found
            else ("", record)
        )


@pytest.mark.parametrize("times", [1, 5])
@given(RECORDS)
def test_groups_are_the_same_however_many_texts_are_alike(
    times: int, records: list[str | None]
) -> None:
    texts = pl.Series("g", records * times, dtype=pl.String)
    expected = texts.to_frame().select(pl.col("g").str.extract_groups(HEAD)).unnest("g")
    assert_frame_equal(groups(texts, HEAD), expected)
