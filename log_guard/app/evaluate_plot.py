"""Found incidents against false alarms, as a picture: PNG, or a page of HTML with the drawing in it."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from log_guard.app.evaluating import CURVE_RATES, Evaluated
from log_guard.app.written import naming
from log_guard.errors import OptionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".html")


def check_plot(path: Path) -> None:
    """Refuse, before any work is done, what could not be drawn."""
    if path.suffix not in SUFFIXES:
        raise OptionError(f"--plot {path}: the name must end in .png or .html")
    if not path.parent.is_dir():
        raise OptionError(f"--plot {path}: there is no directory {path.parent}; make it first")
    try:
        import matplotlib  # noqa: F401  # only whether it is there
    except ImportError:
        raise OptionError(
            "--plot draws with matplotlib: install it with `pip install 'logguard[plot]'`"
        ) from None


def draw(done: Sequence[Evaluated], path: Path) -> None:
    """Draw the curves of all detectors and of the rule into a file; InputError if it refuses."""
    figure = _figure(done)
    out = io.BytesIO()
    figure.savefig(out, format="png" if path.suffix == ".png" else "svg", dpi=150)
    content = out.getvalue()
    if path.suffix == ".html":
        svg = content.decode()
        title = html.escape(f"{done[0].evaluation.name}: found against false alarms")
        page = f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n'
        content = (page + svg[svg.index("<svg") :] + "</html>\n").encode()
    with naming(path):
        path.write_bytes(content)


def _figure(done: Sequence[Evaluated]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for one in done:
        (line,) = axes.step(
            list(one.curve), [n for _, n in one.curve.values()], where="post", label=one.detector
        )
        set_to = one.evaluation.as_configured
        at = min(max(set_to.false_alarms_per_hour, CURVE_RATES[0]), CURVE_RATES[-1])
        axes.plot(at, set_to.found, "o", color=line.get_color(), clip_on=False)
    bar = done[0].bar_curve
    axes.step(
        list(bar),
        [n for _, n in bar.values()],
        where="post",
        color="0.5",
        linestyle="--",
        label="rule: count ERROR and FATAL",
    )
    of = done[0].evaluation.as_configured.of
    axes.set_xscale("log")
    axes.set_xlim(CURVE_RATES[0], CURVE_RATES[-1])
    axes.set_ylim(0, of * 1.05 or 1)
    axes.set_xlabel("false alarms an hour, at most")
    axes.set_ylabel(f"incidents found, of {of}")
    # The name comes from a file: it is text, and never a formula.
    name = done[0].evaluation.name
    axes.set_title(f"{name} (dots: as configured)", parse_math=False)
    axes.legend(loc="lower right", fontsize="small")
    axes.grid(alpha=0.3)
    return figure
