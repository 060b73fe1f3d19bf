# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plots of a report, drawn by Matplotlib as SVG for a page around them.

Matplotlib knows colours only as numbers, so each role has a number of its own
that is replaced by a CSS variable in the finished SVG: the page then decides
between light and dark. Text stays text and takes the page's font. Equal input
gives equal bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import Error

#: Roles of colours: the number drawn with, and the variable put in its place.
ROLES = {
    "ink": ("#010203", "--ink"),
    "muted": ("#040506", "--muted"),
    "rule": ("#070809", "--rule"),
    "c0": ("#100001", "--c0"),
    "c1": ("#100002", "--c1"),
    "c2": ("#100003", "--c2"),
    "c3": ("#100004", "--c3"),
    "c4": ("#100005", "--c4"),
    "c5": ("#100006", "--c5"),
}
SERIES = [ROLES[f"c{i}"][0] for i in range(6)]
DPI = 72  # one unit of the SVG is one CSS pixel
WIDTH, HEIGHT = 400, 220

_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.parse_math": False,
    "text.color": ROLES["ink"][0],
    "axes.edgecolor": ROLES["rule"][0],
    "axes.labelcolor": ROLES["muted"][0],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "grid.color": ROLES["rule"][0],
    "grid.linewidth": 0.6,
    "xtick.color": ROLES["muted"][0],
    "ytick.color": ROLES["muted"][0],
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.5,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.transparent": True,
}


class Plotter:
    """Makes the plots of one page; each gets identifiers of its own."""

    def __init__(self):
        try:
            import matplotlib
            from matplotlib.backends.backend_svg import FigureCanvasSVG
            from matplotlib.figure import Figure
        except ImportError as error:
            raise Error("reports need Matplotlib: pip install matplotlib") from error
        self._matplotlib, self._canvas, self._figure = (
            matplotlib,
            FigureCanvasSVG,
            Figure,
        )
        self._count = 0

    def _draw(self, paint, title: str, width: int = WIDTH, height: int = HEIGHT) -> str:
        """SVG of what `paint(axes)` draws; `title` is for screen readers."""
        self._count += 1
        with self._matplotlib.rc_context(
            {**_STYLE, "svg.hashsalt": f"plot{self._count}"}
        ):
            figure = self._figure(figsize=(width / DPI, height / DPI), dpi=DPI)
            self._canvas(figure)
            paint(figure.add_subplot())
            for _ in range(2):  # other ticks may fit once there is room for some
                figure.tight_layout(pad=0.4)
            stream = io.StringIO()
            figure.savefig(
                stream, format="svg", metadata={"Date": None, "Creator": None}
            )
        return _embed(stream.getvalue(), title)

    def table_error(self, name: str, z: np.ndarray, error: np.ndarray) -> str:
        """The error of a table in units of the output's last bit, against its
        input in real units. Of thousands of inputs a pixel's extremes show."""
        z, low, high = _envelope(z, error, 600)

        def paint(axes):
            axes.fill_between(z, low, high, color=SERIES[0], alpha=0.85, linewidth=0.4)
            for bound in (-1, 1):
                axes.axhline(
                    bound, color=ROLES["muted"][0], linewidth=0.8, linestyle=":"
                )
            axes.set_xlabel("input")
            axes.set_ylabel("error in output LSB")
            axes.set_xlim(z[0], z[-1])

        return self._draw(paint, f"error of the table of {name}")

    def code_histogram(self, name: str, codes: np.ndarray, counts: np.ndarray) -> str:
        """How often each of the weight codes, which rise, occurs."""

        def paint(axes):
            share = np.zeros(codes[-1] - codes[0] + 1)
            share[codes - codes[0]] = 100 * counts / max(1, counts.sum())
            edges = np.arange(codes[0], codes[-1] + 2) - 0.5
            axes.stairs(share, edges, fill=True, color=SERIES[0])
            axes.set_xlabel("code")
            axes.set_ylabel("% of codes")
            axes.grid(axis="x", visible=False)

        return self._draw(paint, f"codes of {name}", 256, 130)

    def steps(
        self,
        title: str,
        series: Mapping[str, Sequence[float]],
        ylabel: str,
        mark: int | None = None,
    ) -> str:
        """Lines over time steps; `mark` is a step that stands out. Gaps where a
        value is not finite."""

        def paint(axes):
            drawn = 0
            for (name, values), colour in zip(series.items(), SERIES):
                values = np.asarray(values, dtype=np.float64)
                if not np.isfinite(values).any():
                    continue
                drawn += 1
                small = dict(marker="o", markersize=3) if len(values) < 3 else {}
                axes.plot(range(len(values)), values, color=colour, label=name, **small)
            if mark is not None:
                axes.axvline(mark, color=ROLES["muted"][0], linestyle="--", linewidth=1)
                axes.annotate(
                    f"step {mark}", (mark, 1), xycoords=("data", "axes fraction"),
                    xytext=(3, -8), textcoords="offset points", fontsize=9,
                    color=ROLES["muted"][0],
                )  # fmt: skip
            axes.set_xlabel("time step")
            axes.set_ylabel(ylabel)
            if drawn > 1:
                axes.legend(ncols=min(3, drawn), loc="best")
            axes.xaxis.get_major_locator().set_params(integer=True)

        return self._draw(paint, title)

    def bars(
        self, title: str, names: Sequence[str], values: Sequence[float], label: str
    ) -> str:
        """Horizontal bars, the first one at the top, each with its number."""

        def paint(axes):
            places = np.arange(len(names))
            finite = [v if v is not None and np.isfinite(v) else 0.0 for v in values]
            axes.barh(places, finite, color=SERIES[0], height=0.7)
            axes.set_yticks(places, names)
            axes.invert_yaxis()
            axes.set_xlabel(label)
            axes.grid(axis="y", visible=False)
            axes.margins(x=0.16)
            for place, value, drawn in zip(places, values, finite):
                text = (
                    "–" if value is None or not np.isfinite(value) else f"{value:.1f}"
                )
                axes.annotate(
                    text, (drawn, place), xytext=(4 if drawn >= 0 else -4, 0),
                    textcoords="offset points", va="center", fontsize=9,
                    ha="left" if drawn >= 0 else "right", color=ROLES["ink"][0],
                )  # fmt: skip

        return self._draw(paint, title, height=max(120, 60 + 22 * len(names)))

    def curves(
        self,
        title: str,
        series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
        xlabel: str,
        ylabel: str,
        logarithmic: bool = False,
    ) -> str:
        """Lines with markers through (x, y), one a name; `logarithmic` in x to
        base 2, with the numbers themselves at the ticks."""

        def paint(axes):
            markers = "osD^vP"
            for number, (name, (x, y)) in enumerate(series.items()):
                axes.plot(
                    x, y, color=SERIES[number % 6], marker=markers[number % 6],
                    markersize=4, label=name,
                )  # fmt: skip
            ticks = sorted({v for x, _ in series.values() for v in x})
            if logarithmic:
                axes.set_xscale("log", base=2)
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
            axes.set_xlabel(xlabel)
            axes.set_ylabel(ylabel)
            if len(series) > 1:
                axes.legend(loc="best")

        return self._draw(paint, title, 460, 280)


def standalone(svg: str) -> str:
    """A plot as a file of its own, with light and dark colours."""
    css = (Path(__file__).resolve().parent / "report.css").read_text("utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, flags=re.S)[:2]
    used = {variable for _, variable in ROLES.values()}

    def colours(block: str) -> str:
        found = re.findall(r"(--[a-z0-9-]+):\s*([^;]+);", block)
        return "".join(f"{name}:{value};" for name, value in found if name in used)

    style = (
        f"<style>svg{{{colours(light)}font-family:sans-serif}}"
        f"@media (prefers-color-scheme:dark){{svg{{{colours(dark)}}}}}</style>"
    )
    head, rest = svg.split(">", 1)
    head = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}>{style}{rest}\n"


def _envelope(x: np.ndarray, y: np.ndarray, count: int):
    """Smallest and largest y of `count` ranges of x."""
    if len(x) <= count:
        return x, y, y
    starts = np.linspace(0, len(x), count, endpoint=False).astype(np.int64)
    return x[starts], np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)


def _embed(svg: str, title: str) -> str:
    """The <svg> element of a file, with variables for colours and a size that
    follows the page."""
    from xml.sax.saxutils import quoteattr

    svg = svg[svg.index("<svg") :]
    for number, variable in ROLES.values():
        svg = svg.replace(number, f"var({variable})")
    head, rest = svg.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', head).group(0)
    width = float(re.search(r'width="([\d.]+)pt"', head).group(1)) * DPI / 72
    rest = re.sub(r"<metadata>.*?</metadata>\s*", "", rest, flags=re.S)
    # Matplotlib names its fonts in every text; the page has one.
    rest = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", rest)
    return (
        f'<svg class="plot" {view} style="max-width:{width:.0f}px" role="img" '
        f'aria-label={quoteattr(title)} xmlns:xlink="http://www.w3.org/1999/xlink">{rest}'
    )
