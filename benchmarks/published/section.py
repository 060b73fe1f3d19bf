# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a figure consists of: lines *published / ours / ratio*, tables behind
them, assumptions, numbers and pictures; and how that is printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Line:
    """One figure. `ratio` is ours over the published one, greater being better;
    `reached` whether the target is met (None: there is none)."""

    what: str
    published: str
    ours: str
    ratio: float | None = None
    target: str = ""
    reached: bool | None = None


@dataclass
class Table:
    title: str
    header: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass
class Section:
    key: str
    title: str
    lines: list[Line] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    #: What the figures rest on: what is published, what is our model, and what
    #: stands in the way where a target is missed.
    notes: list[str] = field(default_factory=list)
    numbers: dict = field(default_factory=dict)
    #: File name (without suffix) and caption of a picture, and what draws it
    #: with a hcgs.report.plots.Plotter.
    pictures: list[tuple[str, str, Callable]] = field(default_factory=list)


def mean(values: Sequence[float]) -> float:
    """Geometric mean; nan for none, and if one is nan: a mean of those that
    happened to compile is not the figure."""
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def least(values: Sequence[float]) -> float:
    """The least; nan for none, and if one is nan."""
    known = bool(values) and all(v == v for v in values)
    return min(values) if known else float("nan")


def refusal(what: str, message: str, published: str = "–") -> Line:
    """The figure `what` could not be made: the target is missed."""
    return Line(what, published, f"refused: {message}", None, "compiles", False)


def number(value: float | None, digits: int = 2) -> str:
    """With separators; – for what there is not."""
    return "–" if value is None or value != value else f"{value:,.{digits}f}"


def verdict(line: Line) -> str:
    if line.reached is None:
        return line.target or "–"
    return f"{line.target}: {'yes' if line.reached else 'no'}"


SUMMARY = ["figure", "published", "ours", "ratio", "target"]


def summary_rows(section: Section) -> list[list[str]]:
    return [[line.what, line.published, line.ours, number(line.ratio), verdict(line)]
            for line in section.lines]


def _plain(header: list[str], rows: list[list[str]]) -> str:
    """Columns of text; numbers to the right, the first column to the left."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells: list[str]) -> str:
        first, *others = (
            cell.ljust(w) if i == 0 else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(cells, widths)))
        return "  ".join([first, *others]).rstrip()

    return "\n".join([line(header), line(["-" * w for w in widths]), *map(line, rows)])


def to_text(section: Section) -> str:
    title = f"{section.key}  {section.title}"
    parts = [title + "\n" + "=" * len(title), _plain(SUMMARY, summary_rows(section))]
    for table in section.tables:
        parts.append(f"{table.title}\n\n{_plain(table.header, table.rows)}")
        if table.note:
            parts.append(table.note)
    parts += [f"* {note}" for note in section.notes]
    return "\n\n".join(parts) + "\n"


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = "| --- | " + " | ".join(["---:"] * (len(header) - 1)) + " |"
    return "\n".join([line(header), rule, *map(line, rows)])


def to_markdown(section: Section, folder: str) -> str:
    parts = [f"## {section.key}: {section.title}", _markdown(SUMMARY, summary_rows(section))]
    parts += [f"![{caption}]({folder}/{name}.svg)" for name, caption, _ in section.pictures]
    if section.notes:
        parts.append("\n".join(f"- {note}" for note in section.notes))
    for table in section.tables:
        parts.append(f"{table.title}:\n\n{_markdown(table.header, table.rows)}")
        if table.note:
            parts.append(table.note)
    return "\n\n".join(parts) + "\n"
