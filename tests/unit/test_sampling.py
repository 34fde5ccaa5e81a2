"""Raw lines as they are shown: of a stack trace, what happened and why."""

from __future__ import annotations

import polars as pl
import pytest

from log_guard.core.masking import MAX_SAMPLE_CHARS
from log_guard.core.summarising.sampling import sample_texts

FRAMES = "".join(f"\n\tat com.example.Deep.call{i}(Deep.java:{i})" for i in range(200))


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("order 7 placed", "order 7 placed"),
        ("order 7\nplaced", "order 7 placed"),
        (
            f"request 7 failed\njava.lang.IllegalStateException: no{FRAMES}"
            f"\nCaused by: java.io.IOException: broken{FRAMES}\nCaused by: a.b.Gone: by peer{FRAMES}",
            "request 7 failed … Caused by: a.b.Gone: by peer",
        ),
        (
            'job 3 broke\nTraceback (most recent call last):\n  File "x.py", line 3\nKeyError: 1\n\n'
            'During handling of the above\n\n  File "y.py", line 9\napp.errors.JobError: no such job',
            "job 3 broke … app.errors.JobError: no such job",
        ),
        (
            "load failed\nTraceback (most recent call last):\nOSError: before\n\nDuring handling of the above "
            "exception, another exception occurred:\n\nTraceback (most recent call last):\n  File\nRefusedError: 111\n\n"
            "The above exception was the direct cause of the following exception:\n\n"
            "Traceback (most recent call last):\n  File\nRuntimeError: no user",
            "load failed … Caused by: RefusedError: 111",
        ),
        ("ValueError: bad\n  at line 3", "ValueError: bad   at line 3"),
        (
            "it said password='a\nCaused by: token=abc",
            "it said password=<secret> … Caused by: token=<secret>",
        ),
    ],
)
def test_a_trace_is_shown_by_its_first_line_and_its_root_cause(message: str, shown: str) -> None:
    assert sample_texts(pl.Series([message])).to_list() == [shown]


def test_both_ends_of_a_long_trace_are_there() -> None:
    long = "x" * 3000 + FRAMES + "\nCaused by: y.Exception: " + "z" * 3000
    (shown,) = sample_texts(pl.Series([long]))
    assert len(shown) <= MAX_SAMPLE_CHARS
    assert shown.startswith("xxx")
    assert " … Caused by: y.Exception: zzz" in shown


def test_the_rest_of_a_secret_on_a_line_of_its_own_is_not_shown() -> None:
    message = "login with password='first\nhunter2'\nstill here\nLoginError: refused"
    (shown,) = sample_texts(pl.Series([message]))
    assert "hunter2" not in shown
    assert shown.endswith(" … LoginError: refused")
