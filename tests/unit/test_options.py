"""Options that are written down once, and times in options."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from log_guard.cli.options import Grouping, in_utc
from log_guard.cli.spread import spread
from log_guard.errors import OptionError


@dataclass(frozen=True)
class Size:
    wide: Annotated[int, typer.Option("--wide", help="How wide.")] = 3
    names: Annotated[list[str] | None, typer.Option("--name")] = None


@spread
def build(what: Annotated[str, typer.Argument()], size: Size, fast: bool = False) -> None:
    """Build it."""
    typer.echo(f"{what} {size.wide} {size.names} {fast}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["box"], "box 3 None False"),
        (["box", "--wide", "4", "--name", "a", "--name", "b", "--fast"], "box 4 ['a', 'b'] True"),
    ],
)
def test_a_group_of_options_comes_whole(arguments: list[str], said: str) -> None:
    app = typer.Typer()
    app.command()(build)
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.output.strip()) == (0, said)
    shown = CliRunner().invoke(app, ["--help"]).output
    assert "Build it." in shown
    assert "How wide." in shown


def test_a_time_without_a_zone_is_utc_and_not_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert in_utc("2026-01-01T12:00") == in_utc("2026-01-01T14:00+02:00") == noon


def test_what_counts_as_one() -> None:
    assert Grouping("none").groups == ()
    assert Grouping(" service , host").groups == ("service", "host")
    assert Grouping(mask=["order=[0-9]+=x"]).masks == (("order", "[0-9]+=x"),)
    with pytest.raises(OptionError, match="write NAME=REGEX"):
        _ = Grouping(mask=["order"]).masks
