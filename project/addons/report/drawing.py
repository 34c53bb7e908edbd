"""Curves -> SVG whose text stays text and whose colours are those of the page, in light and dark."""

import re
from collections.abc import Sequence
from io import StringIO
from typing import Any, NamedTuple

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from project.addons.report.figures import Floats

WIDTH, HEIGHT = 4.0, 2.9  # inches; on the page as wide as there is room
# placeholder colours: each becomes a variable of page.css
STAND_INS = {"#000001": "--ink", "#000002": "--quiet", "#000003": "--line"}
STAND_INS |= {f"#0000{number + 16:02x}": f"--series-{number}" for number in range(7)}
INK, QUIET, LINE, *SERIES = STAND_INS
DASHES: list[Any] = ["-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1.5)), (0, (9, 3)), "-"]
STYLE: Any = {"svg.fonttype": "none", "figure.facecolor": "none", "axes.facecolor": "none", "text.color": INK}
STYLE |= {"axes.edgecolor": LINE, "axes.labelcolor": QUIET}
STYLE |= {"xtick.color": LINE, "ytick.color": LINE, "xtick.labelcolor": QUIET, "ytick.labelcolor": QUIET}
STYLE |= {"axes.spines.top": False, "axes.spines.right": False, "grid.color": LINE, "grid.linewidth": 0.5}
STYLE |= {"font.size": 9, "axes.grid": True, "axes.axisbelow": True, "lines.linewidth": 1.8}


class Curve(NamedTuple):
    """A line of a chart, with name and figure in the page's own legend, so that matplotlib never sees a label."""

    name: str
    x: Sequence[float] | Floats
    y: Sequence[float] | Floats
    figure: str = ""
    dots: bool = False


class Chart(NamedTuple):
    """A picture with its title, its legend (dashes in SVG's terms, name and figure of each curve) and a note."""

    title: str
    svg: Markup
    legend: list[tuple[str, str, str]]
    note: str


def chart(
    title: str,
    curves: Sequence[Curve],
    axes: tuple[str, str],
    note: str = "",
    unit: bool = False,
    diagonal: bool = False,
    mark: tuple[float, str] | None = None,
) -> Chart:
    """Draw curves.

    Args:
        title: Of the chart.
        curves: At most seven.
        axes: What they show, x and y.
        note: What the reader should know.
        unit: Whether both axes go from 0 to 1.
        diagonal: Whether x = y is drawn.
        mark: An x that is marked, and the word for it.
    """
    with mpl.rc_context({**STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        plot = figure.add_axes((0.15, 0.17, 0.82, 0.75))
        for number, curve in enumerate(curves):
            how: dict[str, Any] = {"color": SERIES[number], "linestyle": DASHES[number]}
            how |= {"marker": "o", "markersize": 3.5, "markeredgewidth": 0} if curve.dots else {}
            plot.plot(curve.x, curve.y, clip_on=False, **how)
        if unit:
            plot.set(xlim=(0, 1), ylim=(0, 1))
        else:
            plot.xaxis.set_major_locator(MaxNLocator(7, integer=axes[0] == "epoch"))
        if diagonal:
            plot.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
        if mark is not None:
            plot.axvline(mark[0], color=QUIET, linewidth=0.8, linestyle=(0, (2, 2)))
            plot.annotate(mark[1], (mark[0], 1), (0, 3), ("data", "axes fraction"), "offset points", ha="center")
        plot.tick_params(length=0)
        plot.set_xlabel(axes[0])
        plot.set_ylabel(axes[1], labelpad=8)
        dashes = ["" if dash == "-" else " ".join(str(1.8 * length) for length in dash[1]) for dash in DASHES]
        legend = [(dash, curve.name, curve.figure) for dash, curve in zip(dashes, curves, strict=False)]
        return Chart(title, Markup(as_svg(figure)), legend, note)  # no label is in it


def as_svg(figure: Figure) -> str:
    """Return a figure as an element of a page, without what only a file of its own needs."""
    text = StringIO()
    FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})  # type: ignore[no-untyped-call]
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg, count=1)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # the same in every picture, and never referred to
    svg = re.sub(r"font-family: [^;]*; ", "", svg)  # the page's own is inherited
    return re.sub("|".join(STAND_INS), lambda found: f"var({STAND_INS[found[0]]})", svg)
