# Part of the hcgs project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sections about the error, out of an analysis (docs/Guides/Analysis.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .plots import Plotter

MAX_PARTS = 12


@dataclass(frozen=True)
class Cell:
    """A number of the table of quantities, with how bad it is from 0 to 1."""

    text: str
    badness: float


@dataclass(frozen=True)
class LayerView:
    """stages  the columns; rows  (quantity, cells, first step over the
    threshold, verdict of growth); plot  errors over time."""

    name: str
    op: str
    stages: list[str]
    rows: list[tuple[str, list[Cell], str, str]]
    plot: str


class Analysis:
    """What the template shows of an analysis. Raises InputError when the JSON
    lacks what every version has."""

    def __init__(self, data: Mapping, plotter: Plotter):
        self.data = data
        try:
            self.threshold = data["threshold"]
            self.notes = data.get("notes", [])
            self.stages = [s for s in data["stages"] if s["name"] != "float"]
            self.stage_plot = plotter.bars(
                "SQNR at the outputs after each stage",
                [stage["name"] for stage in self.stages],
                [_db(stage["sqnr_db"]) for stage in self.stages],
                "SQNR in dB (–: no error)",
            )
            self.program = data["program"]
            self.outputs = [self._output(o, plotter) for o in data["outputs"]]
            self.layers = [self._layer(layer, plotter) for layer in data["layers"]]
            self.parts = data["parts"]["list"][:MAX_PARTS]
            self.parts_plot = self._parts_plot(plotter)
            self.changes = data["changes"]["list"][:MAX_PARTS]
            self.saturations = [s for s in data["saturations"]["sites"] if s["count"]]
            self.saturation_plot = self._saturation_plot(plotter)
            self.instructions = data["saturations"]["instructions"][:MAX_PARTS]
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise InputError(
                f"analysis: not as its format says: {type(error).__name__}: {error}"
            ) from None

    def _output(self, output: Mapping, plotter: Plotter) -> dict:
        stages = output["stages"]
        last = list(stages)[-1]
        chosen = [s for s in ("compressed", "weights", "values", last) if s in stages]
        return {
            "name": output["name"],
            "sqnr_db": stages[last]["sqnr_db"],
            "max_error": stages[last]["max_error"],
            "first": stages[last]["first_over_threshold"],
            "growth": stages[last].get("growth"),
            "plot": plotter.steps(
                f"error of {output['name']} by time step",
                {
                    stage: _relative_db(output["steps"], stage)
                    for stage in dict.fromkeys(chosen)
                },
                "error / signal in dB",
                stages[last]["first_over_threshold"],
            ),
        }

    def _layer(self, layer: Mapping, plotter: Plotter) -> LayerView:
        quantities = layer["quantities"]
        stages = list(quantities[0]["stages"])
        rows = []
        for quantity in quantities:
            last = quantity["stages"][stages[-1]]
            growth = last.get("growth") or {}
            first = last["first_over_threshold"]
            cells = [_cell(quantity["stages"][stage]["sqnr_db"]) for stage in stages]
            rows.append(
                (
                    quantity["name"],
                    cells,
                    "–" if first is None else str(first),
                    growth.get("verdict", "–"),
                )
            )
        shown = [q for q in quantities if "." not in q["name"] and q["name"] != "q"]
        plot = plotter.steps(
            f"errors in {layer['name']} by time step",
            {
                q["name"]: _relative_db(q["steps"], stages[-1])
                for q in shown or quantities
            },
            "error / signal in dB",
        )
        return LayerView(layer["name"], layer["op"], stages, rows, plot)

    def _parts_plot(self, plotter: Plotter) -> str | None:
        if not self.parts:
            return None
        return plotter.bars(
            "share of the error by part",
            [_short(f"{p['name']}  {p['part']}") for p in self.parts],
            [100 * p["share"] for p in self.parts],
            "% of the parts' error energy",
        )

    def _saturation_plot(self, plotter: Plotter) -> str | None:
        series = {}
        for site in sorted(self.saturations, key=lambda s: -s["count"])[:6]:
            if not site["steps"]:
                continue
            counts = np.zeros(max(step for step, _ in site["steps"]) + 1)
            for step, count in site["steps"]:
                counts[step] = count
            series[_short(f"{site['name']} {site['site']}", 22)] = counts
        if not series:
            return None
        return plotter.steps("saturations by time step", series, "saturations")


def _db(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _relative_db(steps: Mapping, stage: str) -> np.ndarray:
    """10 log10(error / signal) of each step; not a number where either is 0."""
    error = np.asarray(steps["error"][stage], dtype=np.float64)
    signal = np.asarray(steps["signal"], dtype=np.float64)
    good = (error > 0) & (signal > 0)
    out = np.full(len(error), np.nan)
    out[good] = 10 * np.log10(error[good] / signal[good])
    return out


def _cell(sqnr: float | None) -> Cell:
    """An SQNR, shaded: from 40 dB, which is fine, down to 0 dB."""
    if sqnr is None:
        return Cell("–", 0.0)
    return Cell(f"{sqnr:.1f}", float(np.clip(1 - sqnr / 40, 0, 1)))


def _short(text: str, length: int = 30) -> str:
    return text if len(text) <= length else "…" + text[1 - length :]
