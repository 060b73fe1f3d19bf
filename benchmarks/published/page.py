# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Puts the figures into docs/Published.md, with their numbers and pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path

from section import Section, to_markdown

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "Published.md"
FOLDER = ROOT / "docs" / "Published"
MARK = "<!-- benchmarks/published/run.py --docs -->"


def finite(value):
    """The same with null in place of what is no number: JSON has no nan."""
    if isinstance(value, dict):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def numbers(sections: list[Section]) -> dict:
    return {section.key: finite({
        "title": section.title,
        "lines": [{"what": line.what, "published": line.published, "ours": line.ours,
                   "ratio": line.ratio, "target": line.target or None, "reached": line.reached}
                  for line in section.lines],
        **section.numbers}) for section in sections}


def write(sections: list[Section]) -> None:
    """Renews what stands after the mark, the JSON and the pictures."""
    from hcgs.report.plots import Plotter, standalone

    FOLDER.mkdir(exist_ok=True)
    plotter = Plotter()
    for section in sections:
        for name, _, paint in section.pictures:
            (FOLDER / f"{name}.svg").write_text(standalone(paint(plotter)), "utf-8")
    text = json.dumps(numbers(sections), indent=1)
    (FOLDER / "published.json").write_text(text + "\n", "utf-8")
    head = PAGE.read_text("utf-8").split(MARK)[0]
    body = "\n".join(to_markdown(section, FOLDER.name) for section in sections)
    PAGE.write_text(f"{head}{MARK}\n\n{body}", "utf-8")
